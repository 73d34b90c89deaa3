"""TaskSession: one run of a task whose code is in another process."""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal, Protocol, runtime_checkable

from engine.errors import EngineError, InvalidRequestError, PluginError, RequestError
from engine.plugins.contract.tasks import TaskContext
from engine.plugins.loader import one_line_of
from engine.plugins.process.connection import Call, Connection, FaultError
from engine.plugins.process.failures import failure_of, printable
from engine.plugins.process.shapes import ShapeError, convert, is_json, read_text
from engine.plugins.process.wire import FrameKind, Received, WireError
from engine.types import Accepts, GenerateRequest, ModelInfo, RecognizeRequest

log = logging.getLogger(__name__)

MOST_QUESTIONS: Final = 4
"""To the models, at once, of one run; `generate_all` asks any number in one."""
_LOOK_S: Final = 0.1


class _Cancellation(Protocol):
    def check(self) -> None: ...


@runtime_checkable
class _Cancellable(Protocol):
    """A context that can say whether its task is cancelled without being told any progress."""

    cancellation: _Cancellation


class TaskSession:
    """Carries what a task says to its context, and what it asks to the models.

    Thread: the one that runs the task; each question to the models gets a thread of its own.
    """

    def __init__(
        self, connection: Connection, call: Call, context: TaskContext, grace_s: float, *, has_models: bool
    ) -> None:
        self._connection = connection
        self._call = call
        self._context = context
        self._grace_s = grace_s
        self._has_models = has_models
        self._stopped: EngineError | None = None
        self._questions = threading.Semaphore(MOST_QUESTIONS)

    def wait(self) -> Received:
        """Wait for the end of the task.

        Raises:
            TaskCancelledError: it was cancelled, and has ended.
            EngineError: the context refused what the task said.
            FaultError: the plugin has failed.
        """
        while True:
            self._look()
            try:
                event = self._call.events.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if isinstance(event, FaultError):
                raise self._stopped or event
            if event.is_answer:
                if self._stopped is not None:
                    raise self._stopped
                return event
            self._take(event)

    def _look(self) -> None:
        """See whether the task is cancelled: one that computes says nothing, and one that asks may never stop."""
        if isinstance(self._context, _Cancellable):
            self._guarded(self._context.cancellation.check)

    def _guarded(self, do: Callable[[], None]) -> None:
        """Do something with the context, unless it has refused before; if it does now, the task has to end."""
        if self._stopped is not None:
            return
        try:
            do()
        except EngineError as error:
            self._stopped = error
            self._call.clock.cut(self._grace_s, f"did not stop within {self._grace_s:g} s of being cancelled")
            self._connection.tell(self._call, "cancel")

    def _take(self, event: Received) -> None:
        try:
            plain = event.open()
            if event.frame.kind is FrameKind.CALL:
                self._ask(event.frame.id, event.frame.name, plain[1])
            elif event.frame.name == "progress":
                fraction, note = convert(plain, tuple[float, str])
                self._guarded(lambda: self._context.progress(fraction, printable(note)))
            elif event.frame.name == "emit":
                output, text = convert(plain, tuple[str, str])
                self._guarded(lambda: self._context.emit(output, text))
            else:
                raise ShapeError(f"the unknown word {event.frame.name[:40]!r}")
        except (WireError, ShapeError) as error:
            raise FaultError(f"sent something wrong: {error}") from error

    def _ask(self, ask_id: int, name: str, body: Any) -> None:
        if not self._questions.acquire(blocking=False):
            self._connection.answer(ask_id, RequestError(f"A task can ask {MOST_QUESTIONS} things at once.", ""))
            return
        threading.Thread(
            target=self._answer, args=(ask_id, name, body), name=f"hearth-plugin-ask-{name}", daemon=True
        ).start()

    def _answer(self, ask_id: int, name: str, body: Any) -> None:
        try:
            self._connection.answer(ask_id, self._outcome(ask_id, name, body))
        finally:
            self._questions.release()  # not before it is sent: a plugin that does not listen would fill us with threads

    def _outcome(self, ask_id: int, name: str, body: Any) -> object:
        try:
            with self._call.clock.paused():
                return self._result(ask_id, name, body)
        except ShapeError as error:
            return InvalidRequestError(f"The models were asked for something wrong: {error}.")
        except EngineError as error:
            return error
        except Exception as error:  # a boundary: the plugin would wait for an answer, and be blamed for it
            log.exception("Something asked by a plugin's task failed")
            return EngineError(f"Hearth failed at what the task asked for: {one_line_of(error)}.", "Try again.")

    def _result(self, ask_id: int, name: str, body: Any) -> object:
        if not self._has_models:
            raise PluginError("", "It may not ask the models.", "Its author has to name `models` in plugin.toml.")
        models = self._context.models
        match name:
            case "available":
                return [_without_folders(info) for info in models.available(_form(body))]
            case "count_tokens":
                model, text = _items(body, 2)
                return models.count_tokens(_id(model), read_text(text))
            case "context_tokens":
                return models.context_tokens(_id(body))
            case "generate_all":
                return self._generate(ask_id, *_items(body, 2))
            case "recognize":
                return models.recognize(_recognition(*_items(body, 3)))
            case "embed":
                model, texts, purpose = convert(body, tuple[str, tuple[str, ...], Literal["document", "query"]])
                return models.embed(_id(model), texts, purpose)
        raise ShapeError(f"there is no {name[:40]!r}")

    def _generate(self, ask_id: int, requests: Any, wants_text: Any) -> object:
        def on_text(index: int, text: str) -> None:
            with self._call.clock.running():  # a plugin that does not listen must not be waited for without end
                self._connection.text(ask_id, index, text)

        checked = convert(requests, tuple[GenerateRequest, ...])
        for request in checked:
            _id(request.model)
            if not all(is_json(dict(tool.parameters)) for tool in request.tools):
                raise ShapeError("a schema of a tool that JSON cannot hold")
        outcomes = self._context.models.generate_all(checked, on_text if wants_text else None)
        return [[False, failure_of(it)] if isinstance(it, EngineError) else [True, it] for it in outcomes]


def _form(body: Any) -> Accepts | None:
    return None if body is None else convert(body, Accepts)


def _items(body: Any, count: int) -> Sequence[Any]:
    if not isinstance(body, list) or len(body) != count:
        raise ShapeError("something is missing")
    return body


def _id(model: Any) -> str:
    """The id of a model. Paths are refused: a stranger's plugin shall not make Hearth open files for it."""
    name = read_text(model)
    if "/" in name or "\\" in name or name.lower().endswith((".gguf", ".onnx")):
        raise InvalidRequestError("A plugin can ask models by their id only, not by a path.")
    return name


def _recognition(model: Any, image: Any, top_k: Any) -> RecognizeRequest:
    if not isinstance(image, bytes):
        raise ShapeError("no picture")
    return RecognizeRequest(model=_id(model), image=image, top_k=convert(top_k, int))


def _without_folders(info: ModelInfo) -> ModelInfo:
    """A model without the folder it lies in, which says who the user is and is of no use to a plugin."""
    return replace(info, path=Path(info.path.name))
