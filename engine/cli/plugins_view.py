"""What is shown of plugins on a terminal: lists, facts, and what a person should know before allowing one."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from engine.cli.output import Output
from engine.plugins.infos import PluginInfo, PluginState
from engine.plugins.manifest import Permission, PermissionKind

if TYPE_CHECKING:
    from rich.table import Table

_WORDS = {
    PermissionKind.MODELS: "ask your models",
    PermissionKind.NETWORK: "reach the network",
    PermissionKind.READ: "read files",
    PermissionKind.WRITE: "change files",
    PermissionKind.SUBPROCESS: "start other programs",
}


def print_list(infos: Sequence[PluginInfo], output: Output) -> None:
    """List plugins."""
    from rich import box
    from rich.table import Table

    table = Table("plugin", "version", "state", "offers", "runs", box=box.SIMPLE_HEAD)
    for info in infos:
        offers = ", ".join(f"{offer.kind} {offer.id}" for offer in info.offers)
        place = "own process" if info.is_isolated else "inside Hearth"
        table.add_row(*(literal(text) for text in (info.id, info.version, info.state, offers, place)))
    output.table(table)
    for info in infos:
        if info.state in {PluginState.STOPPED, PluginState.REFUSED}:
            output.line(f"{printable(info.id)}: {printable(info.reason)}")
    output.document({"plugins": infos})


def print_info(info: PluginInfo, output: Output) -> None:
    """Show everything about a plugin."""
    output.table(_facts(info))
    for permission in info.permissions:
        output.line(f"It may {_permission(permission)}")
    if info.reason:
        output.line(printable(info.reason))
    if info.details:
        output.line(printable(info.details))
    output.document(info)


def consent_lines(info: PluginInfo) -> Iterator[str]:
    """What a person should know before allowing a plugin, line by line."""
    yield f"{info.name or info.id} {info.version}: {info.summary}"
    author, licence, homepage = (text or "not stated" for text in (info.author, info.licence, info.homepage))
    yield f"Author: {author}; licence: {licence}; homepage: {homepage}"
    yield f"Its files have the SHA-256 {info.digest}; if one of them changes, you are asked again."
    yield f"It runs {_place(info)}."
    if not info.permissions:
        yield "It asks for no permissions."
    for permission in info.permissions:
        yield f"It wants to {_permission(permission)}"
    yield from info.consequences
    for sentence in info.unenforced:
        yield f"Not enforced here: {sentence}"


def printable(text: str) -> str:
    """Text of a stranger, without what moves a terminal's cursor."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in text)


def literal(text: str) -> str:
    """Text of a stranger for a table: neither rich's markup, nor control characters."""
    from rich.markup import escape

    return escape(printable(text))


def _place(info: PluginInfo) -> str:
    return "in its own process" if info.is_isolated else "inside Hearth, with full access"


def _permission(permission: Permission) -> str:
    limits = ", ".join((*permission.hosts, *permission.folders))
    place = f" ({limits})" if limits else ""
    return f"{_WORDS[permission.kind]}{place}: {permission.reason}"


def _facts(info: PluginInfo) -> "Table":
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    settings = (f"{field.name}={info.settings.get(field.name, '')}" for field in info.fields)
    for name, value in (
        ("id", info.id),
        ("name", info.name),
        ("version", info.version),
        ("does", info.summary),
        ("state", info.state.value),
        ("offers", ", ".join(f"{offer.kind} {offer.id}" for offer in info.offers)),
        ("runs", _place(info)),
        ("author", info.author),
        ("licence", info.licence),
        ("homepage", info.homepage),
        ("folder", str(info.folder)),
        ("SHA-256", info.digest),
        ("settings", ", ".join(settings)),
    ):
        if value:
            table.add_row(f"[bold]{name}[/bold]", literal(value))
    return table
