"""Which files of a repository are models, and what has to be fetched with each."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from engine.finds import HubFile

MOST_PARTS: Final = 512
_PART: Final = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
_QUANTIZATION: Final = re.compile(
    r"""(?:^|[-_.\ /])(
        (?:ud-)?(?:i?q|tq)\d(?:_k(?:_[a-z]{1,3})?|(?:_\d){1,3}|_[a-z]{1,3})?   # Q8_0, Q4_K_M, IQ4_XS, TQ1_0, UD-Q4_K_XL
        | q4f16 | bf16 | fp?16 | fp?32 | mxfp4 | nvfp4 | fp8 | u?int[48] | bnb4 | quantized
    )$""",
    re.VERBOSE | re.IGNORECASE,
)
_SAME: Final[Mapping[str, str]] = {"FP16": "F16", "FP32": "F32", "QUANTIZED": "INT8"}
_NO_MODEL: Final = re.compile(r"(^|[-_.])(mmproj|imatrix|lora)([-_.]|$)", re.IGNORECASE)
_HALF: Final = re.compile(r"^(encoder|decoder|vision_encoder|audio_encoder|embed_tokens|prompt_encoder)(_|\.|$)")
"""Graphs that work only together with others."""
_WEIGHTS: Final = re.compile(r"(\.onnx)?[._]data(_\d+)?$|\.weights?$", re.IGNORECASE)
_WITH_GRAPHS: Final = ("tokenizer.json", "config.json", "preprocessor_config.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoFile:
    """A file of a repository, as the hub lists it.

    Attributes:
        name: with folders.
        size_bytes: 0 if unknown.
        sha256: of its content; empty if the hub does not say.
        blob: git's id of it; empty if unknown.
    """

    name: str
    size_bytes: int = 0
    sha256: str = ""
    blob: str = ""


def models_among(files: Iterable[RepoFile]) -> tuple[HubFile, ...]:
    """The models among a repository's files, smallest first; not those that are only a part of a model."""
    by_name = {file.name: file for file in files}
    ggufs = [file for file in by_name.values() if file.name.lower().endswith(".gguf")]
    graphs = [file for file in by_name.values() if file.name.lower().endswith(".onnx")]
    found = [*_ggufs(ggufs), *(_graph(file, by_name) for file in graphs if not _HALF.match(_base(file.name)))]
    return tuple(sorted(found, key=lambda file: (file.size_bytes, file.name)))


def is_graph(file: HubFile) -> bool:
    """Whether a model is a graph."""
    return file.name.lower().endswith(".onnx")


def quantization_of(name: str) -> str:
    """How the weights of a file are stored, as its name says: `Q4_K_M`; empty if it does not."""
    stem = re.sub(r"-\d{5}-of-\d{5}$", "", name.rpartition(".")[0])
    match = _QUANTIZATION.search(stem)
    kind = match[1].upper() if match else ""
    return _SAME.get(kind, kind)


def _ggufs(files: Sequence[RepoFile]) -> Iterable[HubFile]:
    split: defaultdict[tuple[str, int], dict[int, RepoFile]] = defaultdict(dict)
    for file in files:
        if _NO_MODEL.search(_base(file.name).rpartition(".")[0]):
            continue
        part = _PART.fullmatch(file.name)
        if part is None:
            yield _file(quantization_of(file.name), [file])
        else:
            split[part["stem"], int(part["count"])][int(part["number"])] = file
    for (_, count), parts in split.items():
        if count <= MOST_PARTS and sorted(parts) == list(range(1, count + 1)):  # else some are missing
            yield _file(quantization_of(parts[1].name), [parts[number] for number in range(1, count + 1)])


def _graph(graph: RepoFile, by_name: Mapping[str, RepoFile]) -> HubFile:
    folder, stem = _folder(graph.name), _base(graph.name).rpartition(".")[0]
    parts = [graph]
    for name in sorted(by_name):
        if _folder(name) != folder or name == graph.name:
            continue
        rest = _base(name).removeprefix(stem)
        if rest != _base(name) and (_WEIGHTS.fullmatch(rest) or rest == ".json"):
            parts.append(by_name[name])
    for name in _WITH_GRAPHS:
        beside = by_name.get(f"{folder}{name}") or by_name.get(name)
        if beside is not None and beside not in parts:
            parts.append(beside)
    return _file(quantization_of(graph.name), parts)


def _file(quantization: str, parts: Sequence[RepoFile]) -> HubFile:
    return HubFile(
        name=parts[0].name,
        parts=tuple(part.name for part in parts),
        size_bytes=sum(part.size_bytes for part in parts),
        sha256=tuple(part.sha256 for part in parts),
        quantization=quantization,
    )


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _folder(name: str) -> str:
    folder = name.rpartition("/")[0]
    return f"{folder}/" if folder else ""
