"""Frozen values about models that are here: where they come from, whether they were tried, what people call them."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from engine.quality import QualityReport
from engine.types import ModelInfo, Sampling


class Origin(StrEnum):
    """Where a model's file is, and to whom it belongs."""

    INCLUDED = "included"  # came with Hearth
    OWN = "own"  # in Hearth's model folder
    LM_STUDIO = "lm-studio"
    OLLAMA = "ollama"
    JAN = "jan"
    HUGGING_FACE = "hugging-face"
    FOLDER = "folder"  # one that somebody named


class Trust(StrEnum):
    """What is known of a file that somebody else has made."""

    INCLUDED = "included"
    PASSED = "passed"  # tried out in a process of its own
    UNTRIED = "untried"  # its header is sound
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """What the gates say of a file.

    Attributes:
        trust: the result.
        rule: short name of the rule that refused it, such as `tensor-offsets` or `probe-crash`; empty if none did.
        cause: why it was refused, in one sentence.
        remedy: what to do.
        took_s: seconds that trying it took; 0 if that was long ago or did not happen.
    """

    trust: Trust
    rule: str = ""
    cause: str = ""
    remedy: str = ""
    took_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDefaults:
    """What a person has set for one model; None and empty leave it to the engine's settings.

    Attributes:
        context_tokens: longest prompt plus answer.
        device: id of the device that it must run on.
        memory_budget_bytes: most memory that it may take; it is paged if that is less than it needs.
        sampling: instead of what its author recommends.
        is_pinned: whether it stays in memory once it is loaded.
    """

    context_tokens: int | None = None
    device: str = ""
    memory_budget_bytes: int | None = None
    sampling: Sampling | None = None
    is_pinned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a model came from.

    Attributes:
        origin: whose file it is.
        folder: that it was found in.
        repo: `owner/name` on the hub; empty if it did not come from there, or nobody knows.
        revision: commit on the hub.
        url: that it was fetched from; empty if unknown.
        made_from: name of the model that it was quantized or converted from; empty if it was not.
        added_at: seconds since 1970, when Hearth first saw it.
    """

    origin: Origin
    folder: Path
    repo: str = ""
    revision: str = ""
    url: str = ""
    made_from: str = ""
    added_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """A model that is here, with everything that Hearth knows of it without loading it.

    Attributes:
        info: from its header.
        title: what the person calls it, else its own name.
        files: all that belong to it: parts, weights beside a graph, card, tokenizer.
        provenance: where it came from.
        gate: whether it was tried.
        template: its chat template; empty if it has none.
        template_sha256: digest of that.
        sha256: of its file (of the parts, one after another); empty until it was computed.
        tags: the person's.
        is_favourite: for the person.
        defaults: what the person has set for it.
        tokens_per_s: measured when it last wrote an answer here; for vision models images per second; None before.
        measured_on: device that this was measured on.
        report: of its quality, if it was made here.
    """

    info: ModelInfo
    title: str
    files: tuple[Path, ...]
    provenance: Provenance
    gate: GateReport
    template: str = ""
    template_sha256: str = ""
    sha256: str = ""
    tags: tuple[str, ...] = ()
    is_favourite: bool = False
    defaults: ModelDefaults = field(default_factory=ModelDefaults)
    tokens_per_s: float | None = None
    measured_on: str = ""
    report: QualityReport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryFolder:
    """A folder of models.

    Attributes:
        path: where it is.
        origin: whose it is.
        is_used: whether its models are listed; those of other programs can be left out.
        models: in it, that can be used.
        size_bytes: of their files.
        broken: files in it that look like models but cannot be used, each with the reason.
    """

    path: Path
    origin: Origin
    is_used: bool
    models: int = 0
    size_bytes: int = 0
    broken: tuple[tuple[Path, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What is known of a model that has just come into Hearth's folder.

    Attributes:
        repo: `owner/name` on the hub; empty if it did not come from there.
        revision: commit on the hub.
        url: that it was fetched from.
        sha256: of its file (of the parts, one after another), as computed here; empty if it was not.
        made_from: id of the model that it was made from; empty if it was not.
        report: of its quality.
    """

    repo: str = ""
    revision: str = ""
    url: str = ""
    sha256: str = ""
    made_from: str = ""
    report: QualityReport | None = None
