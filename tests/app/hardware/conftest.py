"""The Hardware page over a machine whose every state can be reached."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow, QWidget

from app.hardware import HardwareController, HardwarePage
from app.hardware.clock import Clock
from app.tasks import Tasks
from app.theme import Appearance
from engine import EngineClosedError, EngineError, EngineSnapshot, LoadedModelInfo, ModelInfo
from engine.hardware import (
    Candidate,
    DeviceInfo,
    DeviceKind,
    DeviceLoad,
    DeviceRates,
    DeviceSample,
    HardwareEvent,
    HardwareEventKind,
    HardwareSnapshot,
    PlacementReport,
    Route,
    TelemetrySample,
)
from tests.app.page_bench import PageBench

GIB = 1 << 30
NOW_S = 5000.0  # of the monotonic clock
WALL_S = 1_790_000_000.0

CPU = DeviceInfo(
    id="cpu",
    kind=DeviceKind.CPU,
    name="Ryzen 7 8845HS",
    shares_memory=True,
    routes=(Route(backend="llama.cpp", interface="CPU"), Route(backend="onnxruntime", interface="CPU")),
)
GPU = DeviceInfo(
    id="gpu:0",
    kind=DeviceKind.GPU,
    name="NVIDIA GeForce RTX 4050 Laptop GPU",
    vendor="NVIDIA",
    memory_bytes=6 * GIB,
    routes=(Route(backend="llama.cpp", interface="CUDA"),),
)
NPU = DeviceInfo(
    id="npu:0",
    kind=DeviceKind.NPU,
    name="Ryzen AI",
    shares_memory=True,
    routes=(Route(backend="onnxruntime", interface="VitisAIExecutionProvider"),),
)
DEAD = DeviceInfo(
    id="gpu:1",
    kind=DeviceKind.GPU,
    name="NVIDIA GeForce GTX 1650",
    fault="NVIDIA GPU seen; this build of llama.cpp has no CUDA or Vulkan backend.",
)
RATES = (
    DeviceRates(
        device="cpu",
        backend="llama.cpp",
        interface="CPU",
        measured_at=WALL_S - 2 * 86400,
        decode_bytes_per_s={"q4_k": 40e9, "q8_0": 50e9},
        layer_overhead_s=1e-5,
    ),
    DeviceRates(
        device="gpu:0",
        backend="llama.cpp",
        interface="CUDA",
        measured_at=WALL_S - 2 * 86400 - 60,
        decode_bytes_per_s={"q4_k": 190e9},
    ),
    DeviceRates(
        device="npu:0", backend="onnxruntime", interface="VitisAI", measured_at=WALL_S - 2 * 86400, graph_flops=4.1e12
    ),
)
LOADS = {
    "cpu": DeviceLoad(
        device="cpu",
        running=2,
        tokens_per_s=104.0,
        images_per_s=3.2,
        threads=6,
        threads_reason="6 threads instead of 8: other programs use 2.1 cores",
        models=("starter",),
    ),
    "gpu:0": DeviceLoad(device="gpu:0", running=1, tokens_per_s=38.0, models=("qwen2.5-coder-7b",)),
    "npu:0": DeviceLoad(device="npu:0"),
}
EVENTS = tuple(
    HardwareEvent(at_s=NOW_S - age_s, kind=kind, device="cpu", title=title, detail=detail)
    for age_s, kind, title, detail in (
        (560, HardwareEventKind.LOADED, "qwen2.5-7b loaded", "CPU, 5.1 s"),
        (300, HardwareEventKind.LOADED, "llama-3.2-3b loaded", "GPU, 1.2 s"),
        (150, HardwareEventKind.STEP_DOWN, "Stepped down to the CPU", "out of memory"),
        (40, HardwareEventKind.UNLOADED, "llama-3.2-3b evicted", "idle, cheapest to reload"),
    )
)


def sample_at(at_s: float, devices: tuple[DeviceInfo, ...] = (CPU, GPU, NPU)) -> TelemetrySample:
    """A moment in which numbers follow slow waves."""
    wave = math.sin(at_s / 6)
    samples: dict[str, DeviceSample] = {}
    for number, device in enumerate(devices):
        ours = max(0.0, 0.38 + 0.1 * wave - 0.12 * number + 0.04 * math.sin(at_s))
        samples[device.id] = DeviceSample(
            utilisation=min(1.0, ours + 0.09 + 0.03 * math.sin(at_s / 3)),
            ours=ours,
            temperature_c=71.0 - 7 * number,
            power_w=31.0 + number,
            memory_used_bytes=5 * GIB if device.kind is DeviceKind.GPU else None,
            memory_ours_bytes=4 * GIB if device.kind is DeviceKind.GPU else None,
            cores=tuple(0.4 + 0.3 * math.sin(at_s + core) for core in range(8))
            if device.kind is DeviceKind.CPU
            else (),
        )
    ours_bytes = round((2.6 if at_s < NOW_S - 300 else 7.6 + 0.2 * wave) * GIB)
    return TelemetrySample(
        at_s=at_s, devices=samples, memory_used_bytes=ours_bytes + round(2.9 * GIB), memory_ours_bytes=ours_bytes
    )


class FakeTelemetry:
    """Samples and events as they are put in. `asked` is each question about the past."""

    def __init__(self) -> None:
        self.samples: list[TelemetrySample] = []
        self.noted: tuple[HardwareEvent, ...] = ()
        self.asked: list[float] = []

    def latest(self) -> TelemetrySample | None:
        return self.samples[-1] if self.samples else None

    def history(self, since_s: float) -> tuple[TelemetrySample, ...]:
        self.asked.append(since_s)
        return tuple(sample for sample in self.samples if sample.at_s >= since_s)

    def events(self) -> tuple[HardwareEvent, ...]:
        return self.noted


class FakeSource:
    """A machine that does as it is told. `calls` is what was asked of it; `error` fails the next coroutine."""

    def __init__(self, *devices: DeviceInfo, rates: tuple[DeviceRates, ...] = RATES, history_s: float = 700.0) -> None:
        self.telemetry = FakeTelemetry()
        self.devices = devices or (CPU, GPU, NPU)
        self.rates = rates
        self.loads = dict(LOADS)
        self.loaded: tuple[LoadedModelInfo, ...] = ()
        self.memory_bytes = round(15.4 * GIB)
        self.calls: list[tuple[Any, ...]] = []
        self.looks = 0
        self.now_s = NOW_S
        self.is_closed = False
        self.error: EngineError | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.progress: Callable[[float, str], None] | None = None
        self.overrides: dict[str, str] = {}
        self.reports: dict[str, PlacementReport] = {}
        step_s = 0.5
        for number in range(round(history_s / step_s)):
            self.telemetry.samples.append(sample_at(NOW_S - history_s + (number + 1) * step_s, self.devices))
        if history_s:
            self.telemetry.noted = EVENTS

    def clock(self) -> Clock:
        return Clock(self.now_s, WALL_S + self.now_s - NOW_S)

    def pass_time(self, seconds: float = 0.5) -> None:
        self.now_s += seconds
        self.telemetry.samples.append(sample_at(self.now_s, self.devices))

    def happen(self, title: str, kind: HardwareEventKind = HardwareEventKind.LOADED) -> None:
        event = HardwareEvent(at_s=self.now_s, kind=kind, device="cpu", title=title)
        self.telemetry.noted = (*self.telemetry.noted, event)

    def change_sample(self, device: str, **changes: Any) -> None:
        """Let the newest sample of a device be another."""
        newest = self.telemetry.samples[-1]
        devices = {**newest.devices, device: replace(newest.devices[device], **changes)}
        self.telemetry.samples[-1] = replace(newest, devices=devices)

    def hardware(self) -> HardwareSnapshot:
        self.looks += 1
        if self.is_closed:
            raise EngineClosedError("The engine is not open.")
        return HardwareSnapshot(
            devices=self.devices,
            loads=self.loads,
            latest=self.telemetry.latest(),
            memory_bytes=self.memory_bytes,
            memory_budget_bytes=10 * GIB,
            rates=self.rates,
            is_probed=True,
        )

    def snapshot(self) -> EngineSnapshot:
        return EngineSnapshot(
            loaded=self.loaded,
            waiting=0,
            running=0,
            threads=6,
            threads_reason="",
            tokens_per_s=0.0,
            memory_bytes=0,
            memory_limit_bytes=self.memory_bytes,
            cpu_ours=0.0,
            cpu_others=0.0,
        )

    async def measure_devices(self, on_progress: Callable[[float, str], None] | None = None) -> tuple[DeviceRates, ...]:
        self.progress = on_progress
        await self._note("measure")
        self.rates = RATES
        return self.rates

    async def find_devices(self) -> tuple[DeviceInfo, ...]:
        await self._note("find")
        return self.devices

    async def placements(self, model: str) -> PlacementReport:
        await self._note("placements", model)
        report = self.reports.get(model, report_of(model))
        override = self.overrides.get(model, "")
        return replace(report, override=override, automatic=report.choice if override else None)

    def set_device(self, model: str, device: str) -> None:
        self.calls.append(("set_device", model, device))
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        self.overrides[model] = device

    def hardware_report(self) -> str:
        return "Hearth on a machine"

    async def _note(self, *call: Any) -> None:
        self.calls.append(call)
        await self.gate.wait()
        error, self.error = self.error, None
        if error is not None:
            raise error


def report_of(model: str) -> PlacementReport:
    """A model that fits on the GPU and the CPU, and not on the NPU."""
    gpu = Candidate(
        model=model,
        device="gpu:0",
        interface="CUDA",
        layers=29,
        total_layers=29,
        first_token_s=0.048,
        token_s=1 / 48,
        needed_bytes=0,
        is_loaded=True,
        reason="It is loaded there, and nothing else is as fast.",
    )
    cpu = Candidate(
        model=model,
        device="cpu",
        interface="CPU",
        layers=29,
        total_layers=29,
        first_token_s=1.2,
        token_s=1 / 35,
        load_s=0.9,
        needed_bytes=5 * GIB,
        reason="A third slower for each token, and it would have to be loaded first.",
    )
    npu = Candidate(
        model=model,
        device="npu:0",
        interface="VitisAIExecutionProvider",
        refusal="The NPU runs ONNX graphs only; this model is a GGUF file.",
    )
    return PlacementReport(model=model, choice=gpu, candidates=(gpu, cpu, npu))


def model_named(name: str) -> ModelInfo:
    return ModelInfo(
        id=name, path=Path(f"{name}.gguf"), format="gguf", name=name, architecture="qwen2", size_bytes=4 * GIB
    )


class Bench(PageBench):
    """A page with everything behind it, in a window; enter it on Qt's loop."""

    def __init__(self, source: FakeSource) -> None:
        self.source = source
        self.errors: list[Exception] = []
        self.tasks = Tasks(self.errors.append)
        self.models = [model_named("qwen2.5-coder-7b"), model_named("starter")]
        self.controller = HardwareController(source, self.tasks, lambda: self.models, source.clock)
        self.appearance = Appearance("light")
        self.page = HardwarePage(self.appearance, self.controller)
        self.window = QMainWindow()
        self.window.setCentralWidget(self.page)
        self.window.resize(1208, 712)

    @property
    def board(self):
        assert self.page.board is not None
        return self.page.board

    def card(self, device: str):
        return next(card for card in self.board.cards if card.device == device)

    @staticmethod
    def said(widget: QWidget) -> str:
        """All words of labels that can be seen in a widget, and the accessible names of its parts."""
        parts = [child for child in widget.findChildren(QWidget) if child.isVisibleTo(widget)]
        words = [part.text() if isinstance(part, QLabel) else part.accessibleName() for part in parts]
        return "\n".join(filter(None, words)).replace("\u00a0", " ")

    async def settled(self) -> None:
        await self.until(lambda: self.tasks.count == 0)

    async def __aenter__(self) -> "Bench":
        self.controller.open()
        self.window.show()
        self.window.activateWindow()
        await self.until(self.window.isActiveWindow)
        await self.until(lambda: self.page.board is not None and self.page.board.is_complete)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.controller.close()
        await self.tasks.close()
        self.window.hide()
        self.window.deleteLater()
        self.controller.deleteLater()
        assert self.errors == []


@pytest.fixture
def make_bench(qapp: QApplication) -> Callable[..., Bench]:
    def make(*devices: DeviceInfo, **options: Any) -> Bench:
        return Bench(FakeSource(*devices, **options))

    return make


@pytest.fixture
def shown(run: Callable[..., None], make_bench: Callable[..., Bench]) -> Callable[..., None]:
    """Run a check on a page that is built and shown."""

    def show(check: Callable[[Bench], Any], *devices: DeviceInfo, **options: Any) -> None:
        async def body() -> None:
            async with make_bench(*devices, **options) as bench:
                result = check(bench)
                if result is not None:
                    await result

        run(body())

    return show
