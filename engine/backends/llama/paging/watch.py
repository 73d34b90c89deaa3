"""LayerWatch: hears from llama.cpp, while it computes, that a layer is done."""

import ctypes
import logging
import re
from typing import Final

import llama_cpp.llama_cpp as llama

from engine.backends.llama.paging.pager import Pager
from engine.backends.llama.symbols import function

log = logging.getLogger(__name__)

_OUTPUT: Final = b"l_out-"
_OF_LAYER: Final = re.compile(rb".*-(\d+)$")
_ABORTED: Final = 2


class LayerWatch:
    """A callback for a context: llama.cpp asks of every node whether it is to stop after it, and tells when it has.

    Attributes:
        callback: to be given to the context; must live as long as that.

    Thread: lane.
    """

    def __init__(self) -> None:
        self.pager: Pager | None = None
        self._names: list[bytes] | None = None
        self._get_name = function("ggml_get_name", ctypes.c_char_p, ctypes.c_void_p)
        self.callback = llama.ggml_backend_sched_eval_callback(self._on_node)

    def can_follow(self, context: int, layers: int, token: int) -> bool:
        """Whether this model computes its layers one after the other, and says so.

        A token is begun and given up at its first node, after llama.cpp has named all of them.

        Args:
            context: that has this callback; nothing may be in its memory.
            layers: of the model.
            token: any of its vocabulary.
        """
        abort = llama.ggml_abort_callback(lambda _data: True)
        self._names = []
        llama.llama_set_abort_callback(context, abort, None)
        try:
            code = llama.llama_decode(context, llama.llama_batch_get_one((llama.llama_token * 1)(token), 1))
        finally:
            llama.llama_set_abort_callback(context, llama.ggml_abort_callback(), None)
            llama.llama_memory_clear(llama.llama_get_memory(context), True)
            names, self._names = self._names, None
        return code == _ABORTED and _are_in_order(names, layers)

    def _on_node(self, tensor: int, is_question: bool, _data: int | None) -> bool:
        try:
            name: bytes = self._get_name(tensor) or b""
            if self._names is not None:
                self._names.append(name)
                return not is_question
            if self.pager is None or not name.startswith(_OUTPUT):
                return not is_question
            layer = int(name[len(_OUTPUT) :])
            return self.pager.watches(layer) if is_question else self.pager.reached(layer)
        except Exception:  # must not unwind through C
            log.exception("following the layers failed")
            return False


def _are_in_order(names: list[bytes], layers: int) -> bool:
    """Whether every layer ends with its output, before any node of the next."""
    current = 0
    for name in names:
        match = _OF_LAYER.match(name)
        if match is None:
            continue
        if int(match[1]) != current:
            return False
        if name.startswith(_OUTPUT):
            current += 1
            if current == layers:
                return True
    return False
