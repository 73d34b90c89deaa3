"""`hearth run`: an answer from a text model, streamed."""

import sys
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.cached import AskAgainOption, NoCacheOption, cache_use, cached_words
from engine.cli.options import DeviceOption, JsonOption, ModelArgument
from engine.cli.output import Output, count_of, note
from engine.cli.progress import LoadingLine, ThinkingText
from engine.cli.session import Session
from engine.cli.tools import MOST_ROUNDS, ToolBelt, ToolUse
from engine.errors import CapabilityError, InvalidRequestError, RequestError
from engine.types import (
    Accepts,
    Finished,
    GenerateRequest,
    GenerateResult,
    Loading,
    Message,
    ModelInfo,
    Placement,
    RecognizeRequest,
    Sampling,
    SteppedDown,
    TextDelta,
    ThinkingDelta,
    system,
    user,
)

if TYPE_CHECKING:
    from engine.engine import Engine


_Prompt = Annotated[
    str | None,
    typer.Argument(metavar="PROMPT", help="Without it, standard input; on a terminal, a chat.", show_default=False),
]
_Temperature = Annotated[
    float | None,
    typer.Option(min=0, max=5, help="0 is greedy; higher is more random. \\[default: what the model recommends]"),
]
_Schema = Annotated[str | None, typer.Option(metavar="FILE|JSON", help="JSON schema that the answer must satisfy.")]
_Grammar = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="GBNF grammar that the answer must satisfy.")
]


def run(
    context: typer.Context,
    model: ModelArgument,
    prompt: _Prompt = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Most tokens to generate.")] = 512,
    temperature: _Temperature = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 2, help="Same seed, same answer.")] = None,
    system_text: Annotated[str | None, typer.Option("--system", metavar="TEXT", help="System message.")] = None,
    schema: _Schema = None,
    grammar: _Grammar = None,
    image: Annotated[Path | None, typer.Option(help="Image to recognise, for a vision model.")] = None,
    tool: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Tool that the model may call; may be repeated.")
    ] = None,
    think: Annotated[
        bool | None, typer.Option("--think/--no-think", help="Think before answering. \\[default: as the model does]")
    ] = None,
    device: DeviceOption = "",
    no_cache: NoCacheOption = False,
    ask_again: AskAgainOption = False,
    no_stream: Annotated[bool, typer.Option("--no-stream", help="Print the answer when it is complete.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Stream an answer of MODEL to PROMPT."""
    session: Session = context.obj
    output, use = Output(as_json), cache_use(no_cache, ask_again)
    info = session.look(lambda engine: engine.model(model))
    if image is not None or Accepts.IMAGE in info.accepts:
        _recognise_instead(
            session, info, image, output, RecognizeRequest(model="", image=b"", device=device, cache=use)
        )
        return
    template = GenerateRequest(
        model=model,
        sampling=_sampling(info, temperature, seed),
        max_tokens=max_tokens,
        json_schema=_schema_text(schema),
        grammar=None if grammar is None else grammar.read_text(encoding="utf-8"),
        thinking=think,
        device=device,
        cache=use,
    )
    if prompt is None and sys.stdin.isatty() and not as_json:
        from engine.cli.conversation import converse

        converse(session, info, template, system_text, tool or ())
    else:
        request = with_prompt(template, info, _prompt(prompt), system_text)
        result, used = session.run(lambda engine: answer(engine, request, output, tool or (), stream=not no_stream))
        output.document({"model": info.id, **asdict(result), "tools_used": used})


def _prompt(given: str | None) -> str:
    return sys.stdin.buffer.read().decode(errors="replace").strip() if given in (None, "-") else given or ""


def _sampling(info: ModelInfo, temperature: float | None, seed: int | None) -> Sampling:
    recommended = replace(info.sampling, seed=seed)
    return recommended if temperature is None else replace(recommended, temperature=temperature)


def with_prompt(template: GenerateRequest, info: ModelInfo, prompt: str, system_text: str | None) -> GenerateRequest:
    """Put a prompt into a request: as a conversation if the model has a chat template, else as plain text.

    Raises:
        InvalidRequestError: the prompt is empty.
        CapabilityError: a system message for a model without a chat template.
    """
    if not prompt.strip():
        raise InvalidRequestError("The prompt is empty.", 'Write what you want, as in `hearth run starter "Hello"`.')
    if Accepts.MESSAGES in info.accepts:
        messages: tuple[Message, ...] = (user(prompt),)
        return replace(template, messages=messages if system_text is None else (system(system_text), *messages))
    if system_text is not None:
        raise CapabilityError(
            f"{info.id} has no chat template, so it cannot take a system message.", "Leave --system out."
        )
    return replace(template, prompt=prompt)


async def answer(
    engine: "Engine", request: GenerateRequest, output: Output, tools: Sequence[str] = (), *, stream: bool
) -> tuple[GenerateResult, Sequence[ToolUse]]:
    """Generate and print an answer; cancelling it stops the sequence.

    Args:
        engine: an open one.
        request: what to ask.
        output: where the answer goes.
        tools: names of tools that the model may call before it answers.
        stream: whether to print it while it is written.

    Returns:
        The last answer, and the calls of tools that came before it.

    Raises:
        RequestError: the model calls tools again and again without answering.
    """
    toolbox = ToolBelt(engine, tools)
    request = replace(request, tools=toolbox.specs)
    for _ in range(MOST_ROUNDS):
        result = await _round(engine, request, output, stream=stream)
        if not (tools and result.tool_calls):
            return result, toolbox.used
        request = replace(request, messages=(*request.messages, *await toolbox.turn(result)))
    raise RequestError(f"The model called tools {MOST_ROUNDS} times in a row without answering.", "Ask something else.")


async def _round(engine: "Engine", request: GenerateRequest, output: Output, *, stream: bool) -> GenerateResult:
    loading, thinking = LoadingLine(), ThinkingText()
    result: GenerateResult | None = None
    async with aclosing(engine.generate(request)) as events:
        async for event in events:
            match event:
                case Loading(fraction):
                    loading.show(fraction)
                case ThinkingDelta(text):
                    loading.clear()
                    thinking.show(text)
                case TextDelta(text):
                    loading.clear()
                    thinking.end()
                    if stream:
                        output.text(text)
                case SteppedDown(sentence=sentence):
                    loading.clear()
                    note(sentence)
                case Finished(result):
                    loading.clear()
                    thinking.end()
    assert result is not None  # the stream ends with Finished, or raises
    if result.text or not result.tool_calls:
        output.line("" if stream else result.text)
    if sys.stderr.isatty() and not output.as_json:
        note(_summary(result))
    return result


def _summary(result: GenerateResult) -> str:
    if result.cached is not None:
        return f"[{count_of(result.usage.output_tokens, 'token')} {cached_words(result.cached)}]"
    timings, usage = result.timings, result.usage
    speed = (usage.output_tokens - 1) / timings.decode_s if timings.decode_s > 0 else 0.0
    return (
        f"[{usage.output_tokens} tokens, first after {timings.first_token_s:.2f} s, {speed:.1f} tokens/s, "
        f"{where(result.placement)}]"
    )


def where(placement: Placement) -> str:
    """`cpu with 4 threads`, `gpu:0 through Vulkan`, `gpu:0 through CUDA, 18 of 32 layers, with 4 threads`."""
    threads = count_of(placement.threads, "thread")
    if placement.device == "cpu":
        return f"cpu with {threads}"
    words = f"{placement.device} through {placement.interface}"
    if placement.layers < placement.total_layers:
        words += f", {placement.layers} of {placement.total_layers} layers, with {threads}"
    return words


def _schema_text(schema: str | None) -> str | None:
    if schema is None or schema.lstrip().startswith("{"):
        return schema
    try:
        return Path(schema).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequestError(
            f"The schema file {schema} cannot be read: {error}.", "Give a file, or the JSON itself."
        ) from error


def _recognise_instead(
    session: Session, info: ModelInfo, image: Path | None, output: Output, template: RecognizeRequest
) -> None:
    from engine.cli.recognize import recognize_images

    if Accepts.IMAGE not in info.accepts:
        raise CapabilityError(f"{info.id} is a text model and cannot see images.", "Leave --image out, or use reader.")
    if image is None:
        raise InvalidRequestError(f"{info.id} is a vision model and needs an image.", "Give one with --image FILE.")
    recognize_images(session, replace(template, model=str(info.path), image=image), [image], output)
