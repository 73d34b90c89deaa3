"""Turns a model in safetensors, as Transformers keeps it, into a GGUF file; no PyTorch, and nothing of it is run.

Weights in BF16 stay as they are, all others become F16, norms and biases F32. What the table of conversions does not
list is refused: a model that is converted by guessing answers nonsense.
"""

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import CapabilityError, ModelError, ModelFileError
from engine.jobs import JobControl
from engine.models.gguf_writer import MetadataValue, TensorSpec, WeightType, write_gguf
from engine.models.safetensors import StoredTensor, read_tensors
from engine.quantize.convert_words import read_json, vocabulary_of
from resources import conversions_file

_SLAB_ROWS: Final = 4096
_FILE_TYPES: Final = {WeightType.F16: 1, WeightType.BF16: 32}
_LAYERS: Final = "model.layers."
_IGNORED: Final = ".rotary_emb.inv_freq"
_GET_GGUF: Final = "Look for a GGUF file of it with `hearth models search`."


@dataclass(frozen=True, slots=True)
class Conversion:
    """A model that can be converted.

    Attributes:
        name: of the model.
        metadata: what its GGUF file says.
        tensors: what it holds, in the order in which it is written, each with where it comes from.
        heads: into which the rows of a tensor are divided whose pairs are interleaved, by its new name.
    """

    name: str
    metadata: Mapping[str, MetadataValue]
    tensors: tuple[tuple[TensorSpec, StoredTensor], ...]
    heads: Mapping[str, int]

    @property
    def size_bytes(self) -> int:
        """Of the weights as they will be."""
        return sum(spec.size_bytes for spec, _ in self.tensors)


def plan_conversion(place: Path) -> Conversion:
    """Look at a model in safetensors, and say what becomes of it.

    Args:
        place: its folder, or one of its files.

    Raises:
        CapabilityError: it is of a kind that Hearth does not convert.
        ModelFileError: a file is missing or damaged.
    """
    folder = place if place.is_dir() else place.parent
    config = read_json(folder / "config.json")
    if not isinstance(config, dict):
        raise ModelFileError(f"There is no config.json in {folder}.", "Choose a folder with all files of a model.")
    table = tomllib.loads(conversions_file().read_text(encoding="utf-8"))
    kind = _kind(config, table)
    numbers = _Numbers(config)
    stored = _stored(folder, place)
    named = _named(stored, table, kind, numbers)
    vocabulary = named["token_embd.weight"].shape[0]
    weights = WeightType.BF16 if named["token_embd.weight"].dtype == "BF16" else WeightType.F16
    cuts = {cut["pattern"]: cut["gguf"] for cut in table["cuts"]}
    metadata: dict[str, MetadataValue] = {
        "general.architecture": kind["gguf"],
        "general.name": folder.resolve().name,
        "general.file_type": _FILE_TYPES[weights],
        **numbers.metadata(kind["gguf"], vocabulary),
        **vocabulary_of(folder, config, vocabulary, cuts),
    }
    heads = {}
    if kind.get("interleaves"):
        for layer in range(numbers.layers):
            heads[f"blk.{layer}.attn_q.weight"] = numbers.heads
            heads[f"blk.{layer}.attn_k.weight"] = numbers.kv_heads
    tensors = tuple(
        (TensorSpec(name, it.shape, weights if len(it.shape) > 1 else WeightType.F32), it) for name, it in named.items()
    )
    return Conversion(folder.resolve().name, metadata, tensors, heads)


def convert(conversion: Conversion, target_part: Path, control: JobControl) -> None:
    """Write the GGUF file; returns when it is on disk.

    Raises:
        JobStopped: the job has to end.
        ModelError: the disk is full.
    """
    done, sources = 0, {spec.name: source for spec, source in conversion.tensors}

    def pieces(spec: TensorSpec) -> Iterator[bytes]:
        nonlocal done
        for piece in _pieces(sources[spec.name], spec.type, conversion.heads.get(spec.name)):
            control.check()
            yield piece
            done += len(piece)
            control.tell(done, conversion.size_bytes, "Converting")

    try:
        with target_part.open("xb") as stream:
            write_gguf(stream, conversion.metadata, [spec for spec, _ in conversion.tensors], pieces)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise ModelError(f"The GGUF file cannot be written: {error.strerror}.", "Free some space.") from error


class _Numbers:
    """The sizes of a model.

    Raises:
        ModelFileError: its configuration lacks one.
        CapabilityError: it computes in a way that is not converted.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self.layers, self.heads = self._count("num_hidden_layers"), self._count("num_attention_heads")
        self.width, self.forward = self._count("hidden_size"), self._count("intermediate_size")
        self.kv_heads = self._count("num_key_value_heads", self.heads)
        self.head_size = self._count("head_dim", self.width // self.heads)
        rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
        looks_back = config.get("sliding_window") if config.get("use_sliding_window", True) else None
        if rope.get("rope_type", rope.get("type", "default")) != "default" or looks_back is not None:
            raise CapabilityError("This model stretches or limits how far it looks back.", _GET_GGUF)
        if config.get("hidden_act", "silu") != "silu":
            raise CapabilityError("This model computes with another function than SiLU.", _GET_GGUF)
        self.is_tied = bool(config.get("tie_word_embeddings"))
        self.theta = float(rope.get("rope_theta") or config.get("rope_theta") or 10_000.0)

    def metadata(self, name: str, vocabulary: int) -> dict[str, MetadataValue]:
        """What the GGUF file says of them."""
        return {
            f"{name}.context_length": self._count("max_position_embeddings"),
            f"{name}.embedding_length": self.width,
            f"{name}.block_count": self.layers,
            f"{name}.feed_forward_length": self.forward,
            f"{name}.attention.head_count": self.heads,
            f"{name}.attention.head_count_kv": self.kv_heads,
            f"{name}.attention.key_length": self.head_size,
            f"{name}.attention.value_length": self.head_size,
            f"{name}.attention.layer_norm_rms_epsilon": float(self._config.get("rms_norm_eps", 1e-6)),
            f"{name}.rope.dimension_count": self.head_size,
            f"{name}.rope.freq_base": self.theta,
            f"{name}.vocab_size": vocabulary,
        }

    def _count(self, key: str, usual: int | None = None) -> int:
        value = self._config.get(key)
        value = usual if value is None else value
        if type(value) is not int or not 0 < value < 1 << 31:
            raise ModelFileError(f"The config.json of the model does not say its {key}.", "Get the model again.")
        return value


def _kind(config: Mapping[str, Any], table: Mapping[str, Any]) -> Mapping[str, Any]:
    names = config.get("architectures") or ["unknown"]
    name = str(names[0]) if isinstance(names, list) and names else "unknown"
    for kind in table["architectures"]:
        if name in kind["names"]:
            found: Mapping[str, Any] = kind
            return found
    known = ", ".join(name for kind in table["architectures"] for name in kind["names"])
    raise CapabilityError(f"Hearth does not convert {name[:80]}, only {known}.", _GET_GGUF)


def _stored(folder: Path, place: Path) -> dict[str, StoredTensor]:
    """All tensors of a model: of the file that was named if it is the only one, of all parts otherwise."""
    files = sorted(folder.glob("*.safetensors"))
    index = read_json(folder / "model.safetensors.index.json")
    if isinstance(index, dict) and isinstance(index.get("weight_map"), dict):
        files = [folder / Path(str(name)).name for name in sorted(set(index["weight_map"].values()), key=str)]
    elif place.is_file():
        files = [place]
    if not files:
        raise ModelFileError(f"There are no safetensors files in {folder}.", "Choose a folder with a model.")
    return {tensor.name: tensor for file in files for tensor in read_tensors(file)}


def _named(
    stored: Mapping[str, StoredTensor], table: Mapping[str, Any], kind: Mapping[str, Any], numbers: _Numbers
) -> dict[str, StoredTensor]:
    """All tensors by their new names; exactly those that there have to be, in the shapes that they have to have."""
    wanted = dict(_wanted(table, kind, numbers))
    found: dict[str, StoredTensor] = {}
    for name, tensor in stored.items():
        if name.endswith(_IGNORED):
            continue
        if name not in wanted:
            raise CapabilityError(f"Tensor {name[:80]} is not known in such a model.", _GET_GGUF)
        new, shape = wanted[name]
        if shape is not None and tensor.shape != shape:
            raise ModelFileError(
                f"Tensor {name} has the shape {list(tensor.shape)} instead of {list(shape)}.", "Get the model again."
            )
        found[new] = tensor
    missing = {new for new, _ in wanted.values()} - found.keys() - ({"output.weight"} if numbers.is_tied else set())
    if missing:
        raise ModelFileError(f"Tensor {min(missing)} is missing.", "Get all files of the model.")
    words = found["token_embd.weight"].shape
    if (
        len(words) != 2
        or words[1] != numbers.width
        or found.get("output.weight", found["token_embd.weight"]).shape != words
    ):
        raise ModelFileError("The tables of words have the wrong shape.", "Get the model again.")
    return found


def _wanted(
    table: Mapping[str, Any], kind: Mapping[str, Any], numbers: _Numbers
) -> Iterator[tuple[str, tuple[str, tuple[int, ...] | None]]]:
    """Old name -> new name and shape, None where only the file knows it."""
    width, forward = numbers.width, numbers.forward
    query, key = numbers.heads * numbers.head_size, numbers.kv_heads * numbers.head_size
    shapes: dict[str, tuple[int, ...]] = {
        "attn_norm.weight": (width,),
        "ffn_norm.weight": (width,),
        "attn_q.weight": (query, width),
        "attn_k.weight": (key, width),
        "attn_v.weight": (key, width),
        "attn_output.weight": (width, query),
        "ffn_gate.weight": (forward, width),
        "ffn_up.weight": (forward, width),
        "ffn_down.weight": (width, forward),
    }
    if kind.get("is_biased"):
        shapes |= {"attn_q.bias": (query,), "attn_k.bias": (key,), "attn_v.bias": (key,)}
    if kind.get("norms_heads"):
        shapes |= {"attn_q_norm.weight": (numbers.head_size,), "attn_k_norm.weight": (numbers.head_size,)}
    for old, new in table["tensors"].items():
        yield old, (new, (width,) if new == "output_norm.weight" else None)
    for layer in range(numbers.layers):
        for old, new in table["layer_tensors"].items():
            if new in shapes:
                yield f"{_LAYERS}{layer}.{old}", (f"blk.{layer}.{new}", shapes[new])


def _pieces(source: StoredTensor, kind: WeightType, heads: int | None) -> Iterator[bytes]:
    bits = source.bits()
    if heads is not None:
        yield from _as_kind([_interleaved(bits, heads)], source.dtype, kind)
    elif bits.ndim < 2:
        yield from _as_kind([bits], source.dtype, kind)
    else:
        slabs = (bits[row : row + _SLAB_ROWS] for row in range(0, len(bits), _SLAB_ROWS))
        yield from _as_kind(slabs, source.dtype, kind)


def _interleaved(bits: NDArray[Any], heads: int) -> NDArray[Any]:
    """Rows in pairs that rotate together, instead of all first halves before all second halves."""
    rows, columns = bits.shape
    return bits.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _as_kind(parts: Iterable[NDArray[Any]], dtype: str, kind: WeightType) -> Iterator[bytes]:
    for bits in parts:
        if dtype == "BF16" and kind is WeightType.BF16:
            yield np.ascontiguousarray(bits).tobytes()
            continue
        values = (bits.astype(np.uint32) << 16).view(np.float32) if dtype == "BF16" else bits.astype(np.float32)
        if kind is WeightType.BF16:
            yield _rounded_to_bf16(values).tobytes()
        else:
            yield values.astype(np.float32 if kind is WeightType.F32 else np.float16).tobytes()


def _rounded_to_bf16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    bits = np.ascontiguousarray(values).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
