"""RecognizeController: hands pictures to the engine, a few at a time, and keeps what comes back."""

import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QSize, Signal
from PySide6.QtGui import QImage

from app.recognize.batch_model import BatchModel
from app.recognize.decoder import Decoder, encode, expand
from app.recognize.picture import Picture, State
from app.tasks import Tasks
from engine import CacheUse, Engine
from engine.errors import EngineError, ImageError, RequestCancelledError, RequestError
from engine.types import Accepts, ModelInfo, RecognizeRequest, Urgency

log = logging.getLogger(__name__)

_BUNDLED = "reader"
_AT_ONCE = 8  # as many as the lane puts into one run
_TOP_K = 10
_FEW = 8  # pictures that a person waits for; more are left to run
_CLIENT = "Recognize"
_THUMBNAIL = QSize(256, 256)
_SHOWN = QSize(2048, 2048)


class RecognizeController(QObject):
    """The batch and its requests in flight.

    Pictures may be added before the engine is open or a model is known; they wait.

    Attributes:
        batch: the pictures, for views.

    Signals:
        models_changed: `models` or `model_id` is another.
        progressed: a picture was added, started or ended.
        added: the first of the pictures that were just added.
        finished: a picture has its result, or failed.
        decoded: a picture that `decode` was asked for, and its `Decoded`.
        failed: the whole batch stopped: cause, remedy.

    Thread: UI only.
    """

    models_changed = Signal()
    progressed = Signal()
    added = Signal(object)
    finished = Signal(object)
    decoded = Signal(object, object)
    failed = Signal(str, str)

    def __init__(self, engine: Engine, tasks: Tasks, preferred_model: str = "", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.batch = BatchModel(self)
        self._engine = engine
        self._tasks = tasks
        self._decoder = Decoder()
        self._models: tuple[ModelInfo, ...] = ()
        self._model_id = preferred_model
        self._is_open = False
        self._in_flight: dict[Picture, asyncio.Task[None]] = {}
        self._ended = 0
        self._started_s = 0.0
        self._pasted = 0
        self._urgent: Picture | None = None  # the one that somebody looks at and waits for
        self._afresh: set[Picture] = set()  # those whose kept result will not do

    # ------------------------------------------------------------------------------------------------------- models

    @property
    def models(self) -> tuple[ModelInfo, ...]:
        """Models that can look at pictures."""
        return self._models

    @property
    def model_id(self) -> str:
        """Id of the model in use; empty if there is none."""
        return self._model_id if any(model.id == self._model_id for model in self._models) else ""

    @property
    def is_loaded(self) -> bool:
        """Whether the model in use is in memory."""
        return self._is_open and any(loaded.info.id == self.model_id for loaded in self._engine.snapshot().loaded)

    def open(self) -> None:
        """Take up work: the engine is open now, so find its models and start with what waits."""
        self._is_open = True
        self.find_models()

    def find_models(self) -> None:
        """Look for models again."""
        self._tasks.start(self._find_models(), on_error=self._fail, name="find vision models")

    def choose_model(self, model_id: str) -> None:
        """Use another model, and look at all pictures again with it."""
        if model_id != self._model_id:
            self._model_id = model_id
            self.models_changed.emit()
            self._start_over(list(self.batch))

    # --------------------------------------------------------------------------------------------------- the batch

    def add_files(self, paths: Sequence[Path]) -> None:
        """Add picture files; a folder stands for the pictures in it."""
        self._tasks.start(self._add_files(paths), on_error=self._fail, name="add pictures")

    def add_image(self, image: QImage) -> None:
        """Add a pasted image."""
        self._pasted += 1
        self._tasks.start(self._add_image(image, f"Pasted picture {self._pasted}"), on_error=self._fail)

    def stop(self) -> None:
        """Let go of everything that waits or runs."""
        for task in self._in_flight.values():
            task.cancel()
        self._in_flight.clear()
        for picture in self.batch:
            if picture.state in (State.WAITING, State.RUNNING):
                self.batch.set_state(picture, State.STOPPED)
        self.progressed.emit()

    def resume(self) -> None:
        """Look at the pictures that were stopped or failed."""
        self._start_over([p for p in self.batch if p.state in (State.STOPPED, State.FAILED)])

    def look_again(self, picture: Picture) -> None:
        """Look at a picture that has a result, whatever was kept of earlier times."""
        if picture.state is State.DONE:
            self._afresh.add(picture)
            self.batch.set_state(picture, State.WAITING)
            self.progressed.emit()
            self._fill()

    def clear(self) -> None:
        """Forget the pictures."""
        self.stop()
        self._afresh.clear()
        self.batch.clear()
        self.progressed.emit()

    @property
    def is_busy(self) -> bool:
        """Whether a picture is being looked at, or waits for it while it could be."""
        return bool(self._in_flight)

    @property
    def progress(self) -> tuple[int, int]:
        """Pictures that are done or failed, and all."""
        ended = sum(picture.state in (State.DONE, State.FAILED) for picture in self.batch)
        return ended, self.batch.rowCount()

    @property
    def seconds_left(self) -> float | None:
        """Estimate from the speed of this run; None while nothing has ended."""
        if not self._ended or not self.is_busy:
            return None
        ended, total = self.progress
        return (time.monotonic() - self._started_s) / self._ended * (total - ended)

    def decode(self, picture: Picture) -> None:
        """Read a picture for the screen; `decoded` brings it."""
        self._tasks.start(self._decode(picture), on_error=self._fail, name="decode picture")

    def close(self) -> None:
        """End the decoder's threads; call after the tasks have been closed."""
        self._decoder.close()

    # -------------------------------------------------------------------------------------------------- coroutines

    async def _find_models(self) -> None:
        found = await self._decoder.call(self._engine.models)
        self._models = tuple(model for model in found if Accepts.IMAGE in model.accepts)
        if not self.model_id:
            ids = [model.id for model in self._models]
            self._model_id = _BUNDLED if _BUNDLED in ids else next(iter(ids), "")
        self.models_changed.emit()
        self._fill()

    async def _add_files(self, paths: Sequence[Path]) -> None:
        files = await self._decoder.call(expand, tuple(paths))
        self._add([Picture(path.name or str(path), path) for path in files])

    async def _add_image(self, image: QImage, name: str) -> None:
        self._add([Picture(name, await self._decoder.call(encode, image))])

    def _add(self, pictures: list[Picture]) -> None:
        if not pictures:
            return
        self.batch.add(pictures)
        self.added.emit(pictures[0])
        self.progressed.emit()
        self._tasks.start(self._decode_thumbnails(pictures), on_error=self._fail, name="thumbnails")
        self._fill()

    async def _decode(self, picture: Picture) -> None:
        self.decoded.emit(picture, await self._decoder.decode(picture.source, _SHOWN))

    async def _decode_thumbnails(self, pictures: Sequence[Picture]) -> None:
        for picture in pictures:
            decoded = await self._decoder.decode(picture.source, _THUMBNAIL)
            self.batch.set_thumbnail(picture, decoded.image)

    def _start_over(self, pictures: Sequence[Picture]) -> None:
        self.stop()
        for picture in pictures:
            self.batch.set_state(picture, State.WAITING)
        self.progressed.emit()
        self._fill()

    def _fill(self) -> None:
        """Start as many waiting pictures as may run at once."""
        if not self._is_open or not self.model_id:
            return
        for picture in self.batch:
            if len(self._in_flight) >= _AT_ONCE:
                return
            if picture.state is State.WAITING:
                if not self._in_flight:
                    self._started_s, self._ended = time.monotonic(), 0
                    self._urgent = picture
                self.batch.set_state(picture, State.RUNNING)
                self._in_flight[picture] = self._tasks.start(self._look_at(picture), on_error=self._fail, name="look")

    async def _look_at(self, picture: Picture) -> None:
        request = RecognizeRequest(
            model=self.model_id,
            image=picture.source,
            top_k=_TOP_K,
            urgency=self._urgency_of(picture),
            client=_CLIENT,
            title=picture.name,
            cache=CacheUse.FRESH if picture in self._afresh else CacheUse.AUTO,
        )
        try:
            self.batch.set_result(picture, await self._engine.recognize(request), request.model)
        except RequestError as error:  # this picture only
            self.batch.set_failed(picture, _short(error), str(error))
        except RequestCancelledError:  # in the queue: this picture only
            self.batch.set_state(picture, State.STOPPED)
        except EngineError as error:  # the model or the engine: every other picture would fail too
            del self._in_flight[picture]
            self.batch.set_state(picture, State.STOPPED)
            self.stop()
            self._fail(error)
            return
        self._afresh.discard(picture)
        del self._in_flight[picture]
        self._ended += 1
        self._fill()
        self.progressed.emit()
        self.finished.emit(picture)

    def _urgency_of(self, picture: Picture) -> Urgency:
        """Somebody looks at the first result; the rest of a few is waited for, that of many fills gaps."""
        if picture is self._urgent:
            return Urgency.INTERACTIVE
        ended, total = self.progress
        return Urgency.NORMAL if total - ended <= _FEW else Urgency.BATCH

    def _fail(self, error: Exception) -> None:
        if isinstance(error, EngineError):
            self.failed.emit(error.cause, error.remedy)
        else:
            log.error("Recognize failed", exc_info=error)
            self.failed.emit(
                "Something in Hearth went wrong.", f"The log file has the details: {type(error).__name__}."
            )


def _short(error: RequestError) -> str:
    return "Not a picture" if isinstance(error, ImageError) else "Failed"
