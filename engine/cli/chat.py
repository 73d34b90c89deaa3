"""A conversation on the terminal."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from engine.cli.output import Output, note
from engine.cli.run import answer, with_prompt
from engine.cli.session import Session
from engine.engine import Engine
from engine.errors import RequestError
from engine.types import Accepts, GenerateRequest, Message, ModelInfo, OverflowPolicy, assistant, system, user


def chat(session: Session, info: ModelInfo, template: GenerateRequest, system_text: str | None) -> None:
    """Ask and answer until the person ends it; a model without a chat template gets each line on its own.

    Ctrl-C stops an answer; at the prompt it ends the chat.
    """
    with suppress(ImportError):
        import readline  # noqa: F401 - importing it gives `input` its history and editing keys
    note(f"Chat with {info.name}. /clear forgets the conversation, /exit or Ctrl-D ends it, Ctrl-C stops an answer.")
    opening = () if system_text is None else (system(system_text),)
    template = replace(template, overflow=OverflowPolicy.DROP_OLDEST)
    with asyncio.Runner() as runner:
        engine = session.engine()
        runner.run(engine.__aenter__())
        try:
            _turns(runner, engine, info, template, opening)
        finally:
            runner.run(engine.close())


def _turns(
    runner: asyncio.Runner, engine: Engine, info: ModelInfo, template: GenerateRequest, opening: Sequence[Message]
) -> None:
    history: list[Message] = list(opening)
    while True:
        try:
            line = input("> ").strip()
        except EOFError:
            sys.stdout.write("\n")
            return
        if line == "/exit":
            return
        if line == "/clear":
            history = list(opening)
        elif line:
            _turn(runner, engine, info, template, history, line)


def _turn(
    runner: asyncio.Runner,
    engine: Engine,
    info: ModelInfo,
    template: GenerateRequest,
    history: list[Message],
    line: str,
) -> None:
    request = with_prompt(template, info, line, None)
    if Accepts.MESSAGES in info.accepts:
        request = replace(request, messages=(*history, user(line)))
    try:
        result = runner.run(answer(engine, request, Output(), stream=True))
    except KeyboardInterrupt:
        note("\n[stopped]")
        return
    except RequestError as error:
        note(str(error))
        return
    if result.dropped_messages:
        note(f"[the conversation is longer than the context: {len(result.dropped_messages)} old messages left out]")
    history += [user(line), assistant(result.text)]
