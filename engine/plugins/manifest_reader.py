"""Reads `plugin.toml`, strictly and within bounds; nothing of the plugin runs."""

import keyword
import math
import os
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import tomli

from engine.errors import PluginRefusedError
from engine.plugins.contract.values import Field
from engine.plugins.contract.version import API_VERSION
from engine.plugins.field_reader import one_line, read_field, texts
from engine.plugins.manifest import Manifest, OfferKind, Permission, PermissionKind

MANIFEST_NAME: Final = "plugin.toml"
MAX_BYTES: Final = 64 << 10
# The parser's time grows with lines times parts of a key, and a key is one line: with these it takes 0.4 s at worst.
MAX_LINE: Final = 1_000  # bytes
MAX_LINES: Final = 1_000
MAX_SETTINGS: Final = 50
MAX_PROVIDES: Final = 100
CORRECT_IT: Final = f"Its author has to correct {MANIFEST_NAME}."

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_VERSION = re.compile(r"(0|[1-9]\d{0,5})(\.(0|[1-9]\d{0,5})){2}([-+][0-9A-Za-z.+-]{1,40})?", re.ASCII)
_API = re.compile(r"(\d{1,4})\.(\d{1,4})", re.ASCII)
_ENTRY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")
_OFFER = re.compile(r"([a-z]+):([a-z0-9][a-z0-9_-]{0,39})")
_HOMEPAGE = re.compile(r"https?://[!-~]{1,290}")
_HOST = re.compile(r"(\*|(\*\.)?[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,10})(:\d{1,5})?", re.ASCII)
_FOLDER = re.compile(r"~|~[/\\].*|/.*|[A-Za-z]:[/\\].*")
_OFFER_KINDS: Final = frozenset(kind.value for kind in OfferKind)
_PERMISSION_KINDS: Final = frozenset(kind.value for kind in PermissionKind)
# Windows cannot hold a folder of one of these names.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}


def read_manifest(folder: Path, *, is_placed: bool = True) -> Manifest:
    """Read the manifest of the plugin in a folder.

    Args:
        folder: of the plugin.
        is_placed: whether it lies where it will run, and must be called as the plugin; not so while it is installed.

    Raises:
        PluginRefusedError: there is none, it is wrong (one sentence says which key, and its rule), it is for another
            version of the contract, or the folder is not called as the plugin.
    """
    try:
        table = _parse(_read_bytes(folder / MANIFEST_NAME))
        manifest = _manifest(table)
        if is_placed and folder.name != folder_name(manifest.id):
            raise ValueError(f"`id` is {manifest.id}, so its folder must be called {folder_name(manifest.id)}")
    except ValueError as error:
        cause = f"The plugin in the folder {shown(folder.name)} cannot be used: {error}."
        raise PluginRefusedError(shown(folder.name), cause, CORRECT_IT) from None
    _check_api(manifest)
    return manifest


def folder_name(plugin_id: str) -> str:
    """Name of the folder of a plugin, which is also its module: hyphens become underscores."""
    return plugin_id.replace("-", "_")


def is_plugin_id(text: str) -> bool:
    """Whether a text can be the id of a plugin."""
    return (
        2 <= len(text) <= 40
        and _ID.fullmatch(text) is not None
        and text not in _DEVICES
        and not keyword.iskeyword(folder_name(text))
    )


def _read_bytes(path: Path) -> bytes:
    try:
        # Neither a link out of the folder nor a pipe that would block is followed.
        if not stat.S_ISREG(path.lstat().st_mode):
            raise ValueError(f"its {MANIFEST_NAME} is no file")
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ValueError(f"it has no {MANIFEST_NAME}") from None
    except OSError as error:
        raise ValueError(f"its {MANIFEST_NAME} cannot be read ({error.strerror})") from None
    if len(data) > MAX_BYTES:
        raise ValueError(f"its {MANIFEST_NAME} is larger than {MAX_BYTES >> 10} KiB")
    return data


def _parse(data: bytes) -> Mapping[str, object]:
    lines = data.split(b"\n")
    if len(lines) > MAX_LINES or any(len(line) > MAX_LINE for line in lines):
        raise ValueError(f"its {MANIFEST_NAME} has more than {MAX_LINES} lines, or one of more than {MAX_LINE} bytes")
    try:
        return tomli.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError(f"its {MANIFEST_NAME} is not UTF-8") from None
    except RecursionError:
        raise ValueError(f"its {MANIFEST_NAME} is nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, and numbers of thousands of digits
        raise ValueError(f"its {MANIFEST_NAME} is no TOML: {shown(str(error))}") from None


def _manifest(table: Mapping[str, object]) -> Manifest:
    if unknown := sorted(table.keys() - _READERS.keys()):
        raise ValueError(f"the key {shown(unknown[0])} is unknown; known are {', '.join(_READERS)}")
    for key in ("id", "name", "version", "api", "summary", "provides"):
        if key not in table:
            raise ValueError(f"`{key}` is missing; it {_RULES[key]}")
    values: dict[str, Any] = {}
    for key, value in table.items():
        try:
            read = _READERS[key](value)
        except ValueError as error:
            raise ValueError(f"`{key}` {error}") from None
        values.update(read if key == "limits" else {key: read})
    return Manifest(**values)


def _check_api(manifest: Manifest) -> None:
    wanted, ours = (tuple(int(part) for part in version.split(".")) for version in (manifest.api, API_VERSION))
    if wanted[0] == ours[0] and wanted[1] <= ours[1]:
        return
    cause = f"The plugin {manifest.name} was written for version {manifest.api} of the contract; this is {API_VERSION}."
    remedy = "Update Hearth." if wanted > ours else "Look for a newer version of the plugin."
    raise PluginRefusedError(manifest.id, cause, remedy)


def _id(value: object) -> str:
    if not isinstance(value, str) or not is_plugin_id(value):
        raise ValueError(_RULES["id"])
    return value


def _matching(pattern: re.Pattern[str], key: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError(_RULES[key])
        return value

    return read


def _provides(value: object) -> tuple[tuple[OfferKind, str], ...]:
    offers = []
    for text in texts(value, MAX_PROVIDES, 60):
        match = _OFFER.fullmatch(text)
        if match is None or match[1] not in _OFFER_KINDS:
            raise ValueError(_RULES["provides"])
        offers.append((OfferKind(match[1]), match[2]))
    if not offers:
        raise ValueError(_RULES["provides"])
    return tuple(offers)


def _homepage(value: object) -> str:
    if value != "" and (not isinstance(value, str) or not _HOMEPAGE.fullmatch(value)):
        raise ValueError("must be an address that begins with https:// or http://, or empty")
    return value


def _permissions(value: object) -> tuple[Permission, ...]:
    found = tuple(_permission(table) for table in _tables(value, len(PermissionKind)))
    if len({permission.kind for permission in found}) != len(found):
        raise ValueError("must have one table per kind at most")
    return found


def _permission(table: Mapping[str, object]) -> Permission:
    if unknown := sorted(table.keys() - {"kind", "reason", "hosts", "folders"}):
        raise ValueError(f"have the unknown key {shown(unknown[0])}; known are kind, reason, hosts, folders")
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in _PERMISSION_KINDS:
        raise ValueError(f"must each have a `kind`, one of {', '.join(PermissionKind)}")
    try:
        reason = one_line(table.get("reason"), 300, 1)
        hosts = texts(table.get("hosts", []), 50, 270)
        folders = texts(table.get("folders", []), 50, 300)
    except ValueError as error:
        raise ValueError(f"are wrong for {kind}: its reason, and each host or folder, {error}") from None
    if (hosts and kind != PermissionKind.NETWORK) or not all(_HOST.fullmatch(host) for host in hosts):
        raise ValueError("may have `hosts` for network only, each the name of one, or `*.name`, or `*`")
    is_disk = kind in {PermissionKind.READ, PermissionKind.WRITE}
    if bool(folders) != is_disk or not all(_is_folder(folder) for folder in folders):
        raise ValueError("must have `folders` for read and write, each a full path or one that begins with ~")
    return Permission(PermissionKind(kind), reason, hosts, folders)


def _is_folder(text: str) -> bool:
    return _FOLDER.fullmatch(text) is not None and ".." not in re.split(r"[/\\]", text)


def _settings(value: object) -> tuple[Field, ...]:
    found = []
    for number, table in enumerate(_tables(value, MAX_SETTINGS), 1):
        try:
            found.append(read_field(table))
        except ValueError as error:
            raise ValueError(f"are wrong: number {number} {error}") from None
    if len({field.name for field in found}) != len(found):
        raise ValueError("must not have two of the same name")
    return tuple(found)


def _limits(value: object) -> Mapping[str, float | int]:
    rule = "must be a table with `time_limit_s` from 1 to 86400 and `memory_mb` from 64 to 65536, or one of them"
    if not isinstance(value, dict) or value.keys() - {"time_limit_s", "memory_mb"}:
        raise ValueError(rule)
    limits: dict[str, float | int] = {}
    for key, number in value.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise ValueError(rule)
        if key == "time_limit_s" and 1 <= number <= 86_400:
            limits["time_limit_s"] = float(number)
        elif key == "memory_mb" and 64 <= number <= 65_536 and isinstance(number, int):
            limits["memory_bytes"] = number << 20
        else:
            raise ValueError(rule)
    return limits


def _tables(value: object, most: int) -> list[Mapping[str, object]]:
    if not isinstance(value, list) or len(value) > most or not all(isinstance(table, dict) for table in value):
        raise ValueError(f"must be up to {most} tables")
    return value


def shown(text: str) -> str:
    """Text of a stranger in one short line, without what moves a terminal's cursor."""
    short = text if len(text) <= 100 else f"{text[:99]}…"
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in short)


_RULES: Final[Mapping[str, str]] = {
    "id": "must be 2 to 40 lower case letters, digits and single hyphens, beginning with a letter, and no word of "
    "Python's or Windows'",
    "name": "must be a text of 1 to 60 characters in one line",
    "version": "must be three numbers with dots, such as 1.0.0",
    "api": "must be two numbers with a dot, such as 1.0",
    "summary": "must be a text of 1 to 200 characters in one line",
    "provides": f"must list what it offers, such as task:shout; kinds are {', '.join(OfferKind)}",
    "entry": "must be the name of a module in the folder, without .py",
}
_READERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "id": _id,
    "name": lambda value: one_line(value, 60, 1),
    "version": _matching(_VERSION, "version"),
    "api": _matching(_API, "api"),
    "summary": lambda value: one_line(value, 200, 1),
    "provides": _provides,
    "entry": _matching(_ENTRY, "entry"),
    "author": lambda value: one_line(value, 100),
    "licence": lambda value: one_line(value, 60),
    "homepage": _homepage,
    "permissions": _permissions,
    "settings": _settings,
    "limits": _limits,
}
