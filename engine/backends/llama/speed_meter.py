"""How fast a model reads and writes: timed on a real text, in a process of its own, so that two models can take turns.

Tokens are those of the text, also where it writes: which experts of a model compute depends on what it reads.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import llama_cpp.llama_cpp as llama

from engine.backends.llama.batch import BATCH_TOKENS
from engine.backends.llama.context import DecodeContext
from engine.backends.llama.measured_model import open_measured
from engine.backends.process.child import Answer, Method, Tell
from engine.backends.process.frames import Payload
from engine.backends.process.ticks import ticks
from engine.errors import EngineError

CELLS: Final = 1024
_NEAR_TOKENS: Final = 16  # before the first that is written
_LEAST_STEPS: Final = 4


class SpeedWorker:
    """One model that is timed; the calls are `open`, `read` and `write`.

    Thread: one.
    """

    def __init__(self) -> None:
        self._context: DecodeContext | None = None
        self._tokens: list[int] = []
        self._kept = ExitStack()  # until the process ends

    def methods(self) -> dict[str, Method]:
        """The calls that it takes, by name."""
        return {"open": self.open, "read": self.read, "write": self.write}

    def open(self, body: Any, _payloads: Sequence[Payload], tell: Tell) -> Answer:
        """Open a model as it is opened for use; takes `path`, `threads` and `text`.

        Returns the bytes that it takes, and the seconds that it takes to read a token of a prompt, about.

        Raises:
            EngineError: it cannot be opened, or writes no text.
        """
        path, threads = Path(body["path"]), int(body["threads"])
        with ticks(tell) as progress:

            def loaded(fraction: float) -> bool:
                progress.share = fraction
                return True

            opened = open_measured(path, threads, CELLS, BATCH_TOKENS, loaded)
            model = self._kept.enter_context(opened)
            self._context = model.context
            tokens = model.vocabulary.tokenize(body["text"], add_special=False, parse_special=False)
            self._tokens = [tokens[at % len(tokens)] for at in range(model.most_tokens)]
            self._read(_NEAR_TOKENS)  # brings in what is mapped
            token_s = 1 / (_NEAR_TOKENS * _rate(lambda: self._read(_NEAR_TOKENS), 0.0, 1, 1))
        return {"memory_bytes": model.weights.memory_bytes, "token_s": token_s}, ()

    def read(self, body: Any, _payloads: Sequence[Payload], tell: Tell) -> Answer:
        """Tokens per second of reading a prompt; takes its `tokens`, and `least_s`, the seconds to time at least."""
        count = min(int(body["tokens"]), len(self._tokens) // 2)
        with ticks(tell):
            return count * _rate(lambda: self._read(count), float(body["least_s"]), 1, 1 << 20), ()

    def write(self, body: Any, _payloads: Sequence[Payload], tell: Tell) -> Answer:
        """Tokens per second of writing; takes `least_s`, the seconds to time at least."""
        with ticks(tell):
            self._read(_NEAR_TOKENS)
            positions = iter(range(_NEAR_TOKENS, len(self._tokens)))
            most = len(self._tokens) - _NEAR_TOKENS
            return _rate(lambda: self._step(next(positions)), float(body["least_s"]), _LEAST_STEPS, most), ()

    def _read(self, count: int) -> None:
        batch = self._opened.batch
        self._opened.kv.clear(0)
        batch.clear()
        batch.add_chunk(self._tokens[:count], 0, 0, last=True)
        self._decode()

    def _step(self, position: int) -> None:
        self._opened.batch.clear()
        self._opened.batch.add_token(self._tokens[position], position, 0)
        self._decode()

    def _decode(self) -> None:
        if not self._opened.decode():
            raise EngineError("llama.cpp found no room for a few tokens.")
        llama.llama_synchronize(self._opened.handle)

    @property
    def _opened(self) -> DecodeContext:
        if self._context is None:
            raise EngineError("No model is open in this process.")
        return self._context


def _rate(work: Callable[[], None], least_s: float, fewest: int, most: int) -> float:
    """How often something is done per second; it is done for so many seconds at least, and so often."""
    began_s, done = perf_counter(), 0
    while True:
        work()
        done += 1
        taken_s = perf_counter() - began_s
        if done >= most or (done >= fewest and taken_s >= least_s):
            return done / max(taken_s, 1e-9)
