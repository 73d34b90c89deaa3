"""NetworkSettings: whether and how Hearth uses the network, and whose models it lists."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from PySide6.QtCore import QObject, Signal

from app.preferences.engine_file import Setting
from app.preferences.source import PreferencesSource
from engine import EngineConfig, EngineError

PROGRAMS: Final = (
    ("lm-studio", "LM Studio"),
    ("ollama", "Ollama"),
    ("jan", "Jan"),
    ("hugging-face", "Hugging Face cache"),
)
"""Other programs whose models can be used where they are: setting and name."""


@dataclass(frozen=True, slots=True)
class Network:
    """What is set.

    Attributes:
        is_offline: whether nothing may use the network.
        bytes_per_s: most that downloads may take; 0 sets no limit.
        hub_url: where models are searched and fetched.
        proxy: for that; empty takes the system's.
        used_in_place: programs whose models are listed.
    """

    is_offline: bool
    bytes_per_s: int
    hub_url: str
    proxy: str
    used_in_place: tuple[str, ...]


class NetworkSettings(QObject):
    """Applies at once what can be, and keeps all of it for the next start.

    Signals:
        changed: something is set to another value.
        failed: a value makes no sense, or could not be applied: `bad` or `warn`, cause, remedy.

    Thread: UI only.
    """

    changed = Signal()
    failed = Signal(str, str, str)

    def __init__(
        self, source: PreferencesSource, keep: Callable[[Mapping[str, Setting | None]], None], parent: QObject
    ) -> None:
        """Read what the engine was made with.

        Args:
            source: the engine.
            keep: writes settings into the engine's file.
            parent: where it lives.
        """
        super().__init__(parent)
        self._source = source
        self._keep = keep
        config = source.config
        self._began = Network(
            config.offline, config.download_bytes_per_s, config.hub_url, config.proxy, config.used_in_place
        )
        self.now = self._began

    @property
    def has_other_address(self) -> bool:
        """Whether an address is another than the engine was made with."""
        return (self.now.hub_url, self.now.proxy) != (self._began.hub_url, self._began.proxy)

    @property
    def has_other_programs(self) -> bool:
        """Whether the models of other programs are used than the engine was made with."""
        return set(self.now.used_in_place) != set(self._began.used_in_place)

    def look(self) -> None:
        """Take over what was switched elsewhere, such as in the tray of downloads."""
        state = self._source.hub_state()
        seen = replace(self.now, is_offline=state.is_offline, bytes_per_s=state.bytes_per_s)
        if seen != self.now:
            self.now = seen
            self.changed.emit()

    def set_offline(self, is_offline: bool) -> None:
        """Switch the network off or on, at once."""
        self._source.set_offline(is_offline)
        self._set(replace(self.now, is_offline=is_offline), offline=is_offline or None)

    def set_limit(self, bytes_per_s: int) -> None:
        """Limit all downloads together, at once."""
        self._source.set_download_limit(bytes_per_s)
        self._set(replace(self.now, bytes_per_s=bytes_per_s), download_bytes_per_s=bytes_per_s or None)

    def set_hub_url(self, url: str) -> None:
        """Search and fetch models elsewhere, from the next start on; empty takes the hub itself."""
        try:
            checked = EngineConfig(hub_url=url.strip().rstrip("/")) if url.strip() else EngineConfig()
        except EngineError as error:
            self._refuse(error)
            return
        self._set(replace(self.now, hub_url=checked.hub_url), hub_url=checked.hub_url if url.strip() else None)

    def set_proxy(self, proxy: str) -> None:
        """Go through a proxy, from the next start on; empty takes the system's."""
        try:
            checked = EngineConfig(proxy=proxy.strip())
        except EngineError as error:
            self._refuse(error)
            return
        self._set(replace(self.now, proxy=checked.proxy), proxy=checked.proxy or None)

    def use_models_of(self, program: str, is_used: bool) -> None:
        """List the models of another program, or not, from the next start on."""
        chosen = {*self.now.used_in_place, program} if is_used else {*self.now.used_in_place} - {program}
        used = tuple(name for name, _ in PROGRAMS if name in chosen)
        self._set(replace(self.now, used_in_place=used), used_in_place=None if len(used) == len(PROGRAMS) else used)

    def _set(self, network: Network, **settings: Setting | None) -> None:
        if network != self.now:
            self.now = network
            self._keep(settings)
        self.changed.emit()

    def _refuse(self, error: EngineError) -> None:
        self.failed.emit("bad", error.cause, error.remedy)
        self.changed.emit()  # the field shows again what holds
