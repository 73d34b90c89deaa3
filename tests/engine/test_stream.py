"""The hand-off from a thread to the event loop."""

import asyncio
import threading

import pytest

from engine.errors import RequestError
from engine.stream import OutputStream
from engine.types import (
    Finished,
    FinishReason,
    GenerateResult,
    Loading,
    Placement,
    Prefill,
    Queued,
    TextDelta,
    ThinkingDelta,
    Timings,
    TokenLogprob,
    Usage,
)


def finished(text: str = "") -> Finished:
    return Finished(
        GenerateResult(
            text=text,
            finish_reason=FinishReason.STOP,
            usage=Usage(prompt_tokens=1),
            timings=Timings(queued_s=0, load_s=0, prefill_s=0, first_token_s=0, decode_s=0, total_s=0),
            placement=Placement(device="cpu", backend="fake", threads=1, reason=""),
            seed=0,
        )
    )


async def test_text_that_nobody_has_taken_yet_is_merged_into_one_delta() -> None:
    stream = OutputStream(asyncio.get_running_loop())
    for piece in "abc":
        stream.put(TextDelta(piece, 1, (TokenLogprob(text=piece, logprob=-0.5),)))
    stream.put(finished())
    events = [event async for event in stream.events()]
    assert events[0] == TextDelta("abc", 3, tuple(TokenLogprob(text=piece, logprob=-0.5) for piece in "abc"))
    assert isinstance(events[1], Finished)
    assert len(events) == 2


async def test_thoughts_are_merged_apart_from_text_and_stay_in_order() -> None:
    stream = OutputStream(asyncio.get_running_loop())
    for event in (ThinkingDelta("a", 1), ThinkingDelta("b", 1), TextDelta("c", 1), TextDelta("d", 1)):
        stream.put(event)
    stream.put(ThinkingDelta("e", 1))
    stream.put(finished())
    events = [event async for event in stream.events()]
    assert events[:-1] == [ThinkingDelta("ab", 2), TextDelta("cd", 2), ThinkingDelta("e", 1)]


async def test_only_the_newest_progress_of_each_kind_is_kept_and_the_order_stays() -> None:
    stream = OutputStream(asyncio.get_running_loop())
    for event in (Queued(2), Queued(1), Loading(0.1), Loading(0.9), Prefill(1, 9), Prefill(9, 9), TextDelta("x", 1)):
        stream.put(event)
    stream.put(finished())
    events = [event async for event in stream.events()]
    assert events[:4] == [Queued(1), Loading(0.9), Prefill(9, 9), TextDelta("x", 1)]


async def test_twenty_thousand_tokens_from_a_thread_arrive_whole_in_far_fewer_deltas() -> None:
    stream = OutputStream(asyncio.get_running_loop())

    def produce() -> None:
        for number in range(20_000):
            stream.put(TextDelta(f"{number} ", 1))
        stream.put(finished())

    thread = threading.Thread(target=produce)
    thread.start()
    deltas = [event async for event in stream.events() if isinstance(event, TextDelta)]
    thread.join()
    assert "".join(delta.text for delta in deltas) == "".join(f"{n} " for n in range(20_000))
    assert sum(delta.token_count for delta in deltas) == 20_000
    assert len(deltas) < 2_000


async def test_an_error_comes_after_what_was_put_before_it() -> None:
    stream = OutputStream(asyncio.get_running_loop())
    stream.put(TextDelta("half", 1))
    stream.fail(RequestError("It broke."))
    events = stream.events()
    assert await anext(events) == TextDelta("half", 1)
    with pytest.raises(RequestError, match="It broke"):
        await anext(events)


async def test_nothing_is_accepted_after_the_end() -> None:
    stream = OutputStream(asyncio.get_running_loop())
    stream.put(finished())
    stream.put(TextDelta("late", 1))
    stream.fail(RequestError("late"))
    assert [type(event) for event in [e async for e in stream.events()]] == [Finished]


async def test_a_slow_consumer_gets_what_came_meanwhile_at_once() -> None:
    stream = OutputStream(asyncio.get_running_loop())
    stream.put(TextDelta("a", 1))
    deltas = []
    async for event in stream.events():
        if isinstance(event, TextDelta):
            deltas.append(event.text)
            if len(deltas) == 1:
                for piece in "bcd":
                    stream.put(TextDelta(piece, 1))
                stream.put(finished())
    assert deltas == ["a", "bcd"]


def test_a_closed_loop_cancels_the_stream() -> None:
    loop = asyncio.new_event_loop()
    stream = OutputStream(loop)
    loop.close()
    stream.put(TextDelta("x", 1))
    assert stream.is_cancelled
