"""Images through the engine's door: batches, plugins that are far away, and closing meanwhile."""

import asyncio
import threading

import pytest

from engine.backends.base import PreparedImage
from engine.errors import EngineClosedError, ModelError, PluginError
from engine.scheduling.image_gate import MOST_PREPARED
from engine.testing import FakeBackend, FakeVisionModel
from engine.types import GenerateRequest, RecognizeRequest, Urgency, user


def ask(image: bytes = b"x", urgency: Urgency = Urgency.INTERACTIVE) -> RecognizeRequest:
    return RecognizeRequest(model="eyes", image=image, urgency=urgency)


class Watched(FakeVisionModel):
    """Counts how many images are prepared and not finished, and on which threads things happen."""

    asks_outside = False

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self.lock = threading.Lock()
        self.inside = self.most_inside = 0
        self.seen: dict[str, set[str]] = {"prepare": set(), "run": set(), "finish": set()}

    def note(self, step: str, change: int = 0) -> None:
        with self.lock:
            self.seen[step].add(threading.current_thread().name.split("_")[0])
            self.inside += change
            self.most_inside = max(self.most_inside, self.inside)

    def prepare(self, request: RecognizeRequest) -> PreparedImage:
        self.note("prepare", 1)
        return super().prepare(request)

    def run(self, images):
        self.note("run")
        return super().run(images)

    def finish(self, image, outputs, top_k):
        self.note("finish", -1)
        return super().finish(image, outputs, top_k)


class Outside(Watched):
    """Asks a plugin that answers only once it is let to."""

    asks_outside = True
    let = threading.Event()
    fails: Exception | None = None

    def prepare(self, request: RecognizeRequest) -> PreparedImage:
        assert self.let.wait(10)
        return super().prepare(request)

    def finish(self, image, outputs, top_k):
        if self.fails:
            raise self.fails
        return super().finish(image, outputs, top_k)


class Backend(FakeBackend):
    kind: type[Watched] = Watched

    def _make(self, info, options):
        return self.kind(info, options, self) if info.id == "eyes" else super()._make(info, options)


@pytest.fixture
def outside():
    class Fresh(Outside):
        let = threading.Event()

    yield Fresh
    Fresh.let.set()


async def test_images_asked_for_together_run_as_one_batch(make_engine) -> None:
    backend = Backend()
    engine = make_engine(backend)
    await engine.load("eyes")
    await asyncio.gather(*(engine.recognize(ask()) for _ in range(10)))
    [model] = backend.models
    assert model.batch_sizes == [8, 2]
    assert model.seen == {"prepare": {"hearth-prepare"}, "run": {"hearth-lane-cpu"}, "finish": {"hearth-finish"}}


async def test_a_broken_image_does_not_hold_up_its_batch(make_engine) -> None:
    backend = Backend()
    engine = make_engine(backend)
    outcomes = await asyncio.gather(
        *(engine.recognize(ask(image)) for image in (b"x", b"", b"x")), return_exceptions=True
    )
    assert [isinstance(outcome, Exception) for outcome in outcomes] == [False, True, False]
    assert backend.models[0].batch_sizes == [2]


async def test_a_thousand_images_are_not_prepared_at_once(make_engine) -> None:
    backend = Backend()
    engine = make_engine(backend)
    results = await asyncio.gather(*(engine.recognize(ask()) for _ in range(300)))
    assert len(results) == 300
    assert backend.models[0].most_inside <= MOST_PREPARED
    assert sum(backend.models[0].batch_sizes) == 300


async def test_cancelled_images_leave_room_for_others(make_engine) -> None:
    engine = make_engine(Backend(step_s=0.001))
    tasks = [asyncio.ensure_future(engine.recognize(ask())) for _ in range(3 * MOST_PREPARED)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(not isinstance(outcome, BaseException) for outcome in outcomes[1::2])
    assert (await engine.recognize(ask())).output.text == "HEARTH 42"


async def test_a_slow_plugin_holds_up_only_its_own_images(make_engine, outside) -> None:
    backend = Backend()
    backend.kind = outside
    engine = make_engine(backend)
    waiting = asyncio.ensure_future(engine.recognize(ask()))
    async with asyncio.timeout(5):  # text flows, and other models load, while the plugin takes its time
        events = [event async for event in engine.generate(GenerateRequest(model="text", messages=(user("a b"),)))]
    assert events[-1].result.text == "Hello, world."
    assert not waiting.done()
    outside.let.set()
    assert (await waiting).output.text == "HEARTH 42"
    threads = next(model for model in backend.models if isinstance(model, outside)).seen
    assert threads == {"prepare": {"hearth-outside"}, "run": {"hearth-lane-cpu"}, "finish": {"hearth-outside"}}


async def test_images_of_other_urgency_do_not_wait_for_each_other(make_engine, outside) -> None:
    class Choosy(outside):
        def prepare(self, request: RecognizeRequest) -> PreparedImage:
            if request.urgency is Urgency.INTERACTIVE:
                return Watched.prepare(self, request)
            return super().prepare(request)

    backend = Backend()
    backend.kind = Choosy
    engine = make_engine(backend)
    waiting = asyncio.ensure_future(engine.recognize(ask(urgency=Urgency.BATCH)))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        assert (await engine.recognize(ask())).output.text == "HEARTH 42"
    assert not waiting.done()
    outside.let.set()
    await waiting


@pytest.mark.parametrize("error", [PluginError("odd", "It returns nonsense.", "Tell its author."), ZeroDivisionError()])
async def test_a_plugin_that_fails_at_the_end_fails_one_request(make_engine, outside, error: Exception) -> None:
    outside.let.set()
    outside.fails = error
    backend = Backend()
    backend.kind = outside
    engine = make_engine(backend)
    with pytest.raises(PluginError if isinstance(error, PluginError) else ModelError):
        await engine.recognize(ask())
    outside.fails = None
    assert (await engine.recognize(ask())).output.text == "HEARTH 42"
    assert not backend.models[0].is_closed


async def test_closing_ends_images_that_wait_for_a_plugin(make_engine, outside) -> None:
    backend = Backend()
    backend.kind = outside
    engine = make_engine(backend)
    tasks = [asyncio.ensure_future(engine.recognize(ask())) for _ in range(40)]
    await engine.load("eyes")
    closing = asyncio.ensure_future(engine.close())
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(outcome, EngineClosedError) for outcome in outcomes)
    outside.let.set()
    await closing
