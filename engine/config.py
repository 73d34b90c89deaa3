"""EngineConfig: folders, context, threads. One frozen value, with defaults that suit the machine."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

import platformdirs

from engine.errors import ConfigError
from engine.portable import portable_home

_NOT_NUMBERS = frozenset(
    {
        "home",
        "model_dirs",
        "devices",
        "rpc_servers",
        "order",
        "weights",
        "probe_files",
        "offline",
        "hub_url",
        "proxy",
        "used_in_place",
        "update_url",
    }
)

FOREIGN: Final = ("lm-studio", "ollama", "jan", "hugging-face")
"""Other programs whose model folders Hearth knows."""

_CONFIDENTIAL: Final = ("https://", "http://localhost", "http://127.0.0.1", "http://[::1]")
"""How addresses begin on the way to which nobody can change what comes."""

ORDERS: Final = ("hearth", "fifo", "fifo_batched", "round_robin", "collate", "free_for_all")
"""How requests can be ordered: by twelve factors; by arrival, one at a time or batched; models in turn; all of one
model before the next; or every model on a thread of its own with all cores, as separate programs would."""

WEIGHTS_VERSION: Final = 1
"""Goes up when the default weights change, so that traces and reports can say by which they were ordered."""

DEFAULT_WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "urgency": 0.27,
        "work": 0.12,
        "deadline": 0.03,
        "residency": 0.10,
        "batch": 0.07,
        "prefix": 0.04,
        "fairness": 0.04,
        "response": 0.04,
        "pace": 0.23,
        "memory": 0.02,
        "energy": 0.04,
    }
)
"""Points of eleven factors of a request's score for a value of 1; see `engine.scheduling.priority`. Found by a search
in simulation, and checked on traces that the search had not seen."""


def default_home() -> Path:
    """Where Hearth keeps all it keeps: `HEARTH_HOME`, else the folder beside the program, else the platform's."""
    home = os.environ.get("HEARTH_HOME")
    if home:
        return Path(home).expanduser()
    return portable_home() or Path(platformdirs.user_data_path("hearth", appauthor=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """Settings of one engine.

    Attributes:
        home: data folder; `home/models` is always searched for models, `home/cache` may be deleted at any time.
        model_dirs: more folders to search for models.
        context_tokens: longest prompt plus answer of one request; capped by what a model was trained for.
        max_sequences: most requests of one model that are decoded together, 1 to 64.
        threads: CPU threads of the lane; None lets it adapt to what the machine has free.
        prefill_chunk_tokens: most prompt tokens per step; smaller keeps running answers smoother.
        devices: kinds or ids of the devices that may be used (`cpu`, `gpu`, `gpu:1`, `npu`); none named means all.
        memory_budget_bytes: most memory of the machine that all models together may take; None takes what is free.
        idle_unload_s: seconds after which a model that nobody uses is let go; 0 keeps it.
        cache_memory_bytes: most memory for answers that may be asked for again; 0 keeps none there.
        cache_disk_bytes: most disk for them; 0 keeps none there.
        cache_days: after so many days they are forgotten.
        prefix_disk_bytes: most disk for what models have read of prompts (KV); 0 keeps none there.
        weights: points of the eleven weighted factors of a request's score; they are scaled to sum to 1, those not
            named keep their default.
        order: how requests are ordered: `hearth` by twelve factors, or one of the simpler policies.
        rpc_servers: `HOST:PORT` of llama.cpp's servers that share their devices. They know no password: name none but
            your own.
        used_in_place: other programs whose models are listed and used where they are: `lm-studio`, `ollama`, `jan`,
            `hugging-face`. Nothing of theirs is ever changed.
        probe_files: whether model files of unknown origin are tried in a process of their own before they are loaded.
        offline: whether nothing may use the network; downloads then say so and wait.
        hub_url: where models are searched and fetched; `HF_ENDPOINT` comes before the default.
        proxy: address of the proxy for that, such as `http://HOST:PORT`; empty takes the system's.
        download_bytes_per_s: most that all downloads together may take; 0 sets no limit.
        update_url: where the window may ask for new versions, once somebody has switched that on; empty takes what this
            Hearth was built with.
    """

    home: Path = field(default_factory=default_home)
    model_dirs: tuple[Path, ...] = ()
    context_tokens: int = 4096
    max_sequences: int = 16
    threads: int | None = None
    prefill_chunk_tokens: int = 512
    memory_budget_bytes: int | None = None
    idle_unload_s: int = 900
    cache_memory_bytes: int = 64 << 20
    cache_disk_bytes: int = 1_000_000_000
    cache_days: int = 30
    prefix_disk_bytes: int = 2_000_000_000
    weights: Mapping[str, float] = field(default_factory=lambda: DEFAULT_WEIGHTS)
    order: str = "hearth"
    devices: tuple[str, ...] = ()
    rpc_servers: tuple[str, ...] = ()
    used_in_place: tuple[str, ...] = FOREIGN
    probe_files: bool = True
    offline: bool = False
    hub_url: str = field(default_factory=lambda: os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    proxy: str = ""
    download_bytes_per_s: int = 0
    update_url: str = ""

    def __post_init__(self) -> None:
        _check_range("context_tokens", self.context_tokens, 16, 1 << 24)
        _check_range("max_sequences", self.max_sequences, 1, 64)
        _check_range("prefill_chunk_tokens", self.prefill_chunk_tokens, 1, 4096)
        _check_range("idle_unload_s", self.idle_unload_s, 0, 1 << 31)
        for name in ("cache_memory_bytes", "cache_disk_bytes", "prefix_disk_bytes"):
            _check_range(name, getattr(self, name), 0, 1 << 60)
        _check_range("download_bytes_per_s", self.download_bytes_per_s, 0, 1 << 40)
        _check_address("hub_url", self.hub_url, ("http://", "https://"))
        if self.proxy:
            _check_address("proxy", self.proxy, ("http://", "https://"))
        if self.update_url:
            _check_address("update_url", self.update_url, _CONFIDENTIAL)
        if unknown := sorted(set(self.used_in_place) - set(FOREIGN)):
            raise ConfigError(f"Setting used_in_place names {unknown[0]!r}.", f"Choose from: {', '.join(FOREIGN)}.")
        _check_range("cache_days", self.cache_days, 1, 36_500)
        if self.memory_budget_bytes is not None:
            _check_range("memory_budget_bytes", self.memory_budget_bytes, 1, 1 << 60)
        if self.order not in ORDERS:
            raise ConfigError(f"Setting order is {self.order!r}.", f"Choose from: {', '.join(ORDERS)}.")
        _check_weights(self.weights)
        if self.threads is not None:
            _check_range("threads", self.threads, 1, 512)

    @property
    def cache_dir(self) -> Path:
        """Files that can be made again."""
        return self.home / "cache"

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read settings from a TOML file; a missing file gives the defaults.

        Raises:
            ConfigError: the file is not TOML, or a setting is unknown, of the wrong type, or out of range.
        """
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls()
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"The settings file {path} cannot be read: {error}.", "Correct or delete it.") from error
        known = {f.name for f in fields(cls)}
        if unknown := sorted(table.keys() - known):
            raise ConfigError(f"Unknown setting {unknown[0]!r} in {path}.", f"Known are: {', '.join(sorted(known))}.")
        return replace(cls(), **{name: _convert(name, value) for name, value in table.items()})


def _convert(name: str, value: object) -> Any:
    if name == "home" and isinstance(value, str):
        return Path(value).expanduser()
    if name == "model_dirs" and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(Path(item).expanduser() for item in value)
    if (
        name in {"devices", "rpc_servers", "used_in_place"}
        and isinstance(value, list)
        and all(isinstance(item, str) for item in value)
    ):
        return tuple(value)
    if name == "weights" and isinstance(value, dict) and all(type(v) in {int, float} for v in value.values()):
        return {**DEFAULT_WEIGHTS, **value}
    if name in {"order", "hub_url", "proxy", "update_url"} and isinstance(value, str):
        return value
    if name in {"offline", "probe_files"} and isinstance(value, bool):
        return value
    if name not in _NOT_NUMBERS and type(value) is int:
        return value
    raise ConfigError(f"Setting {name} has the wrong type: {value!r}.")


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ConfigError(f"Setting {name} is {value}, but must be from {low} to {high}.")


def _check_address(name: str, value: str, schemes: tuple[str, ...]) -> None:
    if not value.startswith(schemes) or len(value) > 2048 or not value.isprintable() or " " in value:
        raise ConfigError(
            f"Setting {name} is {value!r}, which is no address.", f"Begin it with {' or '.join(schemes)}."
        )


def _check_weights(weights: Mapping[str, float]) -> None:
    if unknown := sorted(weights.keys() - DEFAULT_WEIGHTS.keys()):
        raise ConfigError(f"There is no factor {unknown[0]!r}.", f"Choose from: {', '.join(DEFAULT_WEIGHTS)}.")
    if any(not 0 <= weight <= 1e6 for weight in weights.values()) or not any(weights.values()):
        raise ConfigError("Setting weights has to name numbers from 0 up, one of them above 0.")
