"""Compare: the answers of several models to one prompt, and how fast they came."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from engine.plugins.api import (
    EngineError,
    Field,
    GenerateRequest,
    GenerateResult,
    InvalidRequestError,
    Kind,
    Message,
    Models,
    Sampling,
    Table,
    TaskCancelledError,
    TaskContext,
    Values,
    system,
    user,
)

COLUMNS: Final = ("Model", "Tokens", "First token", "Speed", "Device", "Loading", "Remark")
NOTHING: Final = "–"
ANSWERS: Final = "answers"


class Compare:
    """Asks several models the same.

    They answer one after the other: so their speeds can be compared, and they need not fit into memory together.
    """

    id = "compare"
    title = "Compare models"
    summary = "Gives one prompt to several models and compares answers and speeds."
    inputs: tuple[Field, ...] = (
        Field(name="prompt", title="Prompt", multiline=True),
        Field(name="models", title="Models", kind=Kind.MODELS, accepts="messages"),
        Field(
            name="instructions",
            title="Instructions",
            multiline=True,
            required=False,
            default="",
            help="What all models are told before the prompt.",
        ),
        Field(name="most_tokens", title="Most tokens", kind=Kind.INTEGER, default=512, least=1, most=32_768),
        Field(
            name="seed",
            title="Seed",
            kind=Kind.INTEGER,
            default=0,
            least=0,
            most=2**31 - 1,
            help="The same seed gives the same answers again.",
        ),
    )
    outputs: tuple[Field, ...] = (
        Field(name=ANSWERS, title="Answers", kind=Kind.MARKDOWN),
        Field(name="figures", title="Figures", kind=Kind.TABLE),
    )

    def run(self, inputs: Values, context: TaskContext) -> Values:
        """Ask every model; one that fails is noted, and the others go on.

        Raises:
            EngineError: all of them fail; the reason of the first.
        """
        models = tuple(dict.fromkeys(_names(inputs["models"])))
        if not models:
            raise InvalidRequestError("No model is chosen.", "Choose at least one.")
        names = _titles(context.models, models)
        messages = _messages(str(inputs.get("instructions", "")), str(inputs["prompt"]))
        text, rows, failures = "", [], []
        for index, model in enumerate(models):
            context.progress(index / len(models), f"{names[model]} ({index + 1} of {len(models)})")
            heading = f"{'' if index == 0 else chr(10) * 2}## {_plain(names[model])}\n\n"
            context.emit(ANSWERS, heading)
            outcome = _answer(context, _request(model, messages, inputs, context.models))
            text += heading + _section(outcome)
            rows.append(_row(names[model], outcome))
            if isinstance(outcome, EngineError):
                context.emit(ANSWERS, _section(outcome))
                failures.append(outcome)
        if len(failures) == len(models):
            raise failures[0]
        context.progress(1.0)
        return {ANSWERS: text, "figures": Table(COLUMNS, tuple(rows))}


def _answer(context: TaskContext, request: GenerateRequest) -> GenerateResult | EngineError:
    try:
        return context.models.generate(request, lambda more: context.emit(ANSWERS, more))
    except TaskCancelledError:
        raise
    except EngineError as error:
        return error


def _names(value: object) -> Sequence[str]:
    return value if isinstance(value, tuple) else ()


def _titles(models: Models, chosen: Sequence[str]) -> dict[str, str]:
    """Names for people; the id, too, where two models have the same name."""
    known = {info.id: info.name for info in models.available()}
    names = {model: known.get(model, model) for model in chosen}
    taken = list(names.values())
    return {model: name if taken.count(name) == 1 else f"{name} ({model})" for model, name in names.items()}


def _messages(instructions: str, prompt: str) -> tuple[Message, ...]:
    return (system(instructions), user(prompt)) if instructions.strip() else (user(prompt),)


def _request(model: str, messages: tuple[Message, ...], inputs: Values, models: Models) -> GenerateRequest:
    """A request with what the model's author recommends, and the seed that all share."""
    recommended = next((info.sampling for info in models.available() if info.id == model), Sampling())
    seed, most = inputs["seed"], inputs["most_tokens"]
    assert isinstance(seed, int)
    assert isinstance(most, int)
    sampling = replace(recommended, seed=seed)
    return GenerateRequest(model=model, messages=messages, max_tokens=most, sampling=sampling)


def _section(outcome: GenerateResult | EngineError) -> str:
    if isinstance(outcome, EngineError):
        return f"\n\n*{_plain(str(outcome))}*"
    return outcome.text.strip() or "*It wrote nothing.*"


def _row(name: str, outcome: GenerateResult | EngineError) -> tuple[str, ...]:
    if isinstance(outcome, EngineError):
        return (name, *[NOTHING] * (len(COLUMNS) - 2), str(outcome))
    timings, tokens = outcome.timings, outcome.usage.output_tokens
    speed = f"{(tokens - 1) / timings.decode_s:.1f} tok/s" if tokens > 1 and timings.decode_s > 0 else NOTHING
    return (
        name,
        str(tokens),
        f"{1000 * max(0.0, timings.first_token_s - timings.load_s):.0f} ms" if tokens else NOTHING,
        speed,
        outcome.placement.device,
        f"{timings.load_s:.1f} s" if timings.load_s > 0 else NOTHING,
        "cut off" if outcome.finish_reason == "length" else "",
    )


def _plain(text: str) -> str:
    """A text in which Markdown finds nothing to format, on one line."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#|" else letter for letter in " ".join(text.split()))
