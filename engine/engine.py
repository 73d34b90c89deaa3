"""Engine: the composition root, and the only door."""

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from engine.backends.base import Backend, paging_of
from engine.config import EngineConfig
from engine.devices.overrides import Overrides
from engine.devices.usage import UsageMeter
from engine.errors import EngineClosedError
from engine.models.library import variants_in
from engine.models.opening import library_of
from engine.plugins.bundled import bundled_dir, fill
from engine.plugins.contract.offers import Sample
from engine.plugins.host import PluginHost
from engine.plugins.registry import Registry
from engine.scheduling.core_shares import TEXT
from engine.scheduling.job import settle
from engine.tasks.answer_door import AnswerDoor
from engine.tasks.cache_door import CacheDoor
from engine.tasks.device_door import DeviceDoor
from engine.tasks.fit_door import FitDoor
from engine.tasks.model_doors import ModelDoors
from engine.tasks.plugin_door import PluginDoor
from engine.tasks.queue_door import QueueDoor
from engine.tasks.runner import TaskRunner
from engine.tasks.tools import ToolBox
from engine.types import EngineSnapshot, LoadedModelInfo, ModelInfo

if TYPE_CHECKING:
    from engine.memory.residency import Residency
    from engine.scheduling.fitting import FitCheck
    from engine.scheduling.hardware import Hardware
    from engine.scheduling.opening import Works
    from engine.scheduling.placing import Placer
    from engine.scheduling.queue_control import QueueControl
    from engine.tasks.answers import AnswerCache

log = logging.getLogger(__name__)

T = TypeVar("T")

DEVICES_WITHIN_S = 10.0
"""Longest that a single request waits for the devices to be found, on the first run and after a change."""


@dataclass(frozen=True, slots=True)
class _Open:
    """Everything that exists only while the engine is open, in the order in which it is made."""

    works: "Works"
    tasks: TaskRunner
    tools: ToolBox
    answers: "AnswerCache"


class Engine(AnswerDoor, CacheDoor, FitDoor, ModelDoors, PluginDoor, DeviceDoor, QueueDoor):
    """Runs models. Use it as an async context manager; several may be open in one process.

    Thread: all coroutines on one event loop; `models`, `model` and `snapshot` from any thread.

    Attributes:
        config: what it was made with.
    """

    def __init__(
        self,
        config: EngineConfig | None = None,
        backends: Mapping[str, Backend] | None = None,
        *,
        is_safe: bool = False,
        is_development: bool = False,
    ) -> None:
        """Make a closed engine.

        Args:
            config: settings; the defaults suit the machine.
            backends: by model format; llama.cpp for GGUF and ONNX Runtime for ONNX if not given.
            is_safe: leave strangers' plugins out.
            is_development: run an allowed plugin anew when its files change.
        """
        self.config = config if config is not None else EngineConfig()
        home = self.config.home
        self._registry = Registry()
        self._plugins = PluginHost(
            bundled_dir(), home / "plugins", home / "plugins.json", self._registry, is_safe=is_safe,
            is_development=is_development,
        )  # fmt: skip
        self._backends = backends if backends is not None else self._default_backends()
        self._library = library_of(self.config, self._registry)
        self._open: _Open | None = None
        self._fails: set[Callable[[BaseException], None]] = set()
        self._usage = UsageMeter()
        self._overrides = Overrides(home / "placements.json")

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def open(self) -> None:
        """Start the threads; does nothing if it is open. Models are loaded when they are first asked for."""
        if self._open is not None:
            return
        # Imported here: a window is painted before its engine is opened.
        from engine.scheduling.opening import open_works
        from engine.tasks.opening import open_answers

        works = open_works(self.config, self._backends, self._library, self._overrides, self._numbers, self._gate)
        self._plugins.start()
        tasks = TaskRunner(self._registry, self, self._plugins.permits)
        answers = open_answers(self.config, self._backends, self._library, self._registry, self._plugins.snapshot)
        self._open = _Open(works, tasks, ToolBox(self._registry), answers)

    async def close(self) -> None:
        """End all requests with `EngineClosedError`, free all models and end all threads; does nothing if closed."""
        opened, self._open = self._open, None
        if opened is None:
            return
        for fail in list(self._fails):
            fail(EngineClosedError("The engine was closed."))
        await opened.answers.close()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def shut_down() -> None:
            self._close_models()
            opened.tools.close()
            opened.works.hardware.inventory.close()
            opened.works.bringer.close()
            self._plugins.close()
            opened.works.close()
            opened.answers.end()
            self._library.close()
            loop.call_soon_threadsafe(done.set_result, None)

        closer = threading.Thread(target=shut_down, name="hearth-closer")
        closer.start()
        await asyncio.shield(done)
        closer.join()

    async def load(self, model: str, device: str = "") -> LoadedModelInfo:
        """Load a model, so that the first request need not wait; on this device, if one is named.

        Raises:
            DeviceError: the device cannot be used.
            ModelError: it cannot be loaded.
            OutOfMemoryError: it does not fit.
        """
        opened = self._require_open()
        with opened.works.residency.lease() as lease:
            loaded = await self._outcome(opened.works.intake.load(model, lease, device))
            return LoadedModelInfo(
                info=loaded.info,
                device=loaded.device,
                memory_bytes=loaded.memory_bytes,
                running=0,
                idle_s=0.0,
                device_bytes=loaded.whereabouts.device_bytes,
            )

    async def unload(self, model: str) -> bool:
        """Let a model go; return whether it was loaded.

        Raises:
            ModelError: requests are using it.
        """
        return await self._outcome(self._require_open().works.intake.unload(self.model(model)))

    async def count_tokens(self, model: str, text: str) -> int:
        """Count the tokens that a text has for a text model, which is loaded if it must be.

        Raises:
            EngineError: any of the tree.
        """
        opened = self._require_open()
        with opened.works.residency.lease() as lease:
            return await self._outcome(opened.works.intake.count_tokens(model, text, lease))

    async def context_tokens(self, model: str) -> int:
        """Longest prompt plus answer of one request to a text model, which is loaded if it must be.

        Raises:
            EngineError: any of the tree.
        """
        opened = self._require_open()
        with opened.works.residency.lease() as lease:
            return await self._outcome(opened.works.intake.context_tokens(model, lease))

    @property
    def plugins(self) -> PluginHost:
        """All plugins: what they are, and how to allow, stop, install and remove them."""
        return self._plugins

    def models(self) -> tuple[ModelInfo, ...]:
        """All models on disk, bundled ones first, described from their headers."""
        self._ensure_offers()
        return self._library.scan()

    def model(self, name: str) -> ModelInfo:
        """Find a model by id or path; of one in several precisions, named without one, the finest.

        Raises:
            ModelNotFoundError: there is none.
            ModelFileError: the file is broken, or not a model.
        """
        self._ensure_offers()
        return variants_in(self._library, name)[0]

    def snapshot(self) -> EngineSnapshot:
        """Describe what the engine does right now; cheap.

        Raises:
            EngineClosedError: it is not open.
        """
        opened = self._require_open()
        lanes, now = opened.works.lanes.snapshots(), time.monotonic()
        running, waiting, spent_s = Counter[int](), Counter[int](), dict[int, float]()
        for lane in lanes.values():
            running.update(lane.running_by_model)
            waiting.update(lane.queued_by_model)
            spent_s.update(lane.spent_by_model)
        text = lanes[TEXT]
        usage = self._usage.latest()
        return EngineSnapshot(
            loaded=tuple(
                LoadedModelInfo(
                    info=resident.model.info,
                    device=resident.model.device,
                    memory_bytes=resident.model.memory_bytes,
                    running=(runs := running[key := id(resident.model)]),
                    idle_s=0.0 if runs else max(0.0, now - resident.used_s),
                    device_bytes=resident.model.whereabouts.device_bytes,
                    device_s=spent_s.get(key, 0.0),
                    is_pinned=resident.is_pinned,
                    waiting=waiting[key],
                    paging=paging_of(resident.model),
                )
                for resident in opened.works.residency.residents()
            ),
            waiting=sum(lane.waiting for lane in lanes.values()),
            running=sum(lane.running for lane in lanes.values()),
            threads=text.threads,
            threads_reason=text.threads_reason,
            tokens_per_s=opened.works.lanes.tokens_per_s(),
            memory_bytes=usage.memory_bytes,
            memory_limit_bytes=usage.memory_limit_bytes,
            cpu_ours=usage.cpu_ours,
            cpu_others=usage.cpu_others,
        )

    def _default_backends(self) -> Mapping[str, Backend]:
        # Imported here, so that `import engine` stays quick for whoever brings other backends.
        from engine.backends.llama import LlamaBackend
        from engine.backends.onnx import OnnxBackend
        from engine.devices.seen.libraries import modules_folder

        cache = self.config.cache_dir / "compiled"
        return {
            "gguf": LlamaBackend(self._registry, modules_folder(), self.config.cache_dir),
            "onnx": OnnxBackend(self._registry, cache=cache),
        }

    def _ensure_offers(self) -> None:
        """Somebody has to say what models are good for, even while the engine is closed."""
        if self._open is None and not self._registry.version:
            fill(self._registry)

    def _wait_for_recognition(self) -> None:
        self.models()  # asks about each
        self._registry.wait()

    def _task_runner(self) -> TaskRunner:
        return self._require_open().tasks

    def _tool_box(self) -> ToolBox:
        return self._require_open().tools

    def _wait_for_devices(self) -> None:
        self._hardware().wait_until_probed(DEVICES_WITHIN_S)

    def _hardware(self) -> "Hardware":
        return self._require_open().works.hardware

    def _works(self) -> "Works":
        return self._require_open().works

    def _answers(self) -> "AnswerCache":
        return self._require_open().answers

    def _fit_check(self) -> "FitCheck":
        from engine.scheduling.fitting import FitCheck

        return FitCheck(self.config, wishes=self._library.wishes) if self._open is None else self._open.works.fits

    def _is_open(self) -> bool:
        return self._open is not None

    def _is_in_use(self, path: Path) -> bool:
        if self._open is None:
            return False
        residency = self._residency()
        return residency.users(path) > 0 or any(it.place.path == path for it in residency.residents())

    def _placer(self) -> "Placer":
        return self._require_open().works.placer

    def _residency(self) -> "Residency":
        return self._require_open().works.residency

    def _queue_control(self) -> "QueueControl":
        return self._require_open().works.control

    def _numbers(self) -> Iterator[Sample]:
        return (sample for info in self._plugins.snapshot() for sample in info.samples)

    def _require_open(self) -> _Open:
        if self._open is None:
            raise EngineClosedError("The engine is not open.", "Use it inside `async with Engine(...)`.")
        return self._open

    @contextmanager
    def _failing_with(self, fail: Callable[[BaseException], None]) -> Iterator[None]:
        """Call `fail` if the engine is closed meanwhile."""
        self._fails.add(fail)
        try:
            yield
        finally:
            self._fails.discard(fail)

    async def _outcome(self, future: "Future[T]") -> T:
        """Wait for a future of another thread; cancelling the wait cancels the work."""
        with self._failing_with(lambda error: settle(future, error)):
            return await asyncio.wrap_future(future)
