"""Ask: what the dispatcher must know of a request to choose a device for it."""

from dataclasses import dataclass
from typing import Final

from engine.types import EmbedRequest, GenerateRequest, RecognizeRequest

CHARS_PER_TOKEN: Final = 4
"""Of ordinary text, roughly; good enough to tell a short prompt from a long one before it is tokenised."""
USUAL_ANSWER_TOKENS: Final = 256
"""Expected where a request allows more: few answers use up what they may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request, as far as it matters for where it runs.

    Attributes:
        form: `text`, `image` or `texts`.
        task: what kind of answer is asked for, and by whom: their lengths are learned apart.
        prompt_tokens: to be read, estimated.
        output_tokens: to be written, estimated.
        most_tokens: that may be written.
        device: where the caller wants it to run; empty for no wish.
    """

    form: str = "text"
    task: str = "text"
    prompt_tokens: int = 0
    output_tokens: int = 0
    most_tokens: int = USUAL_ANSWER_TOKENS
    device: str = ""


def ask_of(request: GenerateRequest | RecognizeRequest | EmbedRequest) -> Ask:
    """What the dispatcher is told about a request."""
    if isinstance(request, RecognizeRequest):
        return Ask(form="image", device=request.device)
    if isinstance(request, EmbedRequest):
        return Ask(form="texts", prompt_tokens=_tokens(*request.texts), device=request.device)
    texts = [request.prompt or "", request.suffix or "", *(message.content for message in request.messages)]
    return Ask(
        form="text",
        task=_task(request),
        prompt_tokens=_tokens(*texts),
        output_tokens=min(request.max_tokens or USUAL_ANSWER_TOKENS, USUAL_ANSWER_TOKENS),
        most_tokens=request.max_tokens or 4 * USUAL_ANSWER_TOKENS,
        device=request.device,
    )


def _task(request: GenerateRequest) -> str:
    if request.json_schema is not None or request.grammar is not None:
        kind = "ruled"
    elif request.suffix is not None:
        kind = "gap"
    else:
        kind = "turn" if request.messages else "text"
    return f"{kind} {request.client}".rstrip()


def _tokens(*texts: str) -> int:
    return max(1, sum(map(len, texts)) // CHARS_PER_TOKEN)
