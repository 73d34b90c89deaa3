"""The Models page over a library whose every state can be reached; and over a real engine."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QMainWindow, QWidget

from app.models import ModelsControllers, ModelsPage
from app.tasks import Tasks
from app.theme import Appearance, palette_for, stylesheet_for
from app.theme.widgets import ChoiceDialog
from engine import (
    Accepts,
    EngineConfig,
    EngineSnapshot,
    Fit,
    FitLine,
    FitVerdict,
    GateReport,
    HubFile,
    HubModel,
    HubState,
    LibraryFolder,
    LoadedModelInfo,
    ModelCard,
    ModelDefaults,
    ModelInfo,
    Origin,
    Provenance,
    QualityReport,
    Trust,
)
from engine.hardware import DeviceInfo, DeviceKind, HardwareSnapshot, Route
from engine.queueing import QueueSnapshot

TIMEOUT_S = 30
GB = 1_000_000_000
MB = 1_000_000
HOME = Path("/home/jo/.local/share/hearth/models")
LM_STUDIO = Path("/home/jo/.lmstudio/models")
TEXT = frozenset({Accepts.MESSAGES, Accepts.PROMPT})
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}\n"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CPU = DeviceInfo(id="cpu", kind=DeviceKind.CPU, name="Ryzen 7", routes=(Route(backend="llama.cpp", interface="CPU"),))
GPU = DeviceInfo(id="gpu:0", kind=DeviceKind.GPU, name="RTX", routes=(Route(backend="llama.cpp", interface="CUDA"),))
NPU = DeviceInfo(id="npu:0", kind=DeviceKind.NPU, name="AI", routes=(Route(backend="onnxruntime", interface="X"),))


def card(model: str, title: str, size_bytes: int, **other: Any) -> ModelCard:
    """A text model in Hearth's own folder, unless something else is said."""
    given = {name: other.pop(name) for name in tuple(other) if name not in ModelCard.__dataclass_fields__}
    kind = given.pop("format", "gguf")
    facts = {
        "architecture": "llama",
        "quantization": "Q4_K_M",
        "accepts": TEXT,
        "tasks": ("chat", "completion"),
        "plugins": ("chat",),
        "context_tokens": 32_768,
        "licence": "apache-2.0",
        **{name: value for name, value in given.items() if name not in {"origin", "folder"}},
    }
    folder = given.get("folder", HOME)
    path = folder / f"{model}.{kind}"
    info = ModelInfo(id=model, path=path, format=kind, name=title, size_bytes=size_bytes, **facts)
    came = Provenance(origin=given.get("origin", Origin.OWN), folder=folder, added_at=1_790_000_000.0)
    defaults: dict[str, Any] = {"files": (path,), "provenance": came, "gate": GateReport(trust=Trust.PASSED)}
    if Accepts.MESSAGES in info.accepts:
        defaults |= {"template": TEMPLATE, "template_sha256": "4c1d" * 16}
    return ModelCard(info=info, title=title, **{**defaults, **other})


BIG = card(
    "qwen2.5-14b-instruct-q4_k_m",
    "Qwen2.5 14B Instruct",
    8_990 * MB,
    architecture="qwen2",
    parameters=14_800_000_000,
    tokens_per_s=3.0,
    measured_on="cpu",
    sha256="9f2c41d0" * 8,
)
CODER = card(
    "qwen2.5-coder-7b",
    "Qwen2.5 Coder 7B",
    4_680 * MB,
    architecture="qwen2",
    accepts=frozenset({Accepts.PROMPT, Accepts.SUFFIX}),
    tasks=("infill",),
    parameters=7_600_000_000,
    tokens_per_s=38.0,
    measured_on="gpu:0",
)
LLAMA = card(
    "llama-3.2-3b-instruct",
    "Llama 3.2 3B Instruct",
    2_320 * MB,
    quantization="Q5_K_M",
    tokens_per_s=71.0,
    measured_on="gpu:0",
    origin=Origin.LM_STUDIO,
    folder=LM_STUDIO,
)
TOO_BIG = card("mistral-small-24b", "Mistral Small 24B", 19_300 * MB, quantization="Q6_K", measured_on="cpu")
STARTER = card(
    "starter",
    "starter-15m",
    17 * MB,
    quantization="Q8_0",
    origin=Origin.INCLUDED,
    gate=GateReport(trust=Trust.INCLUDED),
    tokens_per_s=142.0,
    measured_on="cpu",
)
READER = card(
    "reader",
    "reader-4m",
    5 * MB,
    format="onnx",
    quantization="INT8",
    accepts=frozenset({Accepts.IMAGE}),
    tasks=("read-text",),
    context_tokens=None,
    origin=Origin.INCLUDED,
    gate=GateReport(trust=Trust.INCLUDED),
    tokens_per_s=90.0,
    measured_on="npu:0",
)
EMBEDDER = card(
    "minilm-l6-v2",
    "MiniLM L6 v2",
    23 * MB,
    format="onnx",
    quantization="INT8",
    accepts=frozenset({Accepts.TEXTS}),
    tasks=("embedding",),
    tokens_per_s=250.0,
    measured_on="npu:0",
)
MOCKED = (BIG, CODER, LLAMA, TOO_BIG, STARTER, READER, EMBEDDER)
REFUSED = card(
    "sly",
    "Sly Model",
    900 * MB,
    gate=GateReport(
        trust=Trust.REFUSED,
        rule="tensor-offsets",
        cause="Tensor blk.3.ffn_up.weight begins at byte 901,000,000, behind the end of the file.",
        remedy="Fetch it again: the file is cut off.",
    ),
)
BROKEN = (HOME / "half.gguf", "The file ends in the middle of its header. Fetch it again from where it came from.")
FOLDERS = (
    LibraryFolder(path=Path("/opt/hearth/models"), origin=Origin.INCLUDED, is_used=True, models=2, size_bytes=22 * MB),
    LibraryFolder(path=HOME, origin=Origin.OWN, is_used=True, models=4, size_bytes=32_993 * MB),
    LibraryFolder(path=LM_STUDIO, origin=Origin.LM_STUDIO, is_used=True, models=2, size_bytes=2_320 * MB),
)
RECOMMENDED = HubModel(
    repo="someone/small-model",
    name="Small Model 0.5B",
    summary="Answers quickly on any machine.",
    files=(HubFile(name="small-q4.gguf", parts=("small-q4.gguf",), size_bytes=398 * MB, fit=Fit.FITS),),
    tasks=("chat",),
    recommended="small-q4.gguf",
    is_catalogued=True,
)


def report(recipe: str, size_bytes: int, kept: float, per_s: float) -> QualityReport:
    """What a model made of 29.5 GB kept."""
    return QualityReport(
        recipe=recipe,
        source="qwen2.5-14b-instruct-f16",
        source_sha256="ab" * 32,
        text="held-out text",
        tokens=8192,
        size_ratio=size_bytes / 29_500_000_000,
        source_bytes=29_500 * MB,
        result_bytes=size_bytes,
        perplexity_ratio=1 + (1 - kept),
        kl_divergence=0.02,
        same_top_share=kept - 0.01,
        kept=kept,
        decode_speedup=per_s / 0.2,
        prefill_speedup=1.5,
        decode_per_s=per_s,
        source_decode_per_s=0.2,
        memory_bytes=size_bytes + GB,
        source_memory_bytes=30 * GB,
        machine="AMD Ryzen 7",
        measured_at=1_790_000_000.0,
    )


REPORTS = (
    report("q8_0", 15_700 * MB, 0.999, 0.4),
    report("q6_k", 12_100 * MB, 0.996, 0.8),
    report("q5_k_m", 10_500 * MB, 0.991, 1.4),
    report("q4_k_m", 8_990 * MB, 0.979, 3.0),
    report("q3_k_m", 7_320 * MB, 0.944, 6.0),
    report("q2_k", 5_770 * MB, 0.875, 7.0),
)


def verdict_for(found: ModelCard, context: int, budget: int) -> FitVerdict:
    """As the engine would say it, in round numbers."""
    weights, kv = found.info.size_bytes, context * 196_500
    if Accepts.IMAGE in found.info.accepts or found.info.size_bytes < GB:
        kv = 4 * MB
    rest = kv + (420 * MB if weights > GB else 8 * MB) + 90 * MB
    needed = weights + rest
    streamed = max(0, needed - budget)
    fit = Fit.FITS if not streamed else Fit.PAGING if streamed < 0.5 * weights else Fit.NO
    if fit is not Fit.PAGING:
        streamed = 0
    lines = (
        FitLine("Weights", weights - streamed, "14,800,000,000 weights, 4.9 bits each"),
        FitLine("KV cache", kv, "8,192 tokens"),
        FitLine("Compute buffers", rest - kv - 90 * MB, "for a step, and its results"),
        FitLine("Reserve", 90 * MB, "left free for small things"),
    )
    return FitVerdict(
        fit=fit,
        sentence=f"{found.info.id} needs {needed / 1e9:.1f} GB, but {budget / 1e9:.1f} GB are free.",
        lines=lines,
        needed_bytes=sum(line.size_bytes for line in lines),
        budget_bytes=budget,
        budget_reason="free now, with what idle models would give back",
        context_tokens=context,
        tokens_per_s=(6.0 if fit is Fit.FITS else 3.0) if fit is not Fit.NO else None,
        streamed_bytes=streamed,
        remedies=() if fit is Fit.FITS else ("Take it as Q3_K_M, 11.7 GB.",),
    )


class FakeEngine:
    """Models that are nothing but cards. `calls` is what was asked of it; `error` fails the next call."""

    def __init__(self, *cards: ModelCard, home: Path = Path("/nowhere")) -> None:
        self.config = EngineConfig(home=home)
        self.known = {found.info.id: found for found in cards}
        self.folders = FOLDERS
        self.found = {BIG.info.id: REPORTS}
        self.loaded: dict[str, LoadedModelInfo] = {}
        self.loading: dict[str, float] = {}
        self.pinned: set[str] = set()
        self.version = 1
        self.budget = 10 * GB
        self.calls: list[tuple[Any, ...]] = []
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.fits = 0

    def change(self, model: str, **changes: Any) -> None:
        self.known[model] = replace(self.known[model], **changes)
        self.version += 1

    def put(self, model: str, device: str = "cpu") -> None:
        info = self.known[model].info
        self.loaded[model] = LoadedModelInfo(
            info=info,
            device=device,
            memory_bytes=info.size_bytes,
            running=0,
            idle_s=0.0,
            is_pinned=model in self.pinned,
        )

    def cards(self) -> tuple[ModelCard, ...]:
        return tuple(self.known.values())

    def library_version(self) -> int:
        return self.version

    def library_folders(self) -> tuple[LibraryFolder, ...]:
        return self.folders

    def catalogue(self) -> tuple[HubModel, ...]:
        return (RECOMMENDED,)

    def reports(self, model: str) -> tuple[QualityReport, ...]:
        return self.found.get(model, ())

    def snapshot(self) -> EngineSnapshot:
        return EngineSnapshot(
            loaded=tuple(self.loaded.values()),
            waiting=0,
            running=0,
            threads=2,
            threads_reason="",
            tokens_per_s=0.0,
            memory_bytes=GB,
            memory_limit_bytes=16 * GB,
            cpu_ours=0.0,
            cpu_others=0.0,
        )

    def hardware(self) -> HardwareSnapshot:
        return HardwareSnapshot(
            devices=(CPU, GPU, NPU), loads={}, latest=None, memory_bytes=16 * GB, memory_budget_bytes=self.budget
        )

    def queue(self) -> QueueSnapshot:
        return QueueSnapshot(loading=self.loading)

    def hub_state(self) -> HubState:
        return HubState(is_offline=False, url="https://hub.example", free_bytes=212 * GB)

    def jobs(self) -> tuple[()]:
        return ()

    def resume_jobs(self) -> None:
        self.calls.append(("resume_jobs",))

    def pin(self, model: str, pinned: bool = True) -> None:
        self.calls.append(("pin", model, pinned))
        (self.pinned.add if pinned else self.pinned.discard)(model)

    async def fit(
        self, model: str, context_tokens: int | None = None, memory_budget_bytes: int | None = None
    ) -> FitVerdict:
        self.fits += 1
        await asyncio.sleep(0)
        return verdict_for(self.known[model], context_tokens or 8192, memory_budget_bytes or self.budget)

    async def load(self, model: str, device: str = "") -> LoadedModelInfo:
        await self._note("load", model, device)
        self.put(model, device or "cpu")
        return self.loaded[model]

    async def unload(self, model: str) -> bool:
        await self._note("unload", model)
        return self.loaded.pop(model, None) is not None

    def verify_model(self, model: str) -> int:
        self.calls.append(("verify", model))
        return 1

    async def probe_model(self, model: str) -> GateReport:
        await self._note("probe", model)
        return self.known[model].gate

    async def remove_model(self, model: str, *, permanently: bool = False) -> tuple[Path, ...]:
        await self._note("remove", model, permanently)
        found = self.known.pop(model)
        self.version += 1
        return found.files

    def rename_model(self, model: str, title: str) -> None:
        self.calls.append(("rename", model, title))
        self.change(model, title=title or self.known[model].info.name)

    def tag_model(self, model: str, tags: tuple[str, ...]) -> None:
        self.calls.append(("tag", model, tuple(tags)))
        self.change(model, tags=tuple(tags))

    def favour_model(self, model: str, is_favourite: bool) -> None:
        self.calls.append(("favour", model, is_favourite))
        self.change(model, is_favourite=is_favourite)

    def set_model_defaults(self, model: str, defaults: ModelDefaults) -> None:
        self.calls.append(("defaults", model, defaults))
        self.change(model, defaults=defaults)

    async def _note(self, *call: Any) -> None:
        self.calls.append(call)
        await self.gate.wait()
        error, self.error = self.error, None
        if error is not None:
            raise error


class Bench:
    """A page with everything behind it, in a window; enter it on Qt's loop."""

    def __init__(self, engine: Any, width: int = 1208) -> None:
        self.engine = engine
        self.kept: list[dict[str, tuple[str, ...]]] = []
        self.errors: list[Exception] = []
        self.tasks = Tasks(self.errors.append)
        uses = {BIG.info.id: ("Chosen in Chat",), "starter": ("Chosen in Chat",)}
        self.controllers = ModelsControllers(
            engine, self.tasks, lambda settings: self.kept.append(dict(settings)), lambda model: uses.get(model, ())
        )
        self.appearance = Appearance("light")
        self.page = ModelsPage(self.appearance, self.controllers)
        self.window = QMainWindow()
        self.window.setCentralWidget(self.page)
        self.window.resize(width, 768)

    @property
    def board(self):
        return self.page.board

    @property
    def table(self):
        return self.page.board.installed.table

    @property
    def pane(self):
        return self.page.board.pane

    @property
    def titles(self) -> list[str]:
        model = self.table.model
        return [model.row(at).title for at in range(model.rowCount())]

    def choose(self, model: str) -> None:
        self.table.choose(model)

    @staticmethod
    def said(widget: QWidget) -> str:
        """All words that can be seen in a widget."""
        parts = [child for child in widget.findChildren(QWidget) if child.isVisibleTo(widget)]
        return "\n".join(part.text() for part in parts if isinstance(part, QLabel | QAbstractButton))

    def dialog(self, kind: type[ChoiceDialog] = ChoiceDialog) -> Any:
        """The dialog of a kind that is open; None if there is none."""
        found = [each for each in self.page.findChildren(kind) if each.isVisible()]
        return found[-1] if found else None

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the loop run until something holds."""
        async with asyncio.timeout(TIMEOUT_S):
            while not condition():  # noqa: ASYNC110 - conditions come from Qt, not from events
                await asyncio.sleep(0.001)

    async def settled(self) -> None:
        """Wait until nothing is under way, and all that was done is shown."""
        installed = self.controllers.installed
        await self.until(lambda: self.tasks.count == 0)
        installed.look()
        await self.until(
            lambda: (
                self.tasks.count == 0
                and not installed._flush.isActive()
                and (self.pane.is_complete or not self.pane.shown_id)
            )
        )

    async def __aenter__(self) -> "Bench":
        self.window.show()
        self.window.activateWindow()
        await self.until(self.window.isActiveWindow)
        self.controllers.open()
        await self.until(lambda: self.controllers.installed.is_known)
        await self.until(lambda: self.pane.shown_id or not self.board.parts.is_wide)
        await self.settled()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.controllers.close()
        await self.tasks.close()
        self.window.hide()
        self.window.deleteLater()
        self.controllers.deleteLater()
        assert self.errors == []


class Staged:
    """Cards and folders of the mock-up, by name; tests cannot import this module."""

    mocked, folders, reports, recommended, template = MOCKED, FOLDERS, REPORTS, RECOMMENDED, TEMPLATE
    big, coder, llama, too_big, starter, reader, embedder = MOCKED
    refused, broken = REFUSED, BROKEN
    engine = FakeEngine
    card = staticmethod(card)
    bench = Bench


@pytest.fixture
def staged() -> type[Staged]:
    return Staged


@pytest.fixture
def make_bench(qapp: QApplication) -> Callable[..., Bench]:
    def make(*cards: ModelCard, width: int = 1208) -> Bench:
        return Bench(FakeEngine(*(cards or MOCKED)), width)

    return make


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


@pytest.fixture
def shown(run: Callable[..., None], bench: Bench, dressed: Callable[[Appearance], None]) -> Callable[..., None]:
    """Run a check on the page with the models of the mock-up, the largest chosen."""

    def show(check: Callable[[Bench], Any]) -> None:
        async def body() -> None:
            dressed(bench.appearance)
            async with bench:
                bench.choose(BIG.info.id)
                await bench.settled()
                result = check(bench)
                if result is not None:
                    await result

        run(body())

    return show


@pytest.fixture
def dressed(qapp: QApplication, tmp_path: Path) -> Iterator[Callable[[Appearance], None]]:
    """Dress the application as the window does; its looks are put back afterwards."""
    sheet, palette, font = qapp.styleSheet(), qapp.palette(), qapp.font()

    def dress(appearance: Appearance) -> None:
        qapp.setPalette(palette_for(appearance.theme))
        qapp.setFont(appearance.theme.font("body"))
        qapp.setStyleSheet(stylesheet_for(appearance.theme, tmp_path / "icons"))

    yield dress
    qapp.setStyleSheet(sheet)
    qapp.setPalette(palette)
    qapp.setFont(font)
