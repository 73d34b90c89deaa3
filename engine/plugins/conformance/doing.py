"""What is looked at in tasks, tools and telemetry sources."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from engine.errors import EngineError, TaskCancelledError
from engine.plugins.conformance.inputs import arguments_for, task_inputs
from engine.plugins.conformance.pictures import png
from engine.plugins.conformance.trial import BreachError, Check, Trial, examine, require
from engine.plugins.contract.offers import Sample, TelemetrySource, Tool
from engine.plugins.contract.tasks import Task
from engine.plugins.contract.values import Field, InputFile, Json, Kind, Table, Value, Values
from engine.requests import Accepts
from engine.testing.tasks import FakeModels, FakeTaskContext
from engine.types import Label, ModelInfo, TextLine, VisionOutput

TOOL_MS: Final = 2000.0
SAMPLE_MS: Final = 100.0
LEAST_PERIOD_S: Final = 0.5
_MOST_INPUTS: Final = 40
_TYPES: Final[Mapping[Kind, type | tuple[type, ...]]] = {
    Kind.INTEGER: int,
    Kind.NUMBER: (int, float),
    Kind.FLAG: bool,
    Kind.FILE: InputFile,
    Kind.IMAGE: InputFile,
    Kind.MODELS: tuple,
    Kind.TABLE: Table,
}
_OUTPUTS_ONLY: Final = frozenset({Kind.MARKDOWN, Kind.TABLE})
MODELS: Final = tuple(
    ModelInfo(
        id=f"fake-{form}",
        path=Path(f"fake-{form}.gguf"),
        format="gguf",
        name=f"Fake {form}",
        architecture="fake",
        size_bytes=1,
        context_tokens=4096,
        accepts=frozenset({form}),
    )
    for form in Accepts
)
_SEES: Final = VisionOutput(
    task="fake", image_size=(64, 48), labels=(Label("cat", 0.9),), lines=(TextLine("HEARTH", 0.9, (0, 0, 60, 20)),)
)


def examine_task(task: Task) -> Iterator[Check]:
    """Look at a task, with models that answer one word."""
    name = f"task:{task.id}"
    yield examine(f"{name} fields", lambda _: _check_fields(task))
    yield examine(f"{name} run", lambda trial: _run(trial, task))
    yield examine(f"{name} cancel", lambda trial: _cancel(trial, task))


def examine_tool(tool: Tool) -> Iterator[Check]:
    """Look at a tool, with arguments made from its schema."""
    name = f"tool:{tool.spec.name}"
    spec = examine(f"{name} spec", lambda _: _check_spec(tool))
    yield spec
    if spec.is_passed:
        yield examine(f"{name} call", lambda trial: _call_tool(trial, tool), TOOL_MS)


def examine_telemetry(source: TelemetrySource) -> Iterator[Check]:
    """Look at a telemetry source."""
    yield examine(f"telemetry:{source.id} sample", lambda trial: _sample(trial, source), SAMPLE_MS)


def _check_fields(task: Task) -> None:
    require(bool(task.title) and bool(task.summary), "has no title or no summary")
    require(bool(task.outputs), "has no outputs")
    for fields in (task.inputs, task.outputs):
        names = [field.name for field in fields]
        require(len(set(names)) == len(names), "has two fields of the same name")
        require(all(name.isidentifier() and name == name.lower() for name in names), f"has a wrong name among {names}")
        require(all(field.title for field in fields), "has a field without a title")
        for field in fields:
            require(field.kind is not Kind.CHOICE or bool(field.choices), f"{field.name} has no choices")
    for field in task.inputs:
        require(field.kind not in _OUTPUTS_ONLY, f"{field.name} is a {field.kind}, which cannot be an input")
        if field.default is not None and field.kind is Kind.CHOICE:
            require(field.default in field.choices, f"{field.name} is {field.default!r} at first, which is no choice")


def _run(trial: Trial, task: Task) -> None:
    refusals: list[str] = []
    for inputs in islice(task_inputs(task.inputs, MODELS, png()), _MOST_INPUTS):
        context = FakeTaskContext(FakeModels(infos=MODELS, sees=_SEES))
        outputs = trial.call(task.run, inputs.values, context)
        require(all(0 <= fraction <= 1 for fraction, _ in context.progress_log), "reports a progress outside [0, 1]")
        unknown = context.emitted.keys() - {field.name for field in task.outputs}
        require(not unknown, f"emits text of {sorted(unknown)}, which is no output")
        if not isinstance(outputs, EngineError):
            _check_outputs(task.outputs, outputs)
        elif inputs.is_plain:
            refusals.append(outputs.cause)
    if refusals:
        trial.note = f"refused plain inputs: {refusals[0]}"


def _check_outputs(fields: Sequence[Field], outputs: Values) -> None:
    require(isinstance(outputs, Mapping), f"returns a {type(outputs).__name__}")
    names = {field.name for field in fields}
    require(outputs.keys() == names, f"returns {sorted(outputs)}, not {sorted(names)}")
    for field in fields:
        _check_value(field, outputs[field.name])


def _check_value(field: Field, value: Value) -> None:
    wanted = _TYPES.get(field.kind, str)
    fits = isinstance(value, wanted) and (field.kind is Kind.FLAG or not isinstance(value, bool))
    require(fits, f"returns a {type(value).__name__} for {field.name}, which is a {field.kind}")
    if isinstance(value, Table):
        width = len(value.columns)
        require(all(len(row) == width for row in value.rows), f"returns rows of {field.name} that are not {width} long")


def _cancel(trial: Trial, task: Task) -> None:
    inputs = next(task_inputs(task.inputs, MODELS, png())).values
    context = FakeTaskContext(FakeModels(infos=MODELS, sees=_SEES), cancel_after=1)
    result = trial.call(task.run, inputs, context)
    if isinstance(result, TaskCancelledError):
        return
    require(not context.progress_log and not context.emitted, "goes on after it has been cancelled")
    trial.note = "never asks whether it has been cancelled; `context.progress` does"


def _check_spec(tool: Tool) -> None:
    from jsonschema.validators import validator_for

    require(bool(tool.spec.description.strip()), "has no description, so that no model knows when to call it")
    require(tool.spec.parameters.get("type") == "object", "has parameters that are no object")
    schema = dict(tool.spec.parameters)
    errors = list(validator_for(schema)(validator_for(schema).META_SCHEMA).iter_errors(schema))
    require(not errors, f"has parameters that are no JSON schema: {errors[0].message if errors else ''}")


def _call_tool(trial: Trial, tool: Tool) -> None:
    tried = 0
    for arguments in _fitting(tool):
        tried += 1
        result = trial.call(tool.call, arguments)
        require(isinstance(result, str | EngineError), f"returns a {type(result).__name__}, not a text")
    if not tried:
        trial.note = "no arguments could be made up that satisfy its schema"


def _fitting(tool: Tool) -> Iterator[Mapping[str, Json]]:
    from jsonschema.validators import validator_for

    schema = dict(tool.spec.parameters)
    validator = validator_for(schema)(schema)
    yield from (arguments for arguments in arguments_for(schema) if validator.is_valid(dict(arguments)))


def _sample(trial: Trial, source: TelemetrySource) -> None:
    require(bool(source.title), "has no title")
    require(source.period_s >= LEAST_PERIOD_S, f"has a period of {source.period_s} s; {LEAST_PERIOD_S} is the least")
    for _ in range(5):
        samples = trial.succeed(source.sample)
        for sample in samples:
            if not isinstance(sample, Sample):
                raise BreachError(f"returns a {type(sample).__name__} among its samples")
            require(bool(sample.name), "has a sample without a name")
            require(math.isfinite(sample.value), f"says that {sample.name} is {sample.value}")
