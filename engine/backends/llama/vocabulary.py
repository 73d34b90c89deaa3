"""A model's vocabulary: text to token ids, token ids to bytes, and the ids with a special meaning."""

import ctypes

import llama_cpp.llama_cpp as llama
import numpy as np

from engine.backends.llama.native import text_of
from engine.errors import InvalidRequestError

_MAX_TEXT_BYTES = 64 << 20  # a guess: far above any context, far below where 32-bit lengths overflow


class Vocabulary:
    """Reads the vocabulary of one loaded model.

    Attributes:
        size: number of token ids.
        has_words: whether there are texts for them; without, llama.cpp aborts the process at the first text.
        ids: all of them, int32, shape (size,).
        adds_bos: whether a text starts with the BOS token.

    Thread: tokenising is safe on any thread (llama.cpp does not change a vocabulary after loading it); `piece`,
    `special` and `is_end` too, because their caches only ever gain equal values.
    """

    def __init__(self, model: int) -> None:
        self.handle: int = llama.llama_model_get_vocab(model)
        self.size = int(llama.llama_vocab_n_tokens(self.handle))
        self.has_words = llama.llama_vocab_type(self.handle) != llama.LLAMA_VOCAB_TYPE_NONE
        self.adds_bos = bool(llama.llama_vocab_get_add_bos(self.handle))
        self.ids = np.arange(self.size, dtype=np.int32)
        self._bos = int(llama.llama_vocab_bos(self.handle))
        self._eos = int(llama.llama_vocab_eos(self.handle))
        self._pieces: dict[int, bytes] = {}
        self._specials: dict[int, str] = {}
        self._ends: dict[int, bool] = {}

    @property
    def bos_text(self) -> str:
        """How a prompt names the BOS token; empty if there is none."""
        return self._text(self._bos)

    @property
    def eos_text(self) -> str:
        """How a prompt names the EOS token; empty if there is none."""
        return self._text(self._eos)

    @property
    def bos_tokens(self) -> list[int]:
        """The BOS token where texts start with it, else nothing."""
        return [self._bos] if self.adds_bos and self._bos >= 0 else []

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """Turn text into token ids.

        Args:
            text: any text without lone surrogates.
            add_special: put BOS (and EOS) around it where the model wants that.
            parse_special: read texts like `<|im_end|>` as the tokens that they name.

        Raises:
            InvalidRequestError: the text is not valid Unicode, or absurdly long.
        """
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InvalidRequestError(
                f"The text has an unpaired surrogate at position {error.start}.", "Remove it."
            ) from error
        if len(data) > _MAX_TEXT_BYTES:
            raise InvalidRequestError(f"The text has {len(data):,} bytes; at most {_MAX_TEXT_BYTES:,} can be read.")
        room = len(data) + 8
        while True:
            buffer = (llama.llama_token * room)()
            count = int(llama.llama_tokenize(self.handle, data, len(data), buffer, room, add_special, parse_special))
            if count >= 0:
                return list(buffer[:count])
            room = -count

    def piece(self, token: int) -> bytes:
        """Bytes of one token as they appear in an answer; special tokens are empty."""
        cached = self._pieces.get(token)
        if cached is None:
            cached = self._pieces[token] = self._read_piece(token, special=False)
        return cached

    def special(self, token: int) -> str:
        """Text of a token whose piece is empty, as a prompt would name it; may be empty as well."""
        cached = self._specials.get(token)
        if cached is None:
            cached = self._specials[token] = self._read_piece(token, special=True).decode("utf-8", "replace")
        return cached

    def is_end(self, token: int) -> bool:
        """Whether the token ends an answer."""
        cached = self._ends.get(token)
        if cached is None:
            cached = self._ends[token] = bool(llama.llama_vocab_is_eog(self.handle, token))
        return cached

    def _read_piece(self, token: int, *, special: bool) -> bytes:
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            count = int(llama.llama_token_to_piece(self.handle, token, buffer, room, 0, special))
            if count >= 0:
                return buffer.raw[:count]
            room = -count

    def _text(self, token: int) -> str:
        return text_of(llama.llama_vocab_get_text(self.handle, token)) if token >= 0 else ""
