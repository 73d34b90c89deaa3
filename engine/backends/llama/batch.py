"""The rows of one decode: arrays that are allocated once and filled in place."""

import numpy as np

BATCH_TOKENS = 512  # rows of one decode; also llama.cpp's physical batch, so that a step reads the weights once


class Batch:
    """What a decode is to read.

    Attributes:
        rows: tokens in it.
        outputs: rows whose logits are wanted.
        token: int32, shape (BATCH_TOKENS,), of which `rows` count; likewise `position`, `sequence` and, int8, `wanted`.

    Thread: lane only.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.outputs = 0
        self.token = np.zeros(BATCH_TOKENS, np.int32)
        self.position = np.zeros(BATCH_TOKENS, np.int32)
        self.sequence = np.zeros(BATCH_TOKENS, np.int32)
        self.wanted = np.zeros(BATCH_TOKENS, np.int8)

    @property
    def free_rows(self) -> int:
        """Rows that still fit."""
        return BATCH_TOKENS - self.rows

    def clear(self) -> None:
        """Start anew."""
        self.rows = self.outputs = 0

    def add_token(self, token: int, position: int, sequence_id: int) -> None:
        """Add one token whose logits are wanted."""
        row = self.rows
        self.token[row] = token
        self.position[row] = position
        self.sequence[row] = sequence_id
        self.wanted[row] = 1
        self.rows = row + 1
        self.outputs += 1

    def add_chunk(self, tokens: tuple[int, ...] | list[int], position: int, sequence_id: int, *, last: bool) -> None:
        """Add part of a prompt, starting at `position`; `last` asks for the logits of its last token."""
        start, end = self.rows, self.rows + len(tokens)
        self.token[start:end] = tokens
        self.position[start:end] = np.arange(position, position + len(tokens), dtype=np.int32)
        self.sequence[start:end] = sequence_id
        self.wanted[start:end] = 0
        if last:
            self.wanted[end - 1] = 1
            self.outputs += 1
        self.rows = end
