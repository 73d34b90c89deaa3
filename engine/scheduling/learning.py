"""Learning: takes what steps show about models to those who remember it."""

from dataclasses import dataclass

from engine.backends.base import LoadedModel
from engine.scheduling.learned import Learned
from engine.scheduling.observations import Observations
from engine.scheduling.steps import TextStep


@dataclass(frozen=True, slots=True)
class Learning:
    """What lanes learn.

    Thread: any.

    Attributes:
        observations: for the dispatcher, of this run.
        learned: for the queue, kept between runs.
    """

    observations: Observations
    learned: Learned

    def text(self, model: LoadedModel, step: TextStep) -> None:
        """A step of a text model."""
        self.observations.note_text(model.info.id, model.device, step)
        if step.decode_s and step.rows:
            self.learned.note_decode(model.info.id, model.device, step.rows, step.decode_s, step.tokens)
        elif step.read_tokens and not step.rows:
            self.learned.note_prefill(model.info.id, model.device, step.read_tokens, step.read_s)

    def images(self, model: LoadedModel, images: int, duration_s: float) -> None:
        """A run of an image model."""
        self.observations.note_images(model.info.id, model.device, images, duration_s)
        if images:
            self.learned.note_decode(model.info.id, model.device, images, duration_s)

    def texts(self, model: LoadedModel, duration_s: float) -> None:
        """A batch of texts of an embedding model."""
        self.learned.note_decode(model.info.id, model.device, 1, duration_s)
