"""What a model's file says, read once for each version of it."""

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from engine.errors import ModelFileError
from engine.models.gguf import DOWNLOAD_AGAIN, read_header
from engine.models.gguf_facts import facts_of as facts_of_gguf
from engine.models.gguf_info import can_run
from engine.models.gguf_info import describe as describe_gguf
from engine.models.onnx import describe as describe_onnx
from engine.models.onnx import read_onnx_header
from engine.models.onnx_card import card_path, find_tokenizer
from engine.models.onnx_facts import facts_of as facts_of_onnx
from engine.models.sources import Found
from engine.models.split_files import later_parts, named_count
from engine.models.walk import model_id
from engine.plugins.contract.models import ModelFacts
from engine.types import ModelInfo

TEMPLATE_KEY: Final = "tokenizer.chat_template"
MAX_TEXT_BYTES: Final = 256 << 10
MAX_LICENCE_CHARS: Final = 100

Stamp = tuple[int, int, int]
"""Time of the last change in ns, size and inode; of several files the sum, so that a change of any is noticed."""


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What a file is.

    Attributes:
        info: without what plugins say.
        facts: what plugins are told; None if the model cannot be run, whatever they say.
        template: its chat template; empty if it has none.
        files: that belong to the model, the first one being its own.
    """

    info: ModelInfo
    facts: ModelFacts | None
    template: str
    files: tuple[Path, ...]


def stamp_of(path: Path) -> Stamp:
    """Tells whether a model's files are as they were; microseconds.

    Raises:
        OSError: it cannot be found.
    """
    status = os.stat(path)
    stamp, name = (status.st_mtime_ns, status.st_size, status.st_ino), path.name
    if "-of-" not in name and not name.lower().endswith(".onnx"):
        return stamp  # as most are
    for other in _beside(path) if name.lower().endswith(".onnx") else later_parts(path, named_count(path)):
        try:
            status = os.stat(other)
        except OSError:
            break  # a part that is missing; whoever reads the model says so
        stamp = (stamp[0] + status.st_mtime_ns, stamp[1] + status.st_size, stamp[2] + status.st_ino)
    return stamp


def read_model(found: Found) -> ReadFile:
    """Read what a file says.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: it cannot be used; says why.
    """
    path = found.path
    wanted = found.id or model_id(path)
    if path.suffix.lower() == ".onnx":
        graph = read_onnx_header(path)
        files = (path, *(path.parent / name for name in graph.locations), *_beside(path))
        return ReadFile(describe_onnx(path, wanted, graph), facts_of_onnx(path, graph), "", files)
    header = read_header(path)
    files = (path, *later_parts(path, named_count(path)))
    info = describe_gguf(header, wanted, size_bytes=_total_size(files))
    if not info.licence and found.licence_file is not None:
        info = replace(info, licence=_licence(found.licence_file))
    if not path.suffix and header.text("general.name") is None:
        info = replace(info, name=wanted)  # a digest is no name
    template = header.text(TEMPLATE_KEY) or (_text(found.template_file) if found.template_file is not None else "")
    return ReadFile(info, facts_of_gguf(header) if can_run(header) else None, template, files)


def files_beside(path: Path) -> tuple[Path, ...]:
    """All files that belong to a model, its own first; they may be missing.

    Raises:
        ModelError: it is a graph that cannot be read.
    """
    if path.suffix.lower() == ".onnx":
        return (path, *(path.parent / name for name in read_onnx_header(path).locations), *_beside(path))
    return (path, *later_parts(path, named_count(path)))


def digest_of(template: str) -> str:
    """SHA-256 of a template; empty for none."""
    return hashlib.sha256(template.encode()).hexdigest() if template else ""


def _beside(path: Path) -> list[Path]:
    """Card and tokenizer of a graph, as far as it has them."""
    tokenizer, card = find_tokenizer(path), card_path(path)
    return ([card] if card.is_file() else []) + ([tokenizer] if tokenizer is not None else [])


def _total_size(files: tuple[Path, ...]) -> int | None:
    """Bytes of all parts of a split model; None if there is one file only."""
    total = 0
    for part in files:
        try:
            total += part.stat().st_size
        except FileNotFoundError as error:
            cause = f"The model {files[0].name} is incomplete: {part.name} is missing."
            raise ModelFileError(cause, DOWNLOAD_AGAIN) from error
    return total if len(files) > 1 else None


def _licence(path: Path) -> str | None:
    lines = (" ".join(line.split()) for line in _text(path).splitlines())
    return next((line[:MAX_LICENCE_CHARS] for line in lines if line), None)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_TEXT_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
