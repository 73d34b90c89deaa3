"""Manifest: what a plugin's `plugin.toml` says; known without running any of its code."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from engine.plugins.contract.values import Field


class PermissionKind(StrEnum):
    """What a plugin may be allowed to do."""

    MODELS = "models"  # ask the models
    NETWORK = "network"  # reach the network
    READ = "read"  # read files of some folders
    WRITE = "write"  # change files of some folders
    SUBPROCESS = "subprocess"  # start other programs


class OfferKind(StrEnum):
    """What a plugin can offer; `provides` lists `KIND:ID`."""

    FAMILY = "family"
    PIPELINE = "pipeline"
    TASK = "task"
    TOOL = "tool"
    TELEMETRY = "telemetry"


@dataclass(frozen=True, slots=True)
class Permission:
    """Something that a plugin wants to be allowed.

    Attributes:
        kind: what.
        reason: why, in words of its author; never empty.
        hosts: of NETWORK: which ones. Only the permission as a whole is enforced, and the consent dialog says so.
        folders: of READ and WRITE; `~` is the home folder.
    """

    kind: PermissionKind
    reason: str
    hosts: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A plugin, described.

    Attributes:
        id: lower case, digits and hyphens, 2 to 40 characters; also the name of its folder, hyphens as underscores.
        name: for people.
        version: semantic.
        api: the version of the contract that it was written for, `major.minor`.
        summary: one sentence.
        provides: what it offers, as kind and id.
        entry: module with `register`, relative to the folder: `__init__` or another one.
        author: who made it.
        licence: SPDX name.
        homepage: an http(s) address, or empty.
        permissions: what it wants; at most one per kind.
        settings: fields that the user can fill in.
        time_limit_s: seconds that one run of a task may compute, waiting for models not counted.
        memory_bytes: most memory that its process may take.
    """

    id: str
    name: str
    version: str
    api: str
    summary: str
    provides: tuple[tuple[OfferKind, str], ...]
    entry: str = "__init__"
    author: str = ""
    licence: str = ""
    homepage: str = ""
    permissions: tuple[Permission, ...] = ()
    settings: tuple[Field, ...] = ()
    time_limit_s: float = 60.0
    memory_bytes: int = 512 << 20

    def defaults(self) -> Mapping[str, str | int | float | bool | tuple[str, ...]]:
        """The settings before anybody changed one."""
        return {field.name: field.default for field in self.settings if field.default is not None}
