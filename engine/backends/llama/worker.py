"""What a device process does for llama.cpp: holds the weights and the context, and decodes batches.

Text never comes here: prompts are tokenised, tokens are chosen and put into words in Hearth's own process.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as llama
import numpy as np

from engine.backends.base import DeviceTarget, LoadOptions
from engine.backends.llama.context import NO_SLOT, DecodeContext
from engine.backends.llama.devices import find_devices, free_bytes
from engine.backends.llama.opening import open_decode_context
from engine.backends.llama.weights import Weights, open_weights
from engine.backends.process.child import Answer, Method, Tell
from engine.backends.process.frames import Payload
from engine.backends.process.shared import SharedFloats
from engine.errors import DeviceError
from engine.models.gguf import read_header
from engine.models.gguf_info import describe


class LlamaWorker:
    """One model on devices that the processor is not. Every method takes a body, payloads, and a way to tell progress.

    Thread: one.
    """

    def __init__(self) -> None:
        self._weights: Weights | None = None
        self._context: DecodeContext | None = None
        self._logits: SharedFloats | None = None

    def methods(self) -> dict[str, Method]:
        """The calls, by name."""
        return {
            "load": self.load,
            "decode": self.decode,
            "threads": self.set_threads,
            "trim": self.trim,
            "clear": self.clear,
            "copy": self.copy,
            "state_bytes": self.state_bytes,
            "save": self.save,
            "restore": self.restore,
        }

    def load(self, body: Any, _payloads: Sequence[Payload], tell: Tell) -> Answer:
        """Open weights and context; the body is what `open_remote_context` sends."""
        target = DeviceTarget(
            device=body["device"],
            interface=body["interface"],
            targets=tuple(body["targets"]),
            layers=body["layers"],
            split=tuple(body["split"]),
        )
        options = LoadOptions(
            context_tokens=body["context_tokens"],
            max_sequences=body["max_sequences"],
            threads=body["threads"],
            available_bytes=body["available_bytes"],
            target=target,
        )
        devices = find_devices(target.targets, Path(body["modules"]) if body["modules"] else None, target.interface)
        info = describe(read_header(Path(body["path"])), body["id"])

        def progress(fraction: float) -> bool:
            tell(fraction)
            return True

        weights = open_weights(info, options, progress, [device.handle for device in devices])
        if target.layers != 0 and not weights.device_bytes:
            raise DeviceError(f"No weights went to {target.device}, though llama.cpp took it.", "See `hearth doctor`.")
        layers = weights.layers if target.layers is None else min(target.layers, weights.layers)
        share = layers / max(1, weights.layers)
        context, tokens = open_decode_context(
            weights, options, body["vocabulary"], lambda: sum(free_bytes(device) for device in devices), share
        )
        self._weights, self._context = weights, context
        self._logits = SharedFloats(body["max_sequences"], body["vocabulary"], body["shared"])
        return {
            "context_tokens": tokens,
            "cells": context.kv.cells,
            "window": context.kv.window,
            "can_share": weights.has_partial_memory,
            "token_bytes": weights.kv_bytes_per_token,
            "memory_bytes": weights.memory_bytes,
            "device_bytes": weights.device_bytes,
            "layers": layers,
            "total_layers": weights.layers,
        }, ()

    def decode(self, rows: Any, payloads: Sequence[Payload], _tell: Tell) -> Answer:
        """Run a batch whose arrays are the payloads; the logits are in the shared memory when it returns."""
        context, batch = self._open, self._open.batch
        token, position, sequence, wanted = payloads
        batch.rows = rows
        batch.token[:rows] = np.frombuffer(token, np.int32)
        batch.position[:rows] = np.frombuffer(position, np.int32)
        batch.sequence[:rows] = np.frombuffer(sequence, np.int32)
        batch.wanted[:rows] = np.frombuffer(wanted, np.int8)
        batch.outputs = int(batch.wanted[:rows].sum())
        if not context.decode():
            return NO_SLOT, ()
        if batch.outputs:
            assert self._logits is not None
            np.copyto(self._logits.array[: batch.outputs], context.logits())
        else:
            llama.llama_synchronize(context.handle)  # so that a device that fails does so here
        return 0, ()

    def set_threads(self, threads: Any, _payloads: Sequence[Payload], _tell: Tell) -> Answer:
        """Use this many threads of the processor."""
        self._open.set_threads(threads)
        return None, ()

    def trim(self, body: Any, _payloads: Sequence[Payload], _tell: Tell) -> Answer:
        """Keep the first tokens of a sequence."""
        return self._open.kv.trim(*body), ()

    def clear(self, sequence_id: Any, _payloads: Sequence[Payload], _tell: Tell) -> Answer:
        """Forget a sequence."""
        self._open.kv.clear(sequence_id)
        return None, ()

    def copy(self, body: Any, _payloads: Sequence[Payload], _tell: Tell) -> Answer:
        """Share the beginning of a sequence with another."""
        return self._open.kv.copy(*body), ()

    def state_bytes(self, sequence_id: Any, _payloads: Sequence[Payload], _tell: Tell) -> Answer:
        """Size of a sequence's state."""
        return self._open.kv.state_bytes(sequence_id), ()

    def save(self, sequence_id: Any, _payloads: Sequence[Payload], _tell: Tell) -> Answer:
        """Copy a sequence's state out."""
        return None, (self._open.kv.save(sequence_id).data,)

    def restore(self, sequence_id: Any, payloads: Sequence[Payload], _tell: Tell) -> Answer:
        """Put a state back."""
        return self._open.kv.restore(sequence_id, np.frombuffer(payloads[0], np.uint8)), ()

    @property
    def _open(self) -> DecodeContext:
        if self._context is None:
            raise DeviceError("No model is loaded in this process.")
        return self._context
