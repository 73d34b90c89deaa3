"""`NOTICES.txt`: everything that ships, with its version, the name of its licence and the whole text."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from release.component import Component
from release.inventory import inventory
from release.plan import project_version

_WIDTH: Final = 100
_HEAD: Final = """Hearth {version} and what comes with it

Hearth is under the MIT licence. It is made with the work of many others; each part is listed here with its version and
the name of its licence, and below with the whole text. A text that holds for several parts is given once.
"""


def write_notices(tree: Path, site_packages: Path, system: str) -> Path:
    """Write the notices into a frozen tree.

    Args:
        tree: folder with the frozen program.
        site_packages: folder of the packages that it was made from.
        system: `linux`, `macos` or `windows`.

    Returns:
        The file, `_internal/resources/NOTICES.txt`.

    Raises:
        SetupError: something ships that is not named, has no licence, brings no text, or may not ship in Hearth.
    """
    target = tree / "_internal" / "resources" / "NOTICES.txt"
    text = notices_of(inventory(tree, site_packages, system))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8", newline="\n")
    return target


def notices_of(components: Iterable[Component]) -> str:
    """The notices as text; the same for the same components."""
    found = list(components)
    names = [component.title for component in found]
    width = max(map(len, names))
    table = [f"{name.ljust(width)}  {component.licence}" for name, component in zip(names, found, strict=True)]
    given: dict[str, str] = {}
    parts = [line for name, component in zip(names, found, strict=True) for line in _part(name, component, given)]
    return "\n".join([_HEAD.format(version=project_version()), *table, *parts]) + "\n"


def _part(name: str, component: Component, given: dict[str, str]) -> Iterator[str]:
    yield from ("", "=" * _WIDTH, name, f"Licence: {component.licence}", "=" * _WIDTH)
    for title, raw in component.texts:
        text = "\n".join(line.rstrip() for line in raw.splitlines()).strip("\n")
        heading = [f"--- {title}", ""] if title else []
        before = given.setdefault(text, name)
        if before != name:
            yield from ("", *heading, f"The text is the one that is given under {before}.")
        else:
            yield from ("", *heading, text)
