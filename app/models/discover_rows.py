"""Rows of the list of what can be found: captions, and a line for each model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.models.discover_controller import DiscoverController, Phase
from app.models.hub_words import (
    downloads_words,
    facts_of,
    file_of,
    hub_fit_look,
    line,
    name_of,
    task_words,
)
from app.models.words import FitLook, size_words, speed_words
from app.usage import UNKNOWN
from engine import HubModel


@dataclass(frozen=True, slots=True)
class Find:
    """A model of the list, in words.

    Attributes:
        id: its repository.
        title: what it is called.
        facts: beside that: parameters and licence.
        about: below it.
        size: of the file to take here.
        speed: predicted for that.
        look: whether that fits.
        is_here: whether it is installed.
        is_gated: whether an account is needed.
    """

    id: str
    title: str
    facts: str
    about: str
    size: str
    speed: str
    look: FitLook
    is_here: bool
    is_gated: bool

    @property
    def sentence(self) -> str:
        """All of it, for those who do not see it."""
        here = "installed" if self.is_here else "needs an account" if self.is_gated else ""
        parts = (self.title, self.facts, self.size, self.speed, self.look.words, here, self.about)
        return ", ".join(part for part in parts if part and part != UNKNOWN)

    @property
    def tip(self) -> str:
        """All of it, a line for each part, for those whose pointer rests on it."""
        here = "Installed" if self.is_here else "Needs an account" if self.is_gated else ""
        what = " · ".join(part for part in (self.size, self.speed, self.look.words, here) if part and part != UNKNOWN)
        return "\n".join(filter(None, (f"{self.title} · {self.facts}", self.about, what)))


DiscoverRow = str | Find


def find_of(model: HubModel, *, is_here: bool) -> Find:
    """Say a model in words."""
    file = file_of(model)
    about = line(model.summary) or " · ".join(
        filter(None, (line(model.repo), downloads_words(model.downloads) if model.downloads is not None else ""))
    )
    return Find(
        id=model.repo,
        title=name_of(model),
        facts=facts_of(model),
        about=about,
        size=size_words(file.size_bytes) if file is not None else UNKNOWN,
        speed=speed_words(file.tokens_per_s if file is not None else None),
        look=hub_fit_look(file),
        is_here=is_here,
        is_gated=model.is_gated,
    )


def rows_of(controller: DiscoverController) -> tuple[DiscoverRow, ...]:
    """Recommended models in groups of what they are for, then what the hub found."""
    rows: list[DiscoverRow] = []
    for task, models in _groups(controller.recommended):
        rows.append(f"Recommended · {task_words(task)}" if task else "Recommended")
        rows += _finds(controller, models)
    if controller.phase is Phase.SEARCHING:
        rows.append("Asking the hub…")
    elif controller.results:
        more = "more " if controller.recommended else ""
        rows.append(f"On the hub · {len(controller.results)} {more}found")
        rows += _finds(controller, controller.results)
    elif controller.phase in {Phase.NOTHING, Phase.FOUND} and rows:
        rows.append("On the hub · nothing more found")
    return tuple(rows)


def _finds(controller: DiscoverController, models: Iterable[HubModel]) -> list[Find]:
    return [find_of(model, is_here=bool(controller.installed(model))) for model in models]


def _groups(models: Sequence[HubModel]) -> Iterable[tuple[str, list[HubModel]]]:
    groups: dict[str, list[HubModel]] = {}
    for model in models:
        groups.setdefault(model.tasks[0] if model.tasks else "", []).append(model)
    return groups.items()
