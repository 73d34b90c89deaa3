"""Thoughts, calls of tools, and plugins that take their time: nothing of it holds up anybody else."""

import asyncio
import threading
from contextlib import aclosing
from dataclasses import replace

import pytest

from engine.errors import CapabilityError, EngineClosedError, EngineError
from engine.testing import FakeBackend, FakeEmbeddingModel, FakeTextModel
from engine.types import (
    Accepts,
    EmbedRequest,
    Finished,
    FinishReason,
    GenerateRequest,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    user,
)

CALLS = (ToolCall("add", {"a": 1}), ToolCall("sub", {"b": 2}))


def ask(model="text", **fields):
    return GenerateRequest(model=model, messages=(user("one two"),), **fields)


async def collect(engine, request):
    async with aclosing(engine.generate(request)) as events:
        return [event async for event in events]


async def test_thoughts_come_before_the_answer_and_apart_from_it(make_engine):
    engine = make_engine(FakeBackend(thinking=("Hm", ", ", "so."), script=("Yes", ".")))
    events = await collect(engine, ask())
    deltas = [event for event in events if isinstance(event, TextDelta | ThinkingDelta)]
    kinds = [type(event) for event in deltas]
    assert kinds == sorted(kinds, key=lambda kind: kind is TextDelta)
    assert "".join(event.text for event in deltas if isinstance(event, ThinkingDelta)) == "Hm, so."
    assert sum(event.token_count for event in deltas if isinstance(event, ThinkingDelta)) == 3
    assert sum(event.token_count for event in deltas) == 5
    result = events[-1].result
    assert (result.thinking, result.text, result.usage.output_tokens) == ("Hm, so.", "Yes.", 5)


async def test_an_answer_that_ends_in_thought_has_no_text(make_engine):
    engine = make_engine(FakeBackend(thinking=("a", "b", "c")))
    result = (await collect(engine, ask(max_tokens=2)))[-1].result
    assert (result.thinking, result.text, result.finish_reason) == ("ab", "", FinishReason.LENGTH)


async def test_calls_of_tools_are_in_the_result_and_not_in_the_text(make_engine):
    engine = make_engine(FakeBackend(script=("Let me see.",), calls=CALLS))
    result = (await collect(engine, ask()))[-1].result
    assert (result.text, result.tool_calls, result.finish_reason) == ("Let me see.", CALLS, FinishReason.STOP)


class Outside(FakeBackend):
    """Its models ask plugins in other processes, as it were.

    Attributes:
        threads: on which preparing and reading calls ran.
        hang: preparing `text` waits for it.
        read: reads calls.
    """

    def __init__(self, **fields):
        super().__init__(**fields)
        self.threads = []
        self.hang = threading.Event()
        self.hang.set()
        self.began = threading.Event()
        self.read = lambda blocks: CALLS

    def _make(self, info, options):
        if Accepts.TEXTS in info.accepts:
            model = FakeEmbeddingModel(info, options)
            model.asks_outside = True
            model.prepare = lambda request: (self._note(), tuple(f"{request.purpose} {t}" for t in request.texts))[1]
            return model
        model = FakeTextModel(info, options, self)
        original = model.prepare
        model.asks_outside = info.id == "text"

        def prepare(request):
            self._note()
            if info.id == "text":
                self.began.set()
                assert self.hang.wait(10)
            return replace(original(request), read_tool_calls=lambda blocks: (self._note(), self.read(blocks))[1])

        model.prepare = prepare
        return model

    def _note(self):
        self.threads.append(threading.current_thread().name.rstrip("0123456789").rstrip("_"))


async def test_a_plugin_that_hangs_holds_up_no_other_model(make_engine):
    backend = Outside()
    engine = make_engine(backend)
    await collect(engine, ask())
    backend.hang.clear()
    backend.began.clear()
    hanging = asyncio.ensure_future(collect(engine, ask()))
    await asyncio.to_thread(backend.began.wait, 10)
    for _ in range(3):
        assert (await collect(engine, ask("other")))[-1].result.text
    assert not hanging.done()
    backend.hang.set()
    assert (await hanging)[-1].result.text


async def test_only_models_with_such_plugins_leave_the_shared_thread(make_engine):
    backend = Outside(calls=CALLS)
    engine = make_engine(backend)
    await collect(engine, ask("text"))
    await collect(engine, ask("text"))
    assert set(backend.threads) == {"hearth-outside"}
    backend.threads.clear()
    await collect(engine, ask("other"))
    await collect(engine, ask("other"))
    assert set(backend.threads) == {"hearth-prepare"}


async def test_blocks_without_a_call_become_text_at_the_end(make_engine):
    backend = Outside(script=("Hm. ",), calls=CALLS)
    backend.read = lambda blocks: ()
    events = await collect(make_engine(backend), ask())
    assert isinstance(events[-1], Finished)
    result = events[-1].result
    assert (result.text, result.tool_calls) == ("Hm. addsub", ())
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == result.text


async def test_a_reader_that_breaks_fails_its_request_and_no_other(make_engine):
    backend = Outside(calls=CALLS)
    backend.read = lambda blocks: 1 / 0
    engine = make_engine(backend)
    with pytest.raises(EngineError, match="division"):
        await collect(engine, ask())
    backend.read = lambda blocks: CALLS
    assert (await collect(engine, ask()))[-1].result.tool_calls == CALLS


async def test_a_plugin_that_refuses_the_blocks_leaves_them_as_text(make_engine):
    def refuse(blocks):
        assert list(blocks) == ["add", "sub"]
        raise EngineError("That is no call.")

    backend = Outside(script=("Hm. ",), calls=CALLS)
    backend.read = refuse
    result = (await collect(make_engine(backend), ask()))[-1].result
    assert (result.text, result.tool_calls) == ("Hm. addsub", ())


async def test_closing_the_engine_while_calls_are_read_ends_the_request(make_engine):
    backend, reading, go_on = Outside(calls=CALLS), threading.Event(), threading.Event()

    def read(blocks):
        reading.set()
        assert go_on.wait(10)
        return CALLS

    backend.read = read
    engine = make_engine(backend)
    asked = asyncio.ensure_future(collect(engine, ask()))
    await asyncio.to_thread(reading.wait, 10)
    closing = asyncio.ensure_future(engine.close())
    with pytest.raises(EngineClosedError):
        await asked
    go_on.set()
    await closing


async def test_texts_to_embed_are_put_into_words_off_the_lane(make_engine):
    backend = Outside()
    engine = make_engine(backend)
    query = await engine.embed(EmbedRequest(model="vectors", texts=("zz",), purpose="query", normalize=False))
    assert query.vectors[0][ord("q") - ord("a")] == 1  # the letters of "query zz"
    assert backend.threads == ["hearth-outside"]


async def test_tokens_are_counted_where_prompts_are_made_ready(make_engine):
    engine = make_engine(FakeBackend())
    assert await engine.count_tokens("text", "one two three") == 3
    assert await engine.context_tokens("text") == engine.config.context_tokens
    with pytest.raises(CapabilityError, match="does not generate text"):
        await engine.count_tokens("eyes", "one")
