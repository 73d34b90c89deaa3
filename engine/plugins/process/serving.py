"""Inside a plugin's process: takes calls from Hearth, does them, and answers."""

import faulthandler
import importlib.machinery
import itertools
import os
import sys
import threading
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from engine.plugins.contract.models import TextFormat
from engine.plugins.contract.tasks import OnText
from engine.plugins.contract.values import Values
from engine.plugins.contract.vision import ImageFormat, Picture
from engine.plugins.loader import load
from engine.plugins.manifest import Manifest
from engine.plugins.offers import Offers
from engine.plugins.process.child_context import Answer, ChildContext
from engine.plugins.process.descriptions import OpenedForm, describe
from engine.plugins.process.failures import failure_of
from engine.plugins.process.shapes import convert, facts_of, read_values, send_composition, send_values
from engine.plugins.process.wire import Channel, FrameKind, Received, WireError, long_text
from engine.types import GenerateRequest

T = TypeVar("T")

MOST_THREADS: Final = 18
"""More than Hearth ever has calls in flight, so that somebody is always listening."""


def serve(channel: Channel) -> None:
    """Do what comes, until Hearth is gone."""
    faulthandler.enable()
    _hide_bundled_plugins()
    Server(channel).work()


class Server:
    """Takes calls.

    Threads take turns at the channel: the one that has read a call does it, while the next one listens. So a call
    costs no change of threads, and one that hangs holds up no other.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._hooks: Hooks
        self._listening = threading.Lock()
        self._counting = threading.Lock()
        self._free = 0  # guarded by _counting: threads that do no call
        self._threads = 1  # guarded by _counting
        self._ids = itertools.count(1)
        self._answers: dict[int, Answer] = {}
        self._contexts: dict[int, ChildContext] = {}

    def work(self) -> None:
        """Listen and do, until Hearth is gone."""
        while True:
            with self._counting:
                self._free += 1
            with self._listening:
                received = self._channel.receive()
            if received is None:
                os._exit(0)
            self._take(received)

    def ask(self, name: str, body: object, on_text: OnText | None = None) -> Any:
        """Call something in Hearth and wait for the plain value."""
        ask_id, answer = next(self._ids), Answer()
        self._answers[ask_id] = answer
        try:
            self._channel.send(FrameKind.CALL, ask_id, name, body)
            return answer.wait(on_text)
        finally:
            del self._answers[ask_id]

    def tell(self, call_id: int, name: str, body: object) -> None:
        """Say something about a call."""
        self._channel.send(FrameKind.TELL, call_id, name, body)

    def _take(self, received: Received) -> None:
        self._leave_listening()
        frame = received.frame
        match frame.kind:
            case FrameKind.CALL:
                self._do(frame.id, frame.name, received)
            case FrameKind.TELL if frame.name == "cancel":
                if context := self._contexts.get(frame.id):
                    context.cancel()
            case _:
                names = {FrameKind.RESULT: "result", FrameKind.ERROR: "error", FrameKind.TELL: "text"}
                if answer := self._answers.get(frame.id):
                    answer.put(names[frame.kind], received.open())

    def _leave_listening(self) -> None:
        """Make sure that another thread listens while this one works."""
        with self._counting:
            self._free -= 1
            is_short = self._free == 0 and self._threads < MOST_THREADS
            self._threads += is_short
        if is_short:
            threading.Thread(target=self.work, name="hearth-calls", daemon=True).start()

    def _do(self, call_id: int, name: str, received: Received) -> None:
        try:
            result = self._call(call_id, name, received.open())
        except BaseException as error:  # noqa: BLE001 - a boundary: SystemExit from a plugin is a failed call as well
            self._channel.send(FrameKind.ERROR, call_id, "", failure_of(error))
            return
        try:
            self._channel.send(FrameKind.RESULT, call_id, "", result)
        except WireError as error:
            self._channel.send(FrameKind.ERROR, call_id, "", failure_of(TypeError(f"it returned {error}")))

    def _call(self, call_id: int, name: str, body: Any) -> object:
        if name == "start":
            self._hooks = Hooks(*_load(body))
            return describe(self._hooks.offers)
        if name != "run":
            return self._hooks.call(name, body)
        context = self._contexts[call_id] = ChildContext(self, call_id)
        try:
            return self._hooks.run(body, context)
        finally:
            del self._contexts[call_id]


class Hooks:
    """The offers of the plugin, by the names of calls.

    Attributes:
        offers: what it registered.
    """

    def __init__(self, offers: Offers) -> None:
        self.offers = offers
        self._text: dict[int, TextFormat] = {}
        self._image: dict[int, ImageFormat] = {}
        self._numbers = itertools.count(1)
        self._table: dict[str, Callable[..., object]] = {
            "recognise_text": lambda index, facts: self.offers.families[index].recognise(facts_of(facts)),
            "recognise_image": lambda index, facts: self.offers.pipelines[index].recognise(facts_of(facts)),
            "open_text": self._open_text,
            "open_image": self._open_image,
            "compose": self._compose,
            "read_tool_calls": lambda number, blocks: list(self._text[number].read_tool_calls(blocks)),
            "embedding_text": lambda number, *rest: long_text(self._text[number].embedding_text(*rest)),
            "prepare": self._prepare,
            "finish": self._finish,
            "call_tool": lambda index, arguments: long_text(self.offers.tools[index].call(arguments)),
            "sample": lambda index: list(self.offers.telemetry[index].sample()),
        }

    def call(self, name: str, body: Sequence[Any]) -> object:
        """Do a call and return what is to be sent back."""
        return self._table[name](*body)

    def run(self, body: Sequence[Any], context: ChildContext) -> object:
        """Run a task."""
        index, inputs = body
        outputs = self.offers.tasks[index].run(read_values(inputs), context)
        context.flush()
        return send_values(outputs)

    def _open_text(self, index: int, facts: dict[str, Any], dropped: list[int]) -> OpenedForm:
        return OpenedForm(self._keep(self._text, self.offers.families[index].open(facts_of(facts)), dropped))

    def _open_image(self, index: int, facts: dict[str, Any], dropped: list[int]) -> OpenedForm:
        opened = self.offers.pipelines[index].open(facts_of(facts))
        return OpenedForm(self._keep(self._image, opened, dropped), int(opened.enough_pixels))

    def _keep(self, kept: dict[int, T], opened: T, dropped: list[int]) -> int:
        number = next(self._numbers)
        kept[number] = opened
        for gone in dropped:
            self._text.pop(gone, None)
            self._image.pop(gone, None)
        return number

    def _compose(self, number: int, request: object) -> object:
        return send_composition(self._text[number].compose(convert(request, GenerateRequest)))

    def _prepare(self, number: int, pixels: Any, size: Sequence[int]) -> object:
        prepared = self._image[number].prepare(Picture(pixels, (size[0], size[1])))
        return {"runs": [dict(run) for run in prepared.runs], "notes": prepared.notes}

    def _finish(self, number: int, size: Sequence[int], notes: Any, outputs: Any, top_k: int) -> object:
        return self._image[number].finish((size[0], size[1]), notes, outputs, top_k)


def _load(body: Sequence[Any]) -> tuple[Offers]:
    folder, manifest, settings = body
    values: Values = read_values(settings)
    return (load(Path(folder), convert(manifest, Manifest), values, ignores_caches=True),)


def _hide_bundled_plugins() -> None:
    """Make `plugins` an empty package: a stranger's plugin finds itself in it, and no other."""
    module = types.ModuleType("plugins")
    module.__path__ = []
    module.__spec__ = importlib.machinery.ModuleSpec("plugins", None, is_package=True)
    sys.modules["plugins"] = module
