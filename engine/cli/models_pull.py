"""`hearth models pull` and `token`: fetching models, and the token for those that are gated."""

import asyncio
import getpass
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from engine.cards import Trust
from engine.cli.models_search import FIT_WORDS, fit_words
from engine.cli.options import JsonOption
from engine.cli.output import Output, human_size, note
from engine.cli.progress import watched
from engine.cli.session import Session
from engine.engine import Engine
from engine.errors import EngineError
from engine.jobs import JobControl, JobStopped

if TYPE_CHECKING:
    from engine.hub.order import Order

_LOOK_S: Final = 0.2
_LONGEST_TOKEN: Final = 4096
_CTRL_C: Final = 130


def pull_model(
    context: typer.Context,
    repo: Annotated[str, typer.Argument(metavar="REPO", help="OWNER/NAME on the hub.", show_default=False)],
    file: Annotated[
        str, typer.Option(metavar="FILE", help="Which file, or which type such as Q4_K_M; else the recommended one.")
    ] = "",
    revision: Annotated[str, typer.Option(metavar="REVISION", help="Commit or branch; else the newest.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch a model of the hub into Hearth's model folder, verify it and try it out."""
    session: Session = context.obj
    output = Output(as_json)
    engine = session.engine()
    order = engine.order_model(repo, file, revision)
    for line in _words(order):
        note(line)
    if not yes and sys.stdin.isatty() and sys.stderr.isatty() and not _is_wanted():
        raise typer.Exit(1)
    try:
        path = watched(lambda control: _fetch(engine, order, control))
    except JobStopped:
        note(f"Stopped. What was fetched is kept; go on with: {_again(order)}")
        raise typer.Exit(_CTRL_C) from None
    report = asyncio.run(engine.probe_model(str(path)))
    output.line(str(path))
    output.document(
        {
            "repo": order.model.repo,
            "revision": order.model.revision,
            "file": order.file.name,
            "path": path,
            "size_bytes": order.file.size_bytes,
            "licence": order.model.licence,
            "gate": report,
        }
    )
    if report.trust is Trust.REFUSED:
        note(f"It was fetched whole, but Hearth will not use it. {report.cause} {report.remedy}".rstrip())
        raise typer.Exit(1)
    note(f"It is ready: use it as {engine.model(str(path)).id}.")


def keep_token(
    context: typer.Context,
    forget: Annotated[bool, typer.Option("--forget", help="Forget the token.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Keep a token for gated models, read from standard input, in the system's keyring; it is never shown."""
    session: Session = context.obj
    engine = session.engine()
    token = "" if forget else _asked_token()
    engine.set_hub_token(token)
    state = engine.hub_state()
    if forget:
        note(f"Forgotten.{f' One is still in {state.token_kept_in}.' if state.has_token else ''}")
    else:
        note(f"Kept in {state.token_kept_in}.")
    Output(as_json).document({"has_token": state.has_token, "token_kept_in": state.token_kept_in})


def _asked_token() -> str:
    token = getpass.getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline(_LONGEST_TOKEN)
    if not token.strip():
        raise EngineError("There is no token on standard input.", "Write it there, or take --forget.")
    return token


def _words(order: "Order") -> list[str]:
    """What is to be known before the first byte."""
    model, file = order.model, order.file
    more = f" in {len(file.parts)} files" if len(file.parts) > 1 else ""
    lines = [
        f"{order.title}: {file.name}, {human_size(file.size_bytes)}{more}, of {model.repo} at {model.revision[:12]}.",
        f"Licence: {model.licence or 'not stated'}. Read it, and what its author says, with `hearth models card`.",
        f"On this machine: {fit_words(file) if file.fit is not None else FIT_WORDS[None]}.",
    ]
    if not all(file.sha256):
        lines.append("The hub gives no SHA-256 for a part of it, so only its size and git's own digest are checked.")
    return lines


def _is_wanted() -> bool:
    sys.stderr.write("Fetch it? [Y/n] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"", "y", "yes"}


def _fetch(engine: Engine, order: "Order", control: JobControl) -> Path:
    """Fetch on another thread, so that Ctrl-C is heard at once."""
    ended: list[Path | BaseException] = []

    def run() -> None:
        try:
            ended.append(engine.fetch_now(order, control))
        except (EngineError, JobStopped, OSError) as error:
            ended.append(error)

    thread = threading.Thread(target=run, name="hearth-pull")
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_LOOK_S)
    except KeyboardInterrupt:
        control.stop()
        thread.join()
    result = ended[0] if ended else JobStopped()
    if isinstance(result, Path):
        return result
    raise result


def _again(order: "Order") -> str:
    return f"hearth models pull {order.model.repo} --file {order.file.name} --revision {order.model.revision}"
