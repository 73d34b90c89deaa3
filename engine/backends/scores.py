"""What is asked of processes that score models, and what they answer; loads no inference library."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TextScore:
    """What scoring a text gave.

    Attributes:
        tokens: that were scored.
        nats: mean of -log p of these tokens.
        kl_nats: mean Kullback-Leibler divergence from the source, nats; 0 for the source itself.
        same_top: of the tokens, for how many the most likely one is the source's; all of them for the source itself.
    """

    tokens: int
    nats: float
    kl_nats: float = 0.0
    same_top: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOrder:
    """What to score a source with.

    Attributes:
        path: of the model.
        threads: of the processor.
        text: held-out text.
        rows: file for its expectations.
        most_bytes: of that file; a model of many words is scored on less text.
        limit_s: after the window in which so many seconds are over, no further one is read.
    """

    path: str
    threads: int
    text: str
    rows: str
    most_bytes: int
    limit_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultOrder:
    """What to score a result with.

    Attributes:
        path: of the model.
        threads: of the processor.
        windows: tokens that the source was scored on.
        rows: file of the source's expectations.
    """

    path: str
    threads: int
    windows: list[list[int]]
    rows: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphScore:
    """What comparing gave.

    Attributes:
        count: of pictures or texts.
        same: of these, for how many both say the same; of texts, for how many the nearest other text is the same one.
        likeness: mean likeness of what both say, in [0, 1]: the cosine of vectors, the shared characters of texts, ...
        source_right: share of characters that the source reads right; None if nobody has said what is there.
        result_right: the same of the result.
    """

    count: int
    same: int
    likeness: float
    source_right: float | None = None
    result_right: float | None = None
