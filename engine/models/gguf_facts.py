"""What plugins are told about a GGUF file: its metadata, and the tokens that stand for more than their letters."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.models.gguf import GgufArray, GgufHeader
from engine.plugins.contract.models import ModelFacts

MAX_SPECIAL_TOKENS: Final = 8_192
MAX_TOKEN_BYTES: Final = 255
MAX_TEXT_CHARS: Final = 256 << 10  # chat templates are the longest texts; real ones have 17,000 characters

_CONTROL, _USER_DEFINED, _BYTE = 3, 4, 6
_INT32: Final = 5
_LENGTH_BYTES: Final = 8  # before each text
_SENTENCEPIECE_MARK: Final = "▁<".encode()


def facts_of(header: GgufHeader) -> ModelFacts:
    """Tell what is known of a model without loading it.

    Takes some ten milliseconds for a vocabulary of 250,000 tokens.

    Args:
        header: of the file, or of the first part of a split model.

    Returns:
        Scalars and texts of the metadata, without the absurdly long ones; at most 8,192 special tokens, those first
        that the file itself calls special.
    """
    texts = _Texts.of(header.array("tokenizer.ggml.tokens"))
    return ModelFacts(
        file_name=header.path.name,
        format="gguf",
        name=header.text("general.name") or header.path.stem,
        architecture=header.architecture,
        metadata={
            key: value
            for key, value in header.metadata.items()
            if not isinstance(value, GgufArray) and not (isinstance(value, str) and len(value) > MAX_TEXT_CHARS)
        },
        special_tokens=_special_tokens(texts, _token_types(header, len(texts))),
        bos=texts.at(header.number("tokenizer.ggml.bos_token_id")),
        eos=texts.at(header.number("tokenizer.ggml.eos_token_id")),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Texts:
    """The texts of a vocabulary, and where each lies; a list of them all would take ten times as long to make.

    Attributes:
        data: uint8, all texts, each behind its length.
        starts: where each text begins.
        lengths: in bytes.
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, tokens: GgufArray | None) -> "_Texts":
        if tokens is None or not tokens.is_text or not tokens.count:
            nowhere = np.zeros(0, np.int64)
            return cls(np.zeros(0, np.uint8), nowhere, nowhere)
        data = np.frombuffer(tokens.raw, np.uint8)
        starts = _short_starts(data, tokens.count)
        if starts is not None:
            return cls(data, starts + _LENGTH_BYTES, data[starts].astype(np.int64))
        lengths = np.fromiter(map(len, tokens.texts()), np.int64, tokens.count)
        return cls(data, np.cumsum(lengths + _LENGTH_BYTES) - lengths, lengths)

    def __len__(self) -> int:
        return len(self.starts)

    def at(self, index: int | None) -> str:
        """Text of a token; empty if there is no such token, or its text is none that a plugin could use."""
        if index is None or not 0 <= index < len(self) or self.lengths[index] > MAX_TOKEN_BYTES:
            return ""
        start = int(self.starts[index])
        try:
            return self.data[start : start + int(self.lengths[index])].tobytes().decode()
        except UnicodeDecodeError:
            return ""

    def have(self, offset: int, byte: int) -> NDArray[np.bool_]:
        """Which texts have this byte there, counted from their start, or from their end if negative."""
        place = self.starts + offset + (self.lengths if offset < 0 else 0)
        inside = self.lengths >= (-offset if offset < 0 else offset + 1)
        found: NDArray[np.bool_] = inside & (self.data[np.where(inside, place, 0)] == byte)
        return found


def _short_starts(data: NDArray[np.uint8], count: int) -> NDArray[np.int64] | None:
    """Where the lengths stand, if all texts are shorter than 256 bytes and none has zeros in it; else None.

    Such a length is a byte with seven zeros behind it, and nothing else is.
    """
    zeros = data == 0
    behind = len(data) - _LENGTH_BYTES + 1
    is_length = np.logical_and.reduce([zeros[offset : offset + behind] for offset in range(1, _LENGTH_BYTES)])
    starts = np.flatnonzero(is_length).astype(np.int64)
    if len(starts) != count:
        return None
    ends = starts + _LENGTH_BYTES + data[starts]
    return starts if starts[0] == 0 and ends[-1] == len(data) and np.array_equal(ends[:-1], starts[1:]) else None


def _token_types(header: GgufHeader, count: int) -> NDArray[np.int32] | None:
    """One number per token; None if the file has none, or too few."""
    types = header.array("tokenizer.ggml.token_type")
    if types is None or types.type != _INT32 or types.count < count:
        return None
    return np.frombuffer(types.raw, "<i4")[:count]


def _special_tokens(texts: _Texts, types: NDArray[np.int32] | None) -> dict[str, int]:
    """Tokens that the file calls control tokens, those it calls user-defined, and those that look like marks."""
    found: dict[str, int] = {}
    groups = [_look_special(texts)]
    if types is not None:
        groups = [types == _CONTROL, types == _USER_DEFINED, groups[0] & (types != _BYTE)]
    for index in np.concatenate([np.flatnonzero(group) for group in groups]).tolist():
        if len(found) == MAX_SPECIAL_TOKENS:
            break
        if text := texts.at(index):
            found.setdefault(text, index)
    return found


def _look_special(texts: _Texts) -> NDArray[np.bool_]:
    """Tokens written like marks; many files call theirs normal ones."""
    is_mark = np.logical_and.reduce([texts.have(offset, byte) for offset, byte in enumerate(_SENTENCEPIECE_MARK)])
    for start, end in (b"<>", b"[]"):
        is_mark |= texts.have(0, start) & texts.have(-1, end) & (texts.lengths > 2)
    found: NDArray[np.bool_] = is_mark
    return found
