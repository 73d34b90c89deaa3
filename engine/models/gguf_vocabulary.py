"""Checks of a GGUF vocabulary that llama.cpp lacks: where it aborts the process instead of refusing the file."""

import re
from collections import Counter
from typing import Final

from engine.errors import ModelFileError
from engine.models.gguf import DOWNLOAD_AGAIN, GgufArray, GgufHeader
from engine.models.gguf_numbers import check_numbers

_INT32, _FLOAT32 = 5, 6
_BYTE_TOKEN_TYPE = 6
_ESCAPED = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_CONTROLS: Final = {b"t": b"\t", b"n": b"\n", b"r": b"\r"}
_BYTE_TOKEN = re.compile(rb"<0x[0-9A-F]{2}>")
_NO_VOCABULARY: Final = frozenset({"no_vocab", "none"})
_USED_IDS: Final = ("bos", "eos", "eot", "eom", "unknown", "seperator", "cls")  # spelt as GGUF does
"""Tokens whose number must be one; others, such as padding, are wrong in many files, and llama.cpp leaves them out."""


def check_before_load(header: GgufHeader) -> None:
    """Check what must hold before llama.cpp may see the file; takes a fraction of a second for large vocabularies.

    Raises:
        ModelFileError: the vocabulary or the shape contradicts itself; says how.
    """
    check_numbers(header)
    if header.text("tokenizer.ggml.model") in {None, *_NO_VOCABULARY}:
        return
    tokens = _array(header, "tokenizer.ggml.tokens")
    if tokens is None or not tokens.count:
        raise _damaged(header, "tokens", "it has a tokenizer but no tokens")
    texts = tokens.texts()
    _check_texts(header, texts)
    _check_lengths(header, len(texts))
    _check_bytes(header, texts)
    _check_beginnings(header, texts)
    _check_special(header, len(texts))


def _check_texts(header: GgufHeader, texts: list[bytes]) -> None:
    """Tokens must differ, with empty ones named as llama.cpp names them."""
    named = [text or b"[EMPTY_%d]" % index for index, text in enumerate(texts)]
    if len(set(named)) < len(named):
        twice, count = Counter(named).most_common(1)[0]
        raise _damaged(
            header, "duplicate-tokens", f"its vocabulary has the token {twice.decode(errors='replace')!r} {count} times"
        )
    try:
        b"\n".join(texts).decode()
    except UnicodeDecodeError as error:
        raise _damaged(header, "tokens", "its vocabulary is not valid UTF-8") from error


def _check_lengths(header: GgufHeader, count: int) -> None:
    """Scores and types must be numbers, one per token."""
    for name, kinds in (("scores", {_FLOAT32, _INT32}), ("token_type", {_INT32})):
        array = _array(header, f"tokenizer.ggml.{name}", kinds)
        if array is not None and array.count < count:
            raise _damaged(
                header, "token-arrays", f"it has {count:,} tokens but {array.count:,} {name.replace('_', ' ')}s"
            )


def _check_bytes(header: GgufHeader, texts: list[bytes]) -> None:
    """A SentencePiece vocabulary must be able to write every byte, and name the bytes properly."""
    if header.text("tokenizer.ggml.model") != "llama":
        return
    types = _array(header, "tokenizer.ggml.token_type", {_INT32})
    for text, number in zip(texts, types.numbers() if types else (), strict=False):
        if number == _BYTE_TOKEN_TYPE and not _BYTE_TOKEN.fullmatch(text):
            raise _damaged(
                header, "byte-tokens", f"its byte token {text.decode(errors='replace')!r} is not <0x00> to <0xFF>"
            )
    known = set(texts)
    for byte in range(256):
        if b"<0x%02X>" % byte not in known and bytes([byte]) not in known:
            raise _damaged(header, "byte-tokens", f"its vocabulary has no token for the byte 0x{byte:02X}")


def _check_beginnings(header: GgufHeader, texts: list[bytes]) -> None:
    """Where the longest known beginning of a text is the next token, the first byte of each must be a token as well.

    Else llama.cpp reads the same place for ever.
    """
    if header.text("tokenizer.ggml.model") != "rwkv":
        return
    words = {_ESCAPED.sub(_plain, text) for text in texts}
    if missing := {word[:1] for word in words if word} - words:
        raise _damaged(header, "byte-tokens", f"its vocabulary has no token for the byte 0x{min(missing)[0]:02X}")


def _plain(escaped: "re.Match[bytes]") -> bytes:
    """What an escape in the text of a token stands for."""
    if escaped[1] is not None:
        return bytes([int(escaped[1], 16)])
    return _CONTROLS.get(escaped[2], escaped[2])


def _check_special(header: GgufHeader, count: int) -> None:
    """The tokens that begin and end texts must be there."""
    for name in _USED_IDS:
        number = header.number(f"tokenizer.ggml.{name}_token_id")
        if number is not None and not 0 <= number < count:
            raise _damaged(header, "special-ids", f"its {name} token is {number:,}, but it has {count:,} tokens")


def _array(header: GgufHeader, key: str, kinds: set[int] | None = None) -> GgufArray | None:
    """An array of texts, or of numbers of some kinds; None if the key is not there."""
    if key not in header.metadata:
        return None
    array = header.array(key)
    if array is None or (not array.is_text if kinds is None else array.type not in kinds):
        raise _damaged(header, "token-arrays", f"{key} has the wrong type")
    return array


def _damaged(header: GgufHeader, rule: str, what: str) -> ModelFileError:
    return ModelFileError(f"The file {header.path.name} is damaged: {what}.", DOWNLOAD_AGAIN, rule)
