"""Pictures of the Models page.

What is staged is the one model that would have to be downloaded: larger than its memory, with the quality of its
recipes as such models have it.
"""

import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from PySide6.QtWidgets import QWidget

from app.main import App
from app.models import ModelsPage
from app.models.details import Details
from app.models.fit_book import Advice, Judgement
from app.models.rows import row_of
from engine import (
    Accepts,
    Fit,
    FitLine,
    FitVerdict,
    GateReport,
    ModelCard,
    ModelInfo,
    Origin,
    Provenance,
    QualityReport,
    Trust,
)
from resources import models_dir

Until = Callable[[Callable[[], bool]], Awaitable[None]]

_MB: Final = 1_000_000
_NAME: Final = "qwen2.5-14b-instruct-q4_k_m"
_RECIPES: Final = (  # recipe, size in MB, quality, tokens per second
    ("q8_0", 15_700, 0.999, 0.4),
    ("q6_k", 12_100, 0.996, 0.8),
    ("q5_k_m", 10_500, 0.991, 1.4),
    ("q4_k_m", 8_990, 0.979, 3.0),
    ("q3_k_m", 7_320, 0.944, 6.0),
    ("q2_k", 5_770, 0.875, 7.0),
)


class Camera(Protocol):
    """Draws the window."""

    async def take(self, name: str, schemes: Sequence[str] = ..., over: QWidget | None = None) -> None:
        """Write a picture for each scheme."""


async def shoot_models(app: App, camera: Camera, folder: Path, until: Until, schemes: Sequence[str]) -> None:
    """Draw the page with what came with Hearth, with a refused file, with a large model, and what hangs on it.

    Args:
        app: the window.
        camera: draws it.
        folder: the home of the engine.
        until: waits.
        schemes: all of them.
    """
    page = app.window.findChild(ModelsPage)
    assert page is not None
    app.window.show_named("models")
    board, installed = page.board, app.models.installed
    await until(lambda: installed.is_known and board.pane.is_complete and not board.installed.empty.get.isHidden())
    await _take_settled(app, camera, until, "models-empty")
    await _shoot_refused(app, page, camera, folder, until)
    _stage(app, page)
    await until(lambda: board.pane.is_settled)
    board.pane.show_details(Details(_NAME, _reports(), ((Path(f"{_NAME}.gguf"), 8_990 * _MB),)))
    await camera.take("models", schemes)
    installed._version = None  # noqa: SLF001 - so that the list is read again
    installed.watch(True)
    await until(lambda: installed.find(_NAME) is None)
    page.show_model("starter")
    await _shoot_discover(app, page, camera, until)


async def _shoot_refused(app: App, page: ModelsPage, camera: Camera, folder: Path, until: Until) -> None:
    half = folder / "models" / "half-a-model.gguf"
    half.write_bytes((models_dir() / "starter.gguf").read_bytes()[:4000])
    shutil.copy(models_dir() / "starter.gguf", folder / "models" / "garden-notes.gguf")
    installed = app.models.installed
    await until(lambda: any(row.path == half for row in installed.rows) and installed.find("garden-notes") is not None)
    installed.actions.describe(next(row for row in installed.rows if row.id == "garden-notes"), title="Garden notes")
    await until(lambda: any(row.title == "Garden notes" for row in installed.rows))
    page.board.show_path(str(half))
    await _take_settled(app, camera, until, "models-refused")


async def _shoot_discover(app: App, page: ModelsPage, camera: Camera, until: Until) -> None:
    page.show_discover()
    await until(lambda: app.models.discover.is_loaded and app.models.discover.detail is not None)
    await camera.take("models-discover")
    page.show_model("starter")


async def _take_settled(app: App, camera: Camera, until: Until, name: str) -> None:
    installed = app.models.installed
    await until(lambda: all(row.is_refused or installed.fits.known(row.id) is not None for row in installed.rows))
    app.show_snapshot()
    await camera.take(name)


def _stage(app: App, page: ModelsPage) -> None:
    """Put the large model into the list, judged, and look at it; nothing else is looked at meanwhile."""
    installed, card = app.models.installed, _card()
    installed.watch(False)
    row = row_of(card)
    installed._rows = (row, *installed.rows)  # noqa: SLF001 - staged: see above
    installed._by_id = {each.id: each for each in installed.rows}  # noqa: SLF001 - likewise
    verdict = _verdict(8192)
    shorter = Advice(2048, _verdict(2048))
    installed.fits._found[card.info.id] = Judgement(  # noqa: SLF001 - likewise
        installed.fits._key(card),  # noqa: SLF001 - likewise
        verdict,
        "",
        shorter,
    )
    installed.changed.emit()
    page.show_model(card.info.id)


def _card() -> ModelCard:
    path = Path(f"{_NAME}.gguf")
    info = ModelInfo(
        id=_NAME,
        path=path,
        format="gguf",
        name="Qwen2.5 14B Instruct",
        architecture="qwen2",
        size_bytes=8_990 * _MB,
        parameters=14_770_033_664,
        quantization="Q4_K_M",
        context_tokens=32_768,
        accepts=frozenset({Accepts.MESSAGES, Accepts.PROMPT}),
        tasks=("chat", "completion"),
        plugins=("chat",),
        licence="apache-2.0",
    )
    return ModelCard(
        info=info,
        title=info.name,
        files=(path,),
        provenance=Provenance(origin=Origin.OWN, folder=Path()),
        gate=GateReport(trust=Trust.PASSED),
        tokens_per_s=3.0,
        measured_on="cpu",
    )


def _verdict(context: int) -> FitVerdict:
    kv, budget = 196_500 * context, 10_000 * _MB
    needed = 8_990 * _MB + kv + 510 * _MB
    streamed = max(0, needed - budget)
    lines = (
        FitLine("Weights", 8_990 * _MB - streamed, "14,770,033,664 weights, 4.9 bits each"),
        FitLine("KV cache", kv, f"{context:,} tokens"),
        FitLine("Compute buffers", 420 * _MB, "for a step, and its results"),
        FitLine("Program", 90 * _MB, "threads, working memory, texts that are being read"),
    )
    fit = Fit.PAGING if streamed else Fit.FITS
    return FitVerdict(
        fit=fit,
        sentence="",
        lines=lines,
        needed_bytes=needed - streamed,
        budget_bytes=budget,
        budget_reason="free now, with what idle models would give back",
        context_tokens=context,
        tokens_per_s=3.0 if streamed else 6.0,
        streamed_bytes=streamed,
    )


def _reports() -> tuple[QualityReport, ...]:
    source = 29_500 * _MB
    return tuple(
        QualityReport(
            recipe=recipe,
            source="qwen2.5-14b-instruct-f16",
            source_sha256="",
            text="held-out text",
            tokens=8192,
            size_ratio=size * _MB / source,
            source_bytes=source,
            result_bytes=size * _MB,
            perplexity_ratio=2 - kept,
            kl_divergence=0.4 * (1 - kept),
            same_top_share=kept - 0.01,
            kept=kept,
            decode_speedup=per_s / 0.2,
            prefill_speedup=1.2,
            decode_per_s=per_s,
            source_decode_per_s=0.2,
            memory_bytes=size * _MB,
            source_memory_bytes=source,
            machine="this processor",
            measured_at=1_790_000_000.0,
        )
        for recipe, size, kept, per_s in _RECIPES
    )
