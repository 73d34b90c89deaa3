"""What an installed Hearth must do; each check says what it saw, or what is wrong."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from smoke.program import VARIANT, Ended, Program, joined
from smoke.report import Check

QUESTION: Final = "What is Hearth?"
_ANSWER: Final = ("run", "starter", QUESTION, "--temperature", "0", "--max-tokens", "96", "--no-cache")
_REFUSED: Final = re.compile(r"processor cannot run")


class CheckFailedError(Exception):
    """A check saw what must not be; the text says what."""


def checked(name: str, action: Callable[[], str]) -> Check:
    """Make a check; whatever it meets, the others are made as well."""
    try:
        return Check(name, "ok", action())
    except (CheckFailedError, ValueError, KeyError, OSError) as error:
        return Check(name, "failed", str(error) or type(error).__name__)


def without_window(program: Program, source: Path | None) -> Iterator[Check]:
    """Everything that needs no screen.

    Args:
        program: the installed one.
        source: a program `hearth` of a checkout to compare answers with; None compares nothing.
    """
    yield checked("hearth --version", lambda: _version(program))
    yield checked("hearth doctor", lambda: _doctor(program))
    yield checked("hearth demo", lambda: _demo(program))
    answers: dict[str, str] = {}
    yield checked("answer of the starter", lambda: _answer(program, answers))
    if source is not None:
        yield checked("the same as from source", lambda: _as_from_source(program, source, answers))
    yield checked("the same on every variant that runs here", lambda: _on_all_variants(program, answers))
    yield checked("hearth plugins list", lambda: _plugins(program))


def _version(program: Program) -> str:
    ended = _good(program.run("--version"))
    if not re.match(r"Hearth \d+\.\d+", ended.out):
        raise CheckFailedError(f"it prints {ended.out.strip()!r}")
    return ended.out.strip()


def _doctor(program: Program) -> str:
    found = program.document("doctor")
    models, broken = found["models"], found["broken"]
    if not models or broken:
        raise CheckFailedError(f"{models} usable models, broken: {broken}")
    return f"models usable: {len(models) if isinstance(models, list) else models}"


def _demo(program: Program) -> str:
    found = program.document("demo")
    image = found["image"]
    if found["problems"] or not isinstance(image, Mapping) or image["read"] != image["shown"]:
        raise CheckFailedError(f"problems: {found['problems']}, image: {image}")
    return f"the image was read as {image['read']!r}"


def _answer(program: Program, answers: dict[str, str]) -> str:
    answers["default"] = text = _good(program.run(*_ANSWER)).out.strip()
    if len(text.split()) < 3:
        raise CheckFailedError(f"the answer is {text!r}")
    return repr(text[:60])


def _as_from_source(program: Program, source: Path, answers: Mapping[str, str]) -> str:
    # Its own home: two versions of Hearth must not share what they keep.
    there = Program(source, program.home.with_name(f"{program.home.name}-source"))
    expected = _good(there.run(*_ANSWER)).out.strip()
    if answers.get("default") != expected:
        raise CheckFailedError(f"from source it is {expected!r}")
    return f"{len(expected)} characters"


def _on_all_variants(program: Program, answers: Mapping[str, str]) -> str:
    names, same, refused = program.variants(), [], []
    if not names:
        raise CheckFailedError("no variant comes with it")
    for name in names:
        ended = program.run(*_ANSWER, env={VARIANT: name})
        if ended.code == 0 and ended.out.strip() == answers.get("default"):
            same.append(name)
        elif ended.code == 1 and _REFUSED.search(ended.err):
            refused.append(name)
        else:
            raise CheckFailedError(f"{name}: {ended.complaint}")
    if not same:
        raise CheckFailedError("none runs here")
    return f"{len(same)} of {len(names)}: {', '.join(same)}" + (f"; not here: {', '.join(refused)}" if refused else "")


def _plugins(program: Program) -> str:
    found = json.loads(_good(program.run("plugins", "list", "--json")).out)
    listed = found["plugins"]
    if not listed:
        raise CheckFailedError("there are none")
    return f"{len(listed)} plugins"


def folder_is_untouched(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Compare the program's folder with what it was.

    Raises:
        CheckFailedError: something was written.
    """
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    if changed:
        raise CheckFailedError(f"written: {joined(changed)}")
    return f"{len(before)} files and folders"


def _good(ended: Ended) -> Ended:
    if ended.code != 0:
        raise CheckFailedError(ended.complaint)
    return ended
