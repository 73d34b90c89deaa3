"""ModelChoices: which model and which preset answers next."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.chat.database import ChatDatabase
from app.chat.presets import PRESETS, THINKING, Preset
from app.chat.store import ChatStore
from engine import Engine
from engine.errors import EngineClosedError
from engine.types import Accepts, ModelInfo

_STARTER = "starter"
_TEXT = frozenset({Accepts.MESSAGES, Accepts.PROMPT})


class ModelChoices(QObject):
    """Models that write text, the chosen one, and the chosen preset; both are remembered.

    Attributes:
        models: all that write text; those that chat first, the starter before them.
        is_known: whether models have been looked for yet.
        current: the chosen one; None while there is none.
        preset: how tokens are drawn.
        thinking: whether to think first; None leaves it to the model.

    Signals:
        changed: another choice, or other models.

    Thread: UI only.
    """

    changed = Signal()

    def __init__(self, engine: Engine, store: ChatStore, preferred_model: str, parent: QObject) -> None:
        super().__init__(parent)
        self.models: tuple[ModelInfo, ...] = ()
        self.is_known = False
        self.current: ModelInfo | None = None
        self.preset: Preset = PRESETS[0]
        self.thinking: bool | None = None
        self._engine = engine
        self._store = store
        self._wanted = preferred_model

    @property
    def folder(self) -> Path:
        """Where a person puts models."""
        return self._engine.config.home / "models"

    @property
    def context_tokens(self) -> int:
        """How many tokens a request to the chosen model may hold."""
        trained = self.current.context_tokens if self.current else None
        most = self._engine.config.context_tokens
        return min(most, trained) if trained else most

    @property
    def loaded_device(self) -> str:
        """Where the chosen model lives; empty while it is only on disk."""
        if self.current is None:
            return ""
        try:
            loaded = self._engine.snapshot().loaded
        except EngineClosedError:  # the page is there before the engine, and a little longer
            return ""
        return next((entry.device for entry in loaded if entry.info.id == self.current.id), "")

    @property
    def only_continues(self) -> bool:
        """Whether the chosen model continues a text instead of chatting."""
        return self.current is not None and Accepts.MESSAGES not in self.current.accepts

    def choose_model(self, model: str) -> None:
        """Let another model answer from now on."""
        chosen = next((info for info in self.models if info.id == model), None)
        if chosen is not None and chosen != self.current:
            self.current = chosen
            self._store.post(ChatDatabase.keep, "model", model)
            self.changed.emit()

    def choose_preset(self, name: str) -> None:
        """Draw tokens in another way from now on."""
        self.preset = next(preset for preset in PRESETS if preset.name == name)
        self._store.post(ChatDatabase.keep, "preset", name)
        self.changed.emit()

    def choose_thinking(self, name: str) -> None:
        """Let models think first or not, as one of `THINKING` says."""
        self.thinking = THINKING[name]
        self._store.post(ChatDatabase.keep, "thinking", name)
        self.changed.emit()

    async def find(self) -> None:
        """Look for models again; the scan reads files, so it runs on the store's thread."""
        kept = await self._store.run(ChatDatabase.kept)
        found = await self._store.run(self._scan)
        wanted = self.current.id if self.current else kept.get("model", self._wanted)
        self.preset = next((preset for preset in PRESETS if preset.name == kept.get("preset")), self.preset)
        self.thinking = THINKING.get(kept.get("thinking", ""), self.thinking)
        self.models = tuple(sorted((info for info in found if info.accepts & _TEXT), key=_rank))
        by_id = {info.id: info for info in self.models}
        self.is_known = True
        self.current = by_id.get(wanted, self.models[0] if self.models else None)
        self.changed.emit()

    def _scan(self, _database: ChatDatabase) -> tuple[ModelInfo, ...]:
        return self._engine.models()


def _rank(info: ModelInfo) -> tuple[bool, bool, str]:
    return Accepts.MESSAGES not in info.accepts, info.id != _STARTER, info.id
