"""The text the model reads: the Python standard library's source and Python's documentation."""

from __future__ import annotations

import hashlib
import re
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path("/usr/share/doc/python3.11/html/_sources")
"""Where Debian's package ``python3.11-doc`` puts the sources of the documentation."""

_LEFT_OUT_FOLDERS = {
    "test", "tests", "idle_test", "site-packages", "pydoc_data", "lib2to3", "__pycache__", "turtledemo", "distutils",
    "ensurepip", "encodings", "lib-dynload", "msilib",
}  # fmt: skip
_DOC_FOLDERS = ("tutorial", "library", "howto", "faq", "reference", "using")
_DROPPED_DIRECTIVES = {
    "index", "sectionauthor", "moduleauthor", "versionadded", "versionchanged", "deprecated", "deprecated-removed",
    "literalinclude", "toctree", "highlight", "currentmodule", "testsetup", "testcleanup", "audit-event", "only",
    "availability", "image", "figure", "contents", "tabularcolumns", "miscnews", "include", "raw", "productionlist",
    "audit-event-table", "impl-detail", "platform", "cssclass", "rubric", "doctest",
}  # fmt: skip
_DIRECTIVE = re.compile(r"^(\s*)\.\. ([\w:-]+)::\s*(.*)$")
_ROLE = re.compile(r":[\w:+-]+:`([^`]*)`")
_LINK = re.compile(r"`([^`<]+?)\s*<[^>`]+>`__?")
_RULES = "=-~^*#\"'+"


@dataclass(frozen=True, slots=True)
class Document:
    """One file of the corpus: its name inside its source, ``code`` or ``docs``, and its text."""

    name: str
    kind: str
    text: str


def held_out(name: str, parts: int = 50) -> bool:
    """Whether the thing called ``name`` is kept away from training: one in ``parts``, the same on every machine."""
    return int(hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest(), 16) % parts == 0


def stdlib_documents(root: Path | None = None) -> Iterator[Document]:
    """The standard library's modules below ``root`` (default: this interpreter's), tests and tables left out."""
    root = root or Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root)
        if _LEFT_OUT_FOLDERS.intersection(relative.parts) or relative.name in ("this.py", "token.py"):
            continue
        text = path.read_text(encoding="utf-8", errors="ignore").replace("\t", "    ")
        if len(text) > 200 and longest_line(text) < 400:
            yield Document(relative.as_posix(), "code", tidy(text))


def doc_documents(root: Path = DOCS) -> Iterator[Document]:
    """The documentation's pages below ``root`` as plain text.

    Raises:
        FileNotFoundError: there is no documentation at ``root``.
    """
    if not root.is_dir():
        raise FileNotFoundError(
            f"Python's documentation is not at {root}. Install the package python3.11-doc or give --docs."
        )
    for folder in _DOC_FOLDERS:
        for path in sorted((root / folder).rglob("*.rst.txt")):
            name = path.relative_to(root).as_posix()
            yield Document(name, "docs", plain_text(path.read_text(encoding="utf-8")))


def longest_line(text: str) -> int:
    """Characters of the longest line: tables and generated data have very long ones."""
    return max((len(line) for line in text.splitlines()), default=0)


def shingles(text: str, words: int = 8) -> set[int]:
    """Every run of ``words`` words in ``text``, wherever its lines break, as hashes for this process."""
    found = re.findall(r"\w+", text.lower())
    return {hash(tuple(found[i : i + words])) for i in range(len(found) - words + 1)}


def tidy(text: str) -> str:
    """``text`` without spaces at line ends and without more than two empty lines in a row."""
    text = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{4,}", "\n\n\n", text).strip() + "\n"


def plain_text(rst: str) -> str:
    """reStructuredText as Python's documentation uses it, turned into text with Markdown headings and back-ticks."""
    lines = _drop_blocks(rst.expandtabs().splitlines())
    out: list[str] = []
    for line in lines:
        if _is_rule(line):
            if out and out[-1].strip() and not out[-1].startswith("#"):
                out[-1] = ("# " if line[0] in "=*#" else "## ") + out[-1].strip()
            continue
        match = _DIRECTIVE.match(line)
        if match:
            line = match[1] + _directive_text(match[2], match[3])
        out.append(inline(line))
    return tidy("\n".join(out))


def inline(line: str) -> str:
    """``line`` with roles, links and double back-ticks turned into plain words and single back-ticks."""
    line = _ROLE.sub(lambda m: f"`{_target(m[1])}`", line)
    line = _LINK.sub(r"\1", line)
    line = line.replace("``", "`").replace("\\*", "*").replace("\\ ", "")
    return re.sub(r"::$", ":", line)


def _target(text: str) -> str:
    text = re.sub(r"\s*<[^>]*>$", "", text)
    return text.rsplit(".", 1)[-1] if text.startswith("~") else text.lstrip("!")


def _is_rule(line: str) -> bool:
    text = line.strip()
    return len(text) >= 3 and text[0] in _RULES and text == text[0] * len(text)


def _directive_text(name: str, argument: str) -> str:
    if name in ("note", "warning", "seealso", "tip", "important"):
        return f"{name.capitalize()}: {argument}".rstrip()
    return argument


def _drop_blocks(lines: list[str]) -> Iterator[str]:
    """The lines without comments, labels, options and the bodies of directives that carry no text."""
    skip_below: int | None = None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if skip_below is not None:
            if not line.strip() or indent > skip_below:
                continue
            skip_below = None
        text = line.strip()
        match = _DIRECTIVE.match(line)
        if text == ".." or (text.startswith(".. ") and not match) or (match and match[2] in _DROPPED_DIRECTIVES):
            skip_below = indent
            continue
        if re.match(r":(\w[\w-]*):(\s|$)", text) and not text.startswith(":class:"):
            continue
        yield line
