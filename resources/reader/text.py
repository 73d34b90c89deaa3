"""What the training lines say: words of the standard library's documentation, numbers, random strings, single signs."""

import ast
import random
import string
import sysconfig
from functools import cache
from pathlib import Path

CHARSET = "".join(chr(code) for code in range(32, 127))
"""The 95 printable ASCII characters; CTC class i + 1 is CHARSET[i], class 0 is the blank."""

MAX_CHARACTERS = 28
LETTERS_AND_DIGITS = string.ascii_letters + string.digits
PUNCTUATION = string.punctuation
UNITS = ("%", "kg", " km", "$", " EUR", " MB", "h", "px", " C", "")


@cache
def words() -> tuple[str, ...]:
    """Words of the docstrings in the standard library's own modules, in the order they appear."""
    found: list[str] = []
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                found += (ast.get_docstring(node) or "").split()
    return tuple(word for word in found if len(word) <= 18 and set(word) <= set(CHARSET))


def sample_text(rng: random.Random) -> str:
    """Draw one line of text, 1 to MAX_CHARACTERS characters, without spaces at either end."""
    kind = rng.choices((_prose, _single, _scramble, _number, _code), (40, 12, 20, 16, 12))[0]
    return kind(rng)[:MAX_CHARACTERS].strip() or rng.choice(LETTERS_AND_DIGITS)


def _prose(rng: random.Random) -> str:
    start = rng.randrange(len(words()) - 8)
    text = " ".join(words()[start : start + rng.choice((1, 1, 2, 3, 4, 6))])
    return rng.choices((text, text.upper(), text.title(), text.capitalize()), (60, 20, 10, 10))[0]


def _single(rng: random.Random) -> str:
    return rng.choice(LETTERS_AND_DIGITS if rng.random() < 0.85 else PUNCTUATION)


def _scramble(rng: random.Random) -> str:
    alphabet = rng.choice((string.ascii_uppercase, string.ascii_lowercase, LETTERS_AND_DIGITS, CHARSET))
    return "".join(rng.choices(alphabet, k=rng.choice((2, 3, 4, 6, 8, 12))))


def _number(rng: random.Random) -> str:
    digits = "".join(rng.choices(string.digits, k=rng.choice((2, 3, 4, 6, 8, 10))))
    cut = rng.randrange(1, len(digits))
    shapes = (
        digits,
        f"{digits[:cut]}{rng.choice('.,:-/ ')}{digits[cut:]}",
        f"{digits}{rng.choice(UNITS)}",
        f"{rng.choice('$+-#')}{digits}",
        f"{rng.randrange(1, 29):02}{rng.choice('./-')}{rng.randrange(1, 13):02}{rng.choice('./-')}{digits[:4]}",
    )
    return rng.choice(shapes)


def _code(rng: random.Random) -> str:
    first, second = rng.choice(words()), rng.choice(words())
    pair = rng.choice(("()", "[]", "{}", '""', "''", "<>", "**", "``"))
    joint = rng.choice(("_", "-", ".", "/", " = ", ", ", "@", ": ", " & ", "!", "? ", "; ", "\\", " | ", "~", "^", "+"))
    return rng.choice((f"{first}{pair[0]}{second}{pair[1]}", f"{first}{joint}{second}", f"{pair[0]}{first}{pair[1]}"))
