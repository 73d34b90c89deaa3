"""Frozen values about plugins and tasks that cross the engine's door."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from engine.plugins.contract.offers import Sample
from engine.plugins.contract.values import Field, Values
from engine.plugins.manifest import OfferKind, Permission
from engine.requests import ToolSpec, Urgency


class PluginState(StrEnum):
    """How a plugin is."""

    ACTIVE = "active"  # its offers can be used
    STARTING = "starting"  # its process is being started, or started again
    DISABLED = "disabled"  # by the user
    NEEDS_CONSENT = "needs consent"  # new, or changed since it was allowed
    STOPPED = "stopped"  # failed too often, or was running when Hearth crashed
    REFUSED = "refused"  # its manifest is wrong, or for another version of the contract


@dataclass(frozen=True, slots=True)
class OfferInfo:
    """One thing that a plugin offers; title and summary are empty where the kind has none."""

    kind: OfferKind
    id: str
    title: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginInfo:
    """A plugin that was found.

    Attributes:
        id: unique; the folder's name where the manifest is unreadable.
        folder: where it lies.
        is_bundled: whether it came with Hearth.
        is_isolated: whether it runs in its own process; else with full access, inside Hearth.
        state: how it is.
        reason: one or two sentences about a state other than ACTIVE; may be empty.
        details: a traceback or the end of its output, for copying; may be empty.
        digest: SHA-256 of its files, which consent is bound to; empty for bundled ones.
        offers: what it offers; from `provides` while it has not run.
        consequences: what follows from its offers and permissions, a sentence each; empty for bundled ones.
        unenforced: what is not enforced on this system, a sentence each.
        settings: their values now.
        samples: newest numbers of its telemetry.
        memory_bytes: of its process; None inside Hearth.
        failures: in the last five minutes.
    """

    id: str
    folder: Path
    name: str = ""
    version: str = ""
    api: str = ""
    summary: str = ""
    author: str = ""
    licence: str = ""
    homepage: str = ""
    is_bundled: bool = False
    is_isolated: bool = True
    state: PluginState = PluginState.DISABLED
    reason: str = ""
    details: str = ""
    digest: str = ""
    permissions: tuple[Permission, ...] = ()
    offers: tuple[OfferInfo, ...] = ()
    consequences: tuple[str, ...] = ()
    unenforced: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    settings: Values = field(default_factory=dict)
    samples: tuple[Sample, ...] = ()
    memory_bytes: int | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskInfo:
    """A task that can be run, as its plugin describes it."""

    id: str
    plugin: str
    title: str
    summary: str
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class ToolInfo:
    """A tool that a model may be given.

    Attributes:
        spec: what the model is told.
        plugin: whose it is.
        permission: kind of the permission that it uses; empty: it reaches nothing outside its arguments.
    """

    spec: ToolSpec
    plugin: str
    permission: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRequest:
    """Run a task.

    Attributes:
        task: its id.
        inputs: values by field name; fields with a default may be left out.
        urgency: of everything it asks the models.
    """

    task: str
    inputs: Values
    urgency: Urgency = Urgency.INTERACTIVE


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """How far a task is, in [0, 1], and what it is doing."""

    fraction: float
    note: str


@dataclass(frozen=True, slots=True)
class TaskText:
    """More text of an output that is growing."""

    output: str
    text: str


@dataclass(frozen=True, slots=True)
class TaskFinished:
    """Last event of every task that did not fail: all outputs, and how long it took in seconds."""

    outputs: Values
    total_s: float


TaskEvent = TaskProgress | TaskText | TaskFinished
