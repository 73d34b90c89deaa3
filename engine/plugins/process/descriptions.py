"""What a plugin offers, in plain words: sent by its process, checked by Hearth before proxies are made of it."""

import math
import re
from typing import Final

import msgspec

from engine.errors import EngineError
from engine.plugins.contract.values import Field, Kind
from engine.plugins.field_reader import one_line
from engine.plugins.offers import Offers
from engine.plugins.process.shapes import ShapeError, is_json
from engine.plugins.process.tool_schemas import check_schema
from engine.types import ToolSpec

_MOST_FIELDS: Final = 40
_MOST_OFFERS: Final = 200
_FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


class TaskForm(msgspec.Struct, frozen=True):
    """A task, as its form is drawn."""

    id: str
    title: str
    summary: str
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]


class ToolForm(msgspec.Struct, frozen=True):
    """A tool, as models are told about it."""

    spec: ToolSpec
    permission: str


class SourceForm(msgspec.Struct, frozen=True):
    """A telemetry source."""

    id: str
    title: str
    period_s: float


class Description(msgspec.Struct, frozen=True):
    """All offers of a plugin, in the order in which it registered them; calls refer to them by index."""

    families: tuple[str, ...]
    pipelines: tuple[str, ...]
    tasks: tuple[TaskForm, ...]
    tools: tuple[ToolForm, ...]
    telemetry: tuple[SourceForm, ...]


class OpenedForm(msgspec.Struct, frozen=True):
    """A format that was opened: its number in the plugin's process, and what an image format says about itself."""

    number: int
    enough_pixels: int = 0


def describe(offers: Offers) -> Description:
    """Describe offers."""
    return Description(
        tuple(family.id for family in offers.families),
        tuple(pipeline.id for pipeline in offers.pipelines),
        tuple(TaskForm(it.id, it.title, it.summary, tuple(it.inputs), tuple(it.outputs)) for it in offers.tasks),
        tuple(ToolForm(tool.spec, tool.permission) for tool in offers.tools),
        tuple(SourceForm(source.id, source.title, source.period_s) for source in offers.telemetry),
    )


def read_description(plain: object) -> Description:
    """Check what a plugin says it offers. Ids are compared with the manifest by `OfferCollector`.

    Raises:
        ShapeError: it cannot be shown, or is no description.
    """
    try:
        description = msgspec.convert(plain, Description)
        _check(description)
    except (msgspec.ValidationError, ValueError, EngineError) as error:
        raise ShapeError(f"a description of its offers that is wrong: {error}") from error
    return description


def _check(description: Description) -> None:
    groups = (description.families, description.pipelines, description.tasks, description.tools, description.telemetry)
    if sum(len(group) for group in groups) > _MOST_OFFERS:
        raise ValueError(f"there are more than {_MOST_OFFERS}")
    for task in description.tasks:
        one_line(task.title, 80, 1)
        one_line(task.summary, 400)
        for fields in (task.inputs, task.outputs):
            _check_fields(fields)
    for tool in description.tools:
        if len(tool.spec.description) > 4000 or not is_json(dict(tool.spec.parameters)):
            raise ValueError(f"the tool {tool.spec.name[:40]!r} has a description or a schema that no model could read")
        check_schema(tool.spec.parameters)
    for source in description.telemetry:
        one_line(source.title, 80, 1)
        if not 0.5 <= source.period_s < math.inf:
            raise ValueError(f"the source {source.id[:40]!r} has a period of {source.period_s} s")


def _check_fields(fields: tuple[Field, ...]) -> None:
    if len(fields) > _MOST_FIELDS or len({field.name for field in fields}) != len(fields):
        raise ValueError(f"there are more than {_MOST_FIELDS} fields, or two with the same name")
    for field in fields:
        if not _FIELD_NAME.fullmatch(field.name):
            raise ValueError(f"{field.name[:40]!r} is no name of a field")
        one_line(field.title, 80, 1)
        one_line(field.help, 400)
        for text in (*field.choices, *field.suffixes):
            one_line(text, 120, 1)
        if field.kind is Kind.CHOICE and not field.choices:
            raise ValueError(f"the field {field.name} has no choices")
        bounds = [bound for bound in (field.least, field.most, field.default) if isinstance(bound, float)]
        if not all(math.isfinite(bound) for bound in bounds):
            raise ValueError(f"the field {field.name} has a bound that is no number")
