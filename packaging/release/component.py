"""What a release is made of: parts with a name, a version, a licence and its text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from failure import SetupError

TEXTS: Final = Path(__file__).with_name("licences")
"""Licences of what brings none along; a text is named by its file."""
_COPYLEFT: Final = re.compile(r"(^|[\s(])A?GPL-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A part of others, or of Hearth itself, that ships.

    Attributes:
        name: as its makers write it.
        version: as its makers count; empty where they do not say.
        licence: SPDX expression, or what the makers call it.
        texts: title and text of each licence and notice; a title may be empty.
        purl: package URL by which databases know it.
        kind: `library`, `application` or `machine-learning-model`.
        files: of it in the frozen tree.
        needs: names of other components that it uses.
    """

    name: str
    version: str
    licence: str
    texts: tuple[tuple[str, str], ...]
    purl: str
    kind: str = "library"
    files: tuple[Path, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Name and version, as people read them."""
        return f"{self.name} {self.version}".strip()


def licence_texts(names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Texts of the folder `licences`, by their file names."""
    return tuple(("", (TEXTS / name).read_text(encoding="utf-8")) for name in names)


def check(components: Iterable[Component]) -> None:
    """Make sure that everything may ship and says under which terms.

    Raises:
        SetupError: a part names no licence, brings no text, or is under a licence that Hearth as a whole is not under.
    """
    for component in components:
        if not component.licence:
            remedy = "Add its licence to packaging/release/distributions.py or licences/debian.toml, or leave it out."
            raise SetupError(f"{component.title} names no licence.", remedy)
        if not any(text.strip() for _title, text in component.texts):
            remedy = "Add the text to packaging/release/licences, or leave it out."
            raise SetupError(f"{component.title} brings no text of its licence.", remedy)
        if all(_is_strong(choice) for choice in component.licence.split(" OR ")):
            files = ", ".join(path.name for path in component.files[:3])
            cause = f"{component.name} ({files}) is under {component.licence}, which would be asked of all of Hearth."
            raise SetupError(cause, "Leave it, and what needs it, out of packaging/release/contents.py.")


def _is_strong(licence: str) -> bool:
    return bool(_COPYLEFT.search(licence)) and " WITH " not in licence.upper().replace(" EXCEPTION", " WITH ")
