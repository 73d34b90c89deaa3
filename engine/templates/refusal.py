"""What a template says when it does not want a conversation."""


class ConversationRefusedError(Exception):
    """The template itself called `raise_exception`."""
