"""The error of the set-up commands, in one sentence with the cause and one with the remedy."""


class SetupError(Exception):
    """Setting Hearth up failed.

    Attributes:
        cause: one sentence: what went wrong.
        remedy: one sentence: what the person can do.
    """

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause, remedy)
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.cause} {self.remedy}"
