"""A hub and jobs that are nothing but values, and a stage to look at one widget on."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QMainWindow, QWidget

from app.tasks import Tasks
from app.theme import Appearance
from engine import (
    BackgroundJob,
    Fit,
    GateReport,
    HubCard,
    HubFile,
    HubModel,
    HubQuery,
    HubState,
    JobKind,
    JobState,
    ModelCard,
    ModelInfo,
    OfflineError,
    Origin,
    Provenance,
    Trust,
)
from tests.app.page_bench import PageBench

MB = 1_000_000
GB = 1_000_000_000


def hub_file(quantization: str, size_bytes: int, fit: Fit | None = Fit.FITS, speed: float | None = 38.0) -> HubFile:
    """A GGUF file of one part."""
    name = f"model-{quantization}.gguf"
    return HubFile(
        name=name, parts=(name,), size_bytes=size_bytes, quantization=quantization, fit=fit, tokens_per_s=speed
    )


QWEN = HubModel(
    repo="someone/qwen-7b",
    name="Qwen 7B Instruct",
    summary="A strong assistant for texts.",
    tasks=("chat", "summarize"),
    licence="apache-2.0",
    parameters=7_600_000_000,
    context_tokens=32_768,
    is_catalogued=True,
    files=(
        hub_file("Q2_K", 3_010 * MB, speed=52.0),
        hub_file("Q3_K_M", 3_810 * MB, speed=44.0),
        hub_file("Q4_K_M", 4_680 * MB),
        hub_file("Q6_K", 6_250 * MB, Fit.PAGING, 6.0),
        hub_file("F16", 15_230 * MB, Fit.NO, None),
    ),
    recommended="model-Q4_K_M.gguf",
)
CODER = HubModel(
    repo="someone/coder",
    name="Coder 1.5B",
    summary="Completes code.",
    tasks=("code",),
    licence="mit",
    is_catalogued=True,
    files=(hub_file("Q8_0", 1_650 * MB, speed=97.0),),
    recommended="model-Q8_0.gguf",
)
GATED = HubModel(
    repo="owner/gated-2b",
    name="Gated 2B",
    tasks=("chat",),
    licence="gemma",
    is_gated=True,
    is_catalogued=True,
    files=(hub_file("Q4_K_M", 1_700 * MB),),
    recommended="model-Q4_K_M.gguf",
)
BARE = HubModel(repo="stranger/fine-tune", name="Fine Tune", downloads=123_456, licence="")
CARD_TEXT = """---
license: mit
---
<p align="center"><img src="https://elsewhere.example/logo.png"></p>

# Fine Tune

It [writes](https://elsewhere.example/more) well. ![chart](https://elsewhere.example/chart.png)

```python
print("<p>kept</p>")
```
"""


def job(number: int = 1, state: JobState = JobState.RUNNING, **other: Any) -> BackgroundJob:
    """A download, unless something else is said."""
    facts: dict[str, Any] = {
        "kind": JobKind.DOWNLOAD,
        "title": "Phi-3.5 mini Instruct",
        "detail": "Q4_K_M · verified to 61 %",
        "done": 1_460 * MB,
        "total": 2_390 * MB,
        "can_pause": True,
    }
    if state is JobState.RUNNING:
        facts |= {"rate_per_s": 31e6, "left_s": 30.0}
    return BackgroundJob(id=number, state=state, **{**facts, **other})


def hub_installed(model: str, repo: str, file: str) -> ModelCard:
    """A model that came from a hub."""
    path = Path("/models") / file
    info = ModelInfo(id=model, path=path, format="gguf", name=model, architecture="llama", size_bytes=GB)
    came = Provenance(origin=Origin.OWN, folder=path.parent, repo=repo)
    return ModelCard(info=info, title=model, files=(path,), provenance=came, gate=GateReport(trust=Trust.PASSED))


class FakeHub:
    """`calls` is what was asked of it; `error` fails the next question; `gates` hold answers back, by what is asked."""

    def __init__(self, *models: HubModel) -> None:
        self.models = models or (QWEN, CODER, GATED)
        self.found: tuple[HubModel, ...] = (BARE,)
        self.known = {model.repo: model for model in (*self.models, BARE)}
        self.here: tuple[ModelCard, ...] = ()
        self.version = 1
        self.board: dict[int, BackgroundJob] = {}
        self.set = HubState(is_offline=False, url="https://hub.example", free_bytes=212 * GB)
        self.calls: list[tuple[Any, ...]] = []
        self.error: Exception | None = None
        self.gates: dict[str, asyncio.Event] = {}

    def catalogue(self) -> tuple[HubModel, ...]:
        return self.models

    def hub_state(self) -> HubState:
        return self.set

    async def search_models(self, query: HubQuery) -> tuple[HubModel, ...]:
        found = self.found
        await self._note("search", query.text)
        return found

    async def hub_card(self, repo: str) -> HubCard:
        await self._note("card", repo)
        model = replace(self.known[repo], files=self.known[repo].files or (hub_file("Q4_K_M", GB),))
        return HubCard(
            model=model,
            text=CARD_TEXT,
            licence_text="MIT License\n\n" + "Permission is granted. " * 20,
            licence_url="https://elsewhere.example/licence",
        )

    async def download_model(self, repo: str, file: str = "", revision: str = "") -> int:
        await self._note("download", repo, file)
        number = len(self.board) + 1
        self.board[number] = job(number, title=repo)
        return number

    def set_hub_token(self, token: str) -> None:
        self.calls.append(("token", token))
        self.set = replace(self.set, has_token=bool(token), token_kept_in="the system's keyring" if token else "")

    def set_offline(self, is_offline: bool) -> None:
        self.calls.append(("offline", is_offline))
        self.set = replace(self.set, is_offline=is_offline)

    def set_download_limit(self, bytes_per_s: int) -> None:
        self.calls.append(("limit", bytes_per_s))
        self.set = replace(self.set, bytes_per_s=bytes_per_s)

    def cards(self) -> tuple[ModelCard, ...]:
        return self.here

    def library_version(self) -> int:
        return self.version

    def jobs(self) -> tuple[BackgroundJob, ...]:
        return tuple(self.board.values())

    def resume_jobs(self) -> None:
        self._raise_error()
        self.calls.append(("resume_jobs",))

    def pause_job(self, number: int) -> None:
        self.calls.append(("pause", number))
        self._change(number, JobState.PAUSED)

    def resume_job(self, number: int) -> None:
        self.calls.append(("resume", number))
        self._change(number, JobState.RUNNING)

    def cancel_job(self, number: int) -> None:
        self._raise_error()
        self.calls.append(("cancel", number))
        self.board.pop(number, None)

    def _change(self, number: int, state: JobState) -> None:
        self._raise_error()
        self.board[number] = replace(self.board[number], state=state)

    async def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if self.set.is_offline:
            raise OfflineError("Hearth is switched to offline.", "Go online first.")
        gate = self.gates.get(f"{call[0]} {call[1]}")
        if gate is not None:
            await gate.wait()
        self._raise_error()

    def _raise_error(self) -> None:
        error, self.error = self.error, None
        if error is not None:
            raise error


class Stage(PageBench):
    """A window for one widget; enter it on Qt's loop. Nothing may go wrong unnoticed on it."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.tasks = Tasks(self.errors.append)
        self.appearance = Appearance("light")
        self.page = self.window = QMainWindow()
        self.closers: list[Callable[[], object]] = []

    def show(self, widget: QWidget, width: int = 1208, height: int = 712) -> None:
        """Show a widget in a window of this size."""
        self.window.setCentralWidget(widget)
        self.window.resize(width, height)
        self.window.show()
        self.window.activateWindow()

    @staticmethod
    def said(widget: QWidget) -> str:
        """All words that can be seen in a widget."""
        words = []
        for child in widget.findChildren(QWidget):
            if child.isVisibleTo(widget):
                if isinstance(child, QLabel | QAbstractButton | QLineEdit):
                    words.append(child.text())
                elif isinstance(child, QComboBox):
                    words.append(child.currentText())
        return "\n".join(words).replace("\u200b", "")

    async def settled(self) -> None:
        """Wait until no coroutine runs."""
        await self.until(lambda: self.tasks.count == 0)

    async def __aenter__(self) -> "Stage":
        return self

    async def __aexit__(self, *_: object) -> None:
        for close in self.closers:
            close()
        await self.tasks.close()
        self.window.hide()
        self.window.deleteLater()
        assert self.errors == []
