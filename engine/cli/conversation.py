"""A conversation on the terminal."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from engine.cli.output import Output, note
from engine.cli.run import answer, with_prompt
from engine.cli.session import Session
from engine.engine import Engine
from engine.errors import RequestError
from engine.types import Accepts, GenerateRequest, Message, ModelInfo, OverflowPolicy, assistant, system, user


@dataclass(frozen=True, slots=True)
class Partner:
    """Whom a person chats with.

    Attributes:
        engine: an open one.
        info: of the model.
        template: how to ask it.
        tools: names of those that it may call.
    """

    engine: Engine
    info: ModelInfo
    template: GenerateRequest
    tools: Sequence[str]


def converse(
    session: Session, info: ModelInfo, template: GenerateRequest, system_text: str | None, tools: Sequence[str] = ()
) -> None:
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
            runner.run(engine.settled())
            _turns(runner, Partner(engine, info, template, tools), opening)
        finally:
            runner.run(engine.close())


def _turns(runner: asyncio.Runner, partner: Partner, opening: Sequence[Message]) -> None:
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
            _turn(runner, partner, history, line)


def _turn(runner: asyncio.Runner, partner: Partner, history: list[Message], line: str) -> None:
    request = with_prompt(partner.template, partner.info, line, None)
    if Accepts.MESSAGES in partner.info.accepts:
        request = replace(request, messages=(*history, user(line)))
    try:
        result, _ = runner.run(answer(partner.engine, request, Output(), partner.tools, stream=True))
    except KeyboardInterrupt:
        note("\n[stopped]")
        return
    except RequestError as error:
        note(str(error))
        return
    if result.dropped_messages:
        note(f"[the conversation is longer than the context: {len(result.dropped_messages)} old messages left out]")
    history += [user(line), assistant(result.text)]
