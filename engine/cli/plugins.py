"""`hearth plugins`: what they are, and what may run."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.options import JsonOption
from engine.cli.output import Output, note
from engine.cli.plugins_dev import new_plugin, try_plugin
from engine.cli.plugins_view import consent_lines, print_info, print_list, printable
from engine.cli.session import Session
from engine.errors import InvalidRequestError, PluginError
from engine.plugins.contract.values import Value, Values
from engine.plugins.host import PluginHost
from engine.plugins.infos import PluginInfo, PluginState
from engine.tasks.inputs import parse

app = typer.Typer(help="What model families, tasks and tools come from.", no_args_is_help=True)
app.command("new")(new_plugin)
app.command("test")(try_plugin)

_Id = Annotated[str, typer.Argument(metavar="ID", help="Of a plugin, as `list` shows it.", show_default=False)]
_Yes = Annotated[bool, typer.Option("--yes", help="Allow what it wants without being asked.")]


@app.command("list")
def list_plugins(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the plugins, bundled ones first."""
    session: Session = context.obj
    print_list(session.decide(_snapshot), Output(as_json))


@app.command("info")
def info(context: typer.Context, plugin: _Id, as_json: JsonOption = False) -> None:
    """Show what a plugin offers, wants to be allowed, and last said."""
    session: Session = context.obj

    async def work(host: PluginHost) -> PluginInfo:
        return _find(host, plugin)

    print_info(session.decide(work), Output(as_json))


@app.command("install")
def install(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder or zip of a plugin.", show_default=False)],
    yes: _Yes = False,
    as_json: JsonOption = False,
) -> None:
    """Copy a plugin into Hearth's folder, show what it wants, and ask whether it may run."""
    session: Session = context.obj
    _require_person(yes)

    async def work(host: PluginHost) -> PluginInfo:
        found = await host.install(path.expanduser())
        return await _allow(host, found, yes=yes)

    _report(session.decide(work, is_idle=False), Output(as_json), "It is installed, but does not run.")


@app.command("enable")
def enable(context: typer.Context, plugin: _Id, yes: _Yes = False, as_json: JsonOption = False) -> None:
    """Let a plugin run from now on, after showing what it wants."""
    session: Session = context.obj

    async def work(host: PluginHost) -> PluginInfo:
        found = _find(host, plugin)
        if found.is_bundled:
            await host.enable(plugin)
            return _find(host, plugin)
        _require_person(yes)
        return await _allow(host, found, yes=yes)

    _report(session.decide(work, is_idle=False), Output(as_json), "It does not run.")


@app.command("disable")
def disable(context: typer.Context, plugin: _Id, as_json: JsonOption = False) -> None:
    """Keep a plugin from running, now and later."""
    session: Session = context.obj

    async def work(host: PluginHost) -> PluginInfo:
        await host.disable(plugin)
        return _find(host, plugin)

    _report(session.decide(work), Output(as_json))


@app.command("reload")
def reload(context: typer.Context, plugin: _Id, as_json: JsonOption = False) -> None:
    """Read a plugin anew, and let it run again after it was stopped for its failures."""
    session: Session = context.obj

    async def work(host: PluginHost) -> PluginInfo:
        await host.reload(plugin)
        return _find(host, plugin)

    _report(session.decide(work, is_idle=False), Output(as_json))


@app.command("remove")
def remove(context: typer.Context, plugin: _Id, as_json: JsonOption = False) -> None:
    """Delete an installed plugin and its settings."""
    session: Session = context.obj
    output = Output(as_json)

    async def work(host: PluginHost) -> None:
        await host.remove(plugin)

    session.decide(work)
    output.line(f"{plugin} is removed.")
    output.document({"removed": plugin})


@app.command("settings")
def settings(
    context: typer.Context,
    plugin: _Id,
    values: Annotated[list[str] | None, typer.Argument(metavar="NAME=VALUE...", help="Settings to change.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the settings of a plugin, or change some."""
    session: Session = context.obj
    output = Output(as_json)

    async def work(host: PluginHost) -> PluginInfo:
        if values:
            await host.set_settings(plugin, _settings(_find(host, plugin), values))
        return _find(host, plugin)

    found = session.decide(work)
    for field in found.fields:
        output.line(
            printable(f"{field.name} = {found.settings.get(field.name, '')}    ({field.title}) {field.help}".rstrip())
        )
    if not found.fields:
        output.line(f"{plugin} has no settings.")
    output.document({"plugin": plugin, "settings": found.settings, "fields": found.fields})


async def _snapshot(host: PluginHost) -> Sequence[PluginInfo]:
    return host.snapshot()


def _find(host: PluginHost, plugin: str) -> PluginInfo:
    known = {info.id: info for info in host.snapshot()}
    if plugin in known:
        return known[plugin]
    raise PluginError(plugin, f"There is no plugin called {plugin}.", f"Known are: {', '.join(known)}.")


def _require_person(yes: bool) -> None:
    """Nothing is allowed on behalf of a person who is not there."""
    if not yes and not sys.stdin.isatty():
        raise InvalidRequestError(
            "Somebody has to look at what a plugin wants before it runs, but this is no terminal.",
            "Say --yes if you have.",
        )


async def _allow(host: PluginHost, found: PluginInfo, *, yes: bool) -> PluginInfo:
    """Show what a plugin wants, ask, and let it run if that is answered with yes."""
    if found.state is PluginState.REFUSED:
        raise PluginError(found.id, found.reason)
    for line in consent_lines(found):
        note(printable(line))
    if yes or _says_yes():
        await host.enable(found.id, found.digest)
    return _find(host, found.id)


def _says_yes() -> bool:
    sys.stderr.write("Allow it to run? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _report(info: PluginInfo, output: Output, otherwise: str = "") -> None:
    runs = info.state is PluginState.ACTIVE
    words = "It runs from now on." if runs else " ".join(part for part in (otherwise, info.reason) if part)
    output.line(printable(f"{info.id}: {words or info.state}"))
    output.document(info)


def _settings(info: PluginInfo, texts: Sequence[str]) -> Values:
    fields = {field.name: field for field in info.fields}
    values: dict[str, Value] = {}
    for text in texts:
        name, mark, value = text.partition("=")
        if not mark or name not in fields:
            known = ", ".join(fields) or "none"
            raise InvalidRequestError(f"{text!r} changes no setting of {info.id}.", f"Its settings are: {known}.")
        values[name] = parse(fields[name], value)
    return values
