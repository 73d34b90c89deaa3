"""First in, first out, with models taking turns."""

import asyncio

from engine.backends.base import LoadOptions, Prompt
from engine.memory.residency import Lease
from engine.scheduling.asks import Ask
from engine.scheduling.job import JobClock, Journey
from engine.scheduling.jobs import GenerateJob
from engine.scheduling.queue import TOLD_POSITIONS, FifoQueue
from engine.scheduling.steps import LEAST_PREFILL_TOKENS, PrefillRate
from engine.stream import OutputStream
from engine.testing import FakeBackend, FakeTextModel
from engine.types import GenerateRequest, ModelInfo, Queued


def model(name: str) -> FakeTextModel:
    info = ModelInfo(id=name, path=None, format="gguf", name=name, architecture="fake", size_bytes=1)
    return FakeTextModel(info, LoadOptions(), FakeBackend())


class Caller(OutputStream):
    """A stream that notes what it was told."""

    def __init__(self) -> None:
        super().__init__(asyncio.new_event_loop())
        self._loop.close()
        self.told: list[int] = []

    def put(self, event) -> None:
        assert isinstance(event, Queued)
        self.told.append(event.position)


def job(of: FakeTextModel, arrived_s: float = 0.0) -> tuple[GenerateJob, Caller]:
    caller = Caller()
    prompt = Prompt(request=GenerateRequest(model="m", prompt="x"), tokens=(1,), max_tokens=1, seed=0)
    journey = Journey(lease=Lease(None), ask=Ask())
    return GenerateJob(of, prompt, caller, JobClock(arrived_s=arrived_s), journey, later=lambda work: work()), caller


def test_an_empty_queue_has_nothing_to_pick() -> None:
    assert FifoQueue().pick() is None


def test_models_take_turns_and_leave_when_they_have_nothing() -> None:
    queue, a, b = FifoQueue(), model("a"), model("b")
    for of in (a, b, a):
        queue.add(job(of)[0])
    assert [queue.pick().model for _ in range(4)] == [a, b, a, b]
    queue.pick().waiting.clear()  # a
    assert [queue.pick().model for _ in range(2)] == [b, b]


def test_jobs_of_a_model_wait_in_the_order_of_arrival() -> None:
    queue, a = FifoQueue(), model("a")
    jobs = [job(a)[0] for _ in range(5)]
    for each in jobs:
        queue.add(each)
    assert list(queue.pick().waiting) == jobs
    assert (queue.waiting, queue.running) == (5, 0)


def test_cancelled_jobs_are_taken_out_wherever_they_are() -> None:
    queue, a = FifoQueue(), model("a")
    pairs = [job(a) for _ in range(3)]
    for each, _caller in pairs:
        queue.add(each)
    work = queue.pick()
    work.running.append(work.waiting.popleft())
    pairs[0][1].cancel()
    pairs[2][1].cancel()
    assert queue.prune() == [pairs[0][0], pairs[2][0]]
    assert (queue.waiting, queue.running) == (1, 0)


def test_dropping_a_model_returns_all_its_jobs_and_no_others() -> None:
    queue, a, b = FifoQueue(), model("a"), model("b")
    ours, others = job(a)[0], job(b)[0]
    queue.add(ours)
    queue.add(others)
    assert queue.drop(a) == [ours]
    assert queue.drop(a) == []
    assert queue.pick().model is b


def test_positions_follow_the_arrival_over_all_models_and_are_told_once() -> None:
    queue, a, b = FifoQueue(), model("a"), model("b")
    first, second = job(a, arrived_s=1.0), job(b, arrived_s=2.0)
    queue.add(second[0])
    queue.add(first[0])
    queue.tell_positions()
    queue.tell_positions()
    assert (first[1].told, second[1].told) == ([1], [2])


def test_only_the_first_are_told_their_position() -> None:
    queue, a = FifoQueue(), model("a")
    callers = []
    for number in range(TOLD_POSITIONS + 5):
        each, caller = job(a, arrived_s=float(number))
        queue.add(each)
        callers.append(caller)
    queue.tell_positions()
    assert [caller.told for caller in callers] == [[n] for n in range(1, TOLD_POSITIONS + 1)] + [[]] * 5


def test_the_prefill_rate_is_learned_and_bounds_a_chunk() -> None:
    rate = PrefillRate()
    assert rate.tokens_within(0.1, 512) == 4 * LEAST_PREFILL_TOKENS
    rate.learn(512, 1.0)
    assert rate.tokens_within(0.1, 512) == 51
    assert rate.tokens_within(10.0, 512) == 512
    assert rate.tokens_within(0.001, 512) == LEAST_PREFILL_TOKENS
    rate.learn(1, 1.0)  # too small a step to say anything
    assert rate.tokens_within(0.1, 512) == 51
