from hypothesis import given, settings
from hypothesis import strategies as st

from engine.tasks.replay import LEAST_LETTERS, MOST_PIECES, replay
from engine.types import (
    Finished,
    FinishReason,
    GenerateResult,
    Placement,
    TextDelta,
    ThinkingDelta,
    Timings,
    TokenLogprob,
    Usage,
)

TIMINGS = Timings(queued_s=0, load_s=0, prefill_s=0, first_token_s=0, decode_s=0, total_s=0)
PLACEMENT = Placement(device="cpu", backend="x", threads=1, reason="")
words = st.lists(st.text(min_size=1, max_size=30), max_size=400)


@settings(max_examples=50, deadline=None)
@given(words, words, st.booleans())
async def test_a_replayed_answer_is_the_answer(thoughts, tokens, with_logprobs):
    logprobs = tuple(TokenLogprob(text=token, logprob=-1.0) for token in tokens) if with_logprobs else ()
    result = GenerateResult(
        text="".join(tokens),
        thinking="".join(thoughts),
        finish_reason=FinishReason.STOP,
        usage=Usage(prompt_tokens=1, output_tokens=len(thoughts) + len(tokens)),
        timings=TIMINGS,
        placement=PLACEMENT,
        seed=0,
        logprobs=logprobs,
    )
    events = [event async for event in replay(result)]
    thinking = [event for event in events if isinstance(event, ThinkingDelta)]
    text = [event for event in events if isinstance(event, TextDelta)]
    assert events == [*thinking, *text, Finished(result)]
    assert "".join(event.text for event in thinking) == result.thinking
    assert "".join(event.text for event in text) == result.text
    assert tuple(one for event in text for one in event.logprobs) == logprobs * bool(text)
    if thinking or text:
        assert sum(event.token_count for event in (*thinking, *text)) == result.usage.output_tokens
    for pieces in (thinking, text):
        assert len(pieces) <= MOST_PIECES
        assert all(len(event.text) >= LEAST_LETTERS for event in pieces[:-1])
