"""The queue through the door: what it shows, what can be changed in it, and models that take turns in memory."""

import asyncio
from contextlib import aclosing, suppress

import numpy as np
import pytest

from engine.backends.base import Conversation
from engine.engine import Engine
from engine.errors import EngineDeadError, InvalidRequestError, OutOfMemoryError, RequestCancelledError
from engine.queueing import FACTORS, Outcome, QueuedRequest, RequestState
from engine.testing import FakeBackend, FakeTextModel
from engine.types import Event, Finished, GenerateRequest, GenerateResult, Queued, RecognizeRequest, TextDelta, Urgency

MIB = 1 << 20
SIZE = 4 * MIB
LONG = {"repeat": True, "step_s": 0.002}


def ask(model: str = "text", **fields: object) -> GenerateRequest:
    return GenerateRequest(**{"model": model, "prompt": "one two three", "max_tokens": 20, **fields})


class Asked:
    """A request that is on its way, and what came of it."""

    def __init__(self, engine: Engine, request: GenerateRequest) -> None:
        self.events: list[Event] = []
        self.task = asyncio.ensure_future(self._run(engine, request))

    async def _run(self, engine: Engine, request: GenerateRequest) -> GenerateResult:
        async with aclosing(engine.generate(request)) as events:
            async for event in events:
                self.events.append(event)
        last = self.events[-1]
        assert isinstance(last, Finished)
        return last.result

    @property
    def has_begun(self) -> bool:
        return any(isinstance(event, TextDelta) for event in self.events)


async def until(condition, timeout_s: float = 10.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - other threads tell nobody
            await asyncio.sleep(0.005)


def named(engine: Engine, title: str) -> QueuedRequest:
    (found,) = [request for request in engine.queue().requests if request.title == title]
    return found


async def test_the_queue_shows_what_runs_and_what_waits_and_why(make_engine):
    engine = make_engine(FakeBackend(**LONG), max_sequences=1)
    first = Asked(engine, ask(title="first", client="Chat window", max_tokens=4000))
    await until(lambda: first.has_begun)
    second = Asked(engine, ask(title="second", urgency=Urgency.BATCH))
    await until(lambda: len(engine.queue().waiting) == 1)
    await until(lambda: named(engine, "second").state is RequestState.WAITING)
    queue = engine.queue()
    (running,), (waiting,) = queue.running, queue.waiting
    assert (running.title, running.client, running.model, running.lane) == ("first", "Chat window", "text", "cpu")
    assert running.state is RequestState.RUNNING
    assert running.position == 0
    assert 0 < running.progress <= 1
    assert running.prompt_done == running.prompt_tokens == 3
    assert (waiting.title, waiting.position, queue.waiting_count) == ("second", 1, 1)
    assert tuple(part.key for part in waiting.parts) == FACTORS
    assert waiting.score == pytest.approx(sum(part.points for part in waiting.parts))
    assert waiting.reason.startswith("Waits for the place at text; +0.")
    assert 0 < waiting.starts_in_s < waiting.ends_in_s
    assert queue.overtaken_at_most_s == 240
    first.task.cancel()
    await second.task
    ended = engine.queue().ended
    assert [(one.title, one.outcome) for one in ended] == [("second", Outcome.DONE), ("first", Outcome.CANCELLED)]
    assert ended[0].output_tokens == 20
    assert ended[0].prompt_tokens == 3
    assert 0 < ended[0].waited_s <= ended[0].first_token_s <= ended[0].total_s
    assert engine.queue().ended_today == 2


async def test_who_waits_is_told_where_and_for_how_long(make_engine):
    engine = make_engine(FakeBackend(**LONG), max_sequences=1)
    first = Asked(engine, ask(max_tokens=400))
    await until(lambda: first.has_begun)
    others = [Asked(engine, ask()) for _ in range(3)]

    def last_told(asked: Asked) -> Queued | None:
        return next((event for event in reversed(asked.events) if isinstance(event, Queued)), None)

    await until(lambda: [told and told.position for told in map(last_told, others)] == [1, 2, 3])
    await until(lambda: last_told(others[2]).starts_in_s is not None)
    assert last_told(others[2]).starts_in_s > 0
    assert last_told(others[2]).reason.startswith("Waits for the place at text")
    await asyncio.gather(*(asked.task for asked in others))


async def test_a_request_can_be_cancelled_whether_it_waits_or_runs(make_engine):
    engine = make_engine(FakeBackend(**LONG), max_sequences=1)
    runs = Asked(engine, ask(title="runs", max_tokens=4000))
    await until(lambda: runs.has_begun)
    waits = Asked(engine, ask(title="waits"))
    await until(lambda: len(engine.queue().requests) == 2)
    assert engine.cancel_request(named(engine, "waits").id)
    with pytest.raises(RequestCancelledError, match="was cancelled in the queue"):
        await waits.task
    assert engine.cancel_request(named(engine, "runs").id)
    with pytest.raises(RequestCancelledError):
        await runs.task
    await until(lambda: engine.queue().requests == ())
    assert {one.outcome for one in engine.queue().ended} == {Outcome.CANCELLED}
    assert not engine.cancel_request("r12345")
    assert not engine.cancel_request("nonsense")
    assert (await Asked(engine, ask()).task).usage.output_tokens == 20


async def test_moving_up_and_urgency_change_who_is_next(make_engine):
    engine = make_engine(FakeBackend(**LONG), max_sequences=1)
    first = Asked(engine, ask(max_tokens=4000))
    await until(lambda: first.has_begun)
    waiting = []
    for number in range(4):
        waiting.append(Asked(engine, ask(title=f"w{number}")))
        await until(lambda n=number: len(engine.queue().waiting) == n + 1)
    await until(lambda: all(one.state is RequestState.WAITING for one in engine.queue().waiting))
    assert engine.move_up(named(engine, "w3").id)
    assert [one.title for one in engine.queue().waiting] == ["w3", "w0", "w1", "w2"]
    assert engine.set_urgency(named(engine, "w0").id, Urgency.BATCH, level=0)
    assert [one.title for one in engine.queue().waiting] == ["w3", "w1", "w2", "w0"]
    assert (named(engine, "w0").urgency, named(engine, "w0").level) == (Urgency.BATCH, 0)
    with pytest.raises(InvalidRequestError, match="level is 5"):
        engine.set_urgency(named(engine, "w0").id, Urgency.BATCH, level=5)
    assert not engine.move_up("r999")
    first.task.cancel()
    await asyncio.gather(*(asked.task for asked in waiting))
    ended = [one.title for one in reversed(engine.queue().ended) if one.title.startswith("w")]
    assert ended == ["w3", "w1", "w2", "w0"]


async def test_a_paused_queue_begins_nothing_and_goes_on_afterwards(make_engine):
    engine = make_engine(FakeBackend(**LONG))
    first = Asked(engine, ask(max_tokens=60))
    await until(lambda: first.has_begun)
    engine.pause_queue(True)
    second = Asked(engine, ask(title="second"))
    await first.task
    await asyncio.sleep(0.1)
    assert not second.has_begun
    assert engine.queue().is_paused
    assert named(engine, "second").reason.startswith("The queue is paused")
    engine.pause_queue(False)
    await second.task


async def test_the_order_can_be_changed_while_requests_wait(make_engine):
    engine = make_engine(FakeBackend(**LONG), max_sequences=1)
    first = Asked(engine, ask(max_tokens=4000))
    await until(lambda: first.has_begun)
    batch = Asked(engine, ask(title="batch", urgency=Urgency.BATCH))
    await until(lambda: len(engine.queue().waiting) == 1)
    chat = Asked(engine, ask(title="chat"))
    await until(lambda: [one.title for one in engine.queue().waiting] == ["chat", "batch"])
    engine.set_order("fifo")
    queue = engine.queue()
    assert [one.title for one in queue.waiting] == ["batch", "chat"]
    assert (queue.order, queue.waiting[0].parts) == ("fifo", ())
    with pytest.raises(InvalidRequestError, match="no order"):
        engine.set_order("alphabetical")
    with pytest.raises(InvalidRequestError, match="settled when Hearth starts"):
        engine.set_order("free_for_all")
    first.task.cancel()
    await asyncio.gather(batch.task, chat.task)


@pytest.mark.parametrize("order", ["hearth", "fifo", "fifo_batched", "round_robin", "collate"])
async def test_models_that_do_not_fit_together_take_turns(make_engine, order):
    backend = FakeBackend(step_s=0.001)
    engine = make_engine(backend, SIZE, memory_budget_bytes=SIZE + MIB, order=order)
    asked = [Asked(engine, ask("text" if number % 2 else "other")) for number in range(12)]
    results = await asyncio.gather(*(one.task for one in asked))
    assert [result.text for result in results] == ["Hello, world."] * 12
    assert len(engine.snapshot().loaded) == 1
    assert 2 <= len(backend.models) <= 12


async def test_every_model_has_its_own_lane_when_all_run_free(make_engine):
    engine = make_engine(FakeBackend(step_s=0.001), order="free_for_all")
    asked = [Asked(engine, ask("text" if number % 2 else "other")) for number in range(6)]
    await asyncio.gather(*(one.task for one in asked))
    assert {one.lane for one in engine.queue().ended} == {"cpu/text", "cpu/other"}
    assert {lane.device for lane in engine.queue().lanes} == {"cpu"}


async def test_work_that_nobody_waits_for_gives_its_memory_to_somebody_and_goes_on_later(make_engine):
    backend = FakeBackend(**LONG)
    engine = make_engine(backend, SIZE, memory_budget_bytes=SIZE + MIB)
    batch = Asked(engine, ask("text", urgency=Urgency.BATCH, max_tokens=700, title="batch"))
    await until(lambda: batch.has_begun)
    chat = Asked(engine, ask("other", title="chat"))
    await chat.task
    assert not batch.task.done()
    result = await batch.task
    assert result.usage.output_tokens == 700
    assert [len(model.info.id) and model.info.id for model in backend.models] == ["text", "other", "text"]
    assert result.text == "".join(backend.script[at % len(backend.script)] for at in range(700))


async def test_answers_of_equal_urgency_finish_before_their_model_leaves(make_engine):
    backend = FakeBackend(**LONG)
    engine = make_engine(backend, SIZE, memory_budget_bytes=SIZE + MIB)
    first = Asked(engine, ask("text", max_tokens=200))
    await until(lambda: first.has_begun)
    second = Asked(engine, ask("other"))
    await until(lambda: len(engine.queue().waiting) == 1)
    late = Asked(engine, ask("text", title="late"))
    await second.task
    assert first.task.done()
    await late.task
    assert [model.info.id for model in backend.models][:2] == ["text", "other"]


async def test_loading_one_model_does_not_stop_another(make_engine):
    backend = FakeBackend(**LONG)
    engine = make_engine(backend)
    running = Asked(engine, ask("text", max_tokens=4000))
    await until(lambda: running.has_begun)
    backend.load_s = 0.4
    waits = Asked(engine, ask("other", title="waits"))
    await until(lambda: any(one.state is RequestState.LOADING for one in engine.queue().requests))
    before = len([event for event in running.events if isinstance(event, TextDelta)])
    assert engine.queue().loading == {"other": pytest.approx(0.5)}
    await asyncio.sleep(0.2)
    assert named(engine, "waits").load_progress == pytest.approx(0.5)
    assert len([event for event in running.events if isinstance(event, TextDelta)]) > before + 5
    await waits.task
    running.task.cancel()


async def test_a_model_that_can_never_fit_is_refused_with_the_numbers(make_engine):
    engine = make_engine(FakeBackend(), SIZE, memory_budget_bytes=MIB)
    with pytest.raises(OutOfMemoryError, match="text needs"):
        await Asked(engine, ask()).task
    assert engine.queue().ended[0].outcome is Outcome.FAILED
    assert "text needs" in engine.queue().ended[0].error


async def test_a_pinned_model_stays_and_others_are_told(make_engine):
    engine = make_engine(FakeBackend(), SIZE, memory_budget_bytes=SIZE + MIB)
    engine.pin("text")
    await Asked(engine, ask()).task
    assert engine.snapshot().loaded[0].is_pinned
    assert engine.hardware().memory_budget_bytes == SIZE + MIB
    with pytest.raises(OutOfMemoryError):
        await Asked(engine, ask("other")).task
    engine.pin("text", False)
    await Asked(engine, ask("other")).task


async def test_the_longest_answer_of_a_flood_does_not_keep_a_reader_waiting(make_engine):
    engine = make_engine(FakeBackend(**LONG), max_sequences=4)
    flood = [Asked(engine, ask(urgency=Urgency.BATCH, client="flood", max_tokens=4000)) for _ in range(12)]
    await until(lambda: sum(one.has_begun for one in flood) == 4)
    await asyncio.sleep(0.2)  # more than a few steps, so that places may change hands
    chat = Asked(engine, ask(client="chat"))
    async with asyncio.timeout(5):
        await chat.task
    states = [one.state for one in engine.queue().requests]
    assert states.count(RequestState.PAUSED) <= 1
    for one in flood:
        one.task.cancel()
    for one in flood:
        with suppress(asyncio.CancelledError):
            await one.task
    await until(lambda: engine.queue().requests == ())


async def test_a_cancelled_request_that_was_paused_leaves_nothing_behind(make_engine):
    backend = FakeBackend(**LONG)
    engine = make_engine(backend, max_sequences=1)
    batch = Asked(engine, ask(urgency=Urgency.BATCH, max_tokens=4000, title="batch"))
    await until(lambda: batch.has_begun)
    await asyncio.sleep(0.2)
    chat = Asked(engine, ask(max_tokens=4000, title="chat"))
    await until(lambda: chat.has_begun)
    assert named(engine, "batch").state is RequestState.PAUSED
    batch.task.cancel()
    await until(lambda: len(engine.queue().requests) == 1)
    (model,) = backend.models
    await until(lambda: not model.suspended)
    chat.task.cancel()


async def test_pictures_and_answers_share_the_queue(make_engine):
    engine = make_engine(FakeBackend(step_s=0.002))
    pictures = [engine.recognize(RecognizeRequest(model="eyes", image=b"x", client="Recognize")) for _ in range(10)]
    answers = [Asked(engine, ask()).task for _ in range(4)]
    await asyncio.gather(*pictures, *answers)
    ended = engine.queue().ended
    assert sum(one.form == "image" for one in ended) == 10
    assert all(one.outcome is Outcome.DONE for one in ended)
    assert {one.title for one in ended if one.form == "image"} == {"a picture"}


async def test_wrong_levels_and_deadlines_are_refused(make_engine):
    engine = make_engine(FakeBackend())
    with pytest.raises(InvalidRequestError, match="level is 9"):
        await Asked(engine, ask(level=9)).task
    with pytest.raises(InvalidRequestError, match="deadline_s is 0"):
        await engine.recognize(RecognizeRequest(model="eyes", image=b"x", deadline_s=0))


async def test_a_prompt_that_is_known_already_counts_as_ready(make_engine):
    backend = FakeBackend(**LONG)
    engine = make_engine(backend, max_sequences=1)
    first = Asked(engine, ask(max_tokens=4000))
    await until(lambda: first.has_begun)
    backend.models[0].kept.append(Conversation(tokens=(0, 1), state=np.zeros(8, np.uint8), last_used=1))
    waits = Asked(engine, ask(title="waits"))
    await until(lambda: len(engine.queue().waiting) == 1)
    await until(lambda: named(engine, "waits").parts[FACTORS.index("prefix")].value == pytest.approx(2 / 3))
    first.task.cancel()
    await waits.task


async def test_lengths_of_answers_are_learned_and_kept(make_engine):
    engine = make_engine(FakeBackend(step_s=0.001), max_sequences=1)
    for _ in range(6):
        await Asked(engine, ask(max_tokens=500)).task  # the script is four pieces long
    engine.pause_queue(True)
    waits = Asked(engine, ask(title="waits", max_tokens=500))
    await until(lambda: [one.output_expected for one in engine.queue().waiting] == [4])
    engine.pause_queue(False)
    await waits.task
    await engine.close()
    again = make_engine(FakeBackend(step_s=0.001))
    again.pause_queue(True)
    waits = Asked(again, ask(title="waits", max_tokens=500))
    await until(lambda: [one.output_expected for one in again.queue().waiting] == [4])
    again.pause_queue(False)
    await waits.task


async def test_a_queue_that_fails_inside_ends_its_requests_and_goes_on(make_engine, monkeypatch):
    engine = make_engine(FakeBackend(**LONG))
    running = Asked(engine, ask(max_tokens=4000))
    await until(lambda: running.has_begun)

    policy = engine._open.works.state.policy
    turn = policy.turn

    def broken_once(*_arguments: object) -> None:
        monkeypatch.setattr(policy, "turn", turn)  # the lane asks again before anybody can mend it
        raise ZeroDivisionError("nonsense")

    monkeypatch.setattr(policy, "turn", broken_once)
    with pytest.raises(EngineDeadError, match="The queue failed inside: nonsense"):
        await running.task
    assert (await Asked(engine, ask()).task).usage.output_tokens == 20


async def test_a_prompt_that_is_alone_is_read_in_whole_chunks_from_the_first_on(make_engine, monkeypatch):
    chunks: list[int] = []
    step = FakeTextModel.step

    def noting(self, sequences, prefill_tokens):
        if any(sequence.is_prefilling for sequence in sequences):
            chunks.append(prefill_tokens)
        return step(self, sequences, prefill_tokens)

    monkeypatch.setattr(FakeTextModel, "step", noting)
    engine = make_engine(FakeBackend(), prefill_chunk_tokens=300)
    await Asked(engine, ask(prompt="word " * 1000)).task
    assert chunks == [300] * 4
