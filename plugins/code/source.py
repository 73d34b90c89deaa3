"""Source code as people hand it over: a file, or text in a field."""

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from engine.plugins.api import Field, InputFile, InvalidRequestError, Kind, TaskContext, Values

LANGUAGES: Final = {
    ".py": "Python", ".js": "JavaScript", ".mjs": "JavaScript", ".ts": "TypeScript", ".tsx": "TypeScript", ".c": "C",
    ".h": "C", ".cpp": "C++", ".hpp": "C++", ".cc": "C++", ".cs": "C#", ".java": "Java", ".kt": "Kotlin", ".rs": "Rust",
    ".go": "Go", ".rb": "Ruby", ".php": "PHP", ".swift": "Swift", ".scala": "Scala", ".sh": "Bash", ".sql": "SQL",
    ".lua": "Lua", ".r": "R", ".jl": "Julia", ".hs": "Haskell", ".pl": "Perl", ".dart": "Dart",
}  # fmt: skip
FRAMEWORKS: Final = {
    "Python": "pytest", "JavaScript": "Jest", "TypeScript": "Jest", "Java": "JUnit 5", "Kotlin": "JUnit 5",
    "C++": "GoogleTest", "C#": "xUnit", "Rust": "the built-in test attribute", "Go": "the testing package",
    "Ruby": "RSpec", "PHP": "PHPUnit",
}  # fmt: skip
ANSWER_SHARE: Final = 3  # a third of the context is kept free for the answer

_SIGNS: Final = (  # compiled when they are first needed, because Hearth's start need not wait for them
    ("Python", r"^\s*(def \w+\(.*\).*:|import \w+$|from [\w.]+ import |class \w+.*:)\s*"),
    ("Rust", r"\bfn \w+.*\{|\blet mut |\bimpl\b.*\{"),
    ("Go", r"^package \w+|\bfunc (\(\w+ \*?\w+\) )?\w+\("),
    ("C++", r"#include <\w+>\s|\bstd::|\btemplate ?<"),
    ("C", r"#include [<\"]\w+\.h[>\"]|\b(int|void|char)\s+\**\w+\([^)]*\)\s*\{"),
    ("Java", r"\bpublic (static )?(class|void|int|String)\b|\bSystem\.out\."),
    ("TypeScript", r"\binterface \w+ \{|: (string|number|boolean)\b"),
    ("JavaScript", r"\bfunction\s*\w*\(|=>|\b(const|let|var) \w+ ="),
)

SOURCE_FIELDS: Final = (
    Field(name="file", title="File", kind=Kind.FILE, required=False, suffixes=tuple(LANGUAGES)),
    Field(
        name="code",
        title="Code",
        multiline=True,
        required=False,
        default="",
        help="What to look at, if it is in no file.",
    ),
)


@dataclass(frozen=True, slots=True)
class Source:
    """Code, and the language that it seems to be in; empty if that is not clear."""

    text: str
    language: str


def source_of(inputs: Values) -> Source:
    """The code that a form was filled in with.

    Raises:
        InvalidRequestError: there is none, or the file is no text.
    """
    text, file = str(inputs.get("code", "")), inputs.get("file")
    language = ""
    if isinstance(file, InputFile) and not text.strip():
        if b"\0" in file.data and file.data[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
            raise InvalidRequestError(f"{file.name} holds no source code.", "Choose a text file.")
        text, language = file.text(), LANGUAGES.get(PurePath(file.name).suffix.lower(), "")
    text = text.replace("\r\n", "\n").strip("\n")
    if not text.strip():
        raise InvalidRequestError("There is no code.", "Choose a file that holds some, or type it in.")
    return Source(text, language or _guessed(text))


def check_fits(source: Source, model: str, context: TaskContext) -> int:
    """Tokens that an answer may have.

    Raises:
        InvalidRequestError: the code leaves no room for an answer.
    """
    window = context.models.context_tokens(model)
    most = window - window // ANSWER_SHARE - min(256, window // 8)
    tokens = context.models.count_tokens(model, source.text)
    if tokens > most:
        raise InvalidRequestError(
            f"The code has {tokens:,} tokens, but {model} can take {most:,} here.", "Choose a part of it."
        )
    return window // ANSWER_SHARE


def fenced(source: Source) -> str:
    """The code in a fence that nothing in it can close."""
    longest = max((len(run) for run in re.findall(r"`+", source.text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{source.language.lower()}\n{source.text}\n{fence}"


def _guessed(text: str) -> str:
    return next((language for language, sign in _SIGNS if re.search(sign, text, re.MULTILINE)), "")
