"""Takes out of a log what is nobody's business, for a report that is sent to others. Pure, without Qt.

What stays: when, how grave, which part of Hearth, its own words, and the lines of code that a traceback went through.
What goes: the texts of errors, which may quote what a person typed; paths, but for those of Hearth and of Python; names
of pictures; addresses behind their host; whatever looks like a token.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

LEFT_OUT: Final = "[left out]"
PATH: Final = "[path]"

_RECORD: Final = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ")
_TRACE: Final = re.compile(r'^\s*(?:\| ?)*(?:Traceback \(most recent call last\):|File "[^"\n]*", line \d+)')
_FRAME: Final = re.compile(r'^\s*(?:\| ?)*File "')
_ERROR: Final = re.compile(r"^((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)(?::.*)?$")
_CHAINED: Final = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
_PICTURE: Final = "png|jpe?g|webp|gif|bmp|tiff?|heic|heif|avif|svg|ico|pdf"
_START: Final = r"(?:~[\\/]|(?<![A-Za-z])[A-Za-z]:[\\/]|\\\\|(?<![\w.)\]>/~-])/(?!/))"
_QUOTED: Final = re.compile(rf"""(['"`])({_START}[^\n]*?)\1""")
_OF_PICTURE: Final = re.compile(rf"""{_START}[^\n'"]*\.(?:{_PICTURE})\b""", re.IGNORECASE)
_PLAIN: Final = re.compile(rf"""({_START}[^\s'"<>|,;()]*)((?:(?!:\s|\s\()[^\n,;])*)""")
"""A path, and what may still be of it: names of files may have spaces."""
_PICTURE_NAME: Final = re.compile(rf"""[^\n:;,'"()<>|/\\]*\.(?:{_PICTURE})\b""", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"\b([a-z][a-z0-9+.-]{1,20}://)(?:[^\s/@'\"]*@)?([^\s/'\"?#]*)[^\s'\",;)]*", re.IGNORECASE)
_TOKEN: Final = re.compile(
    r"""(?ix) \b(?:hf|sk|pk|gh[opusr]|github_pat|glpat|xox[abp])[_-][\w-]{6,} | \bbearer\s+\S+
    | \b(?:token|key|password|passwd|secret|authorization)\b\s*[=:]\s*(?:(?:bearer|basic)\s+)?\S+
    | \beyJ[\w-]{10,}(?:\.[\w-]+)* | \b[\w+/=-]{40,}"""
)


class Scrubber:
    """Knows the folders of one machine.

    Attributes:
        names: what stands for which folder, the longest first.
    """

    def __init__(self, home: Path, data: Path) -> None:
        """Learn the folders.

        Args:
            home: of the user; becomes `~`.
            data: Hearth's; becomes `<data>`.
        """
        program = Path(__file__).resolve().parents[2]
        known = [
            (data, "<data>"),
            (data.resolve(), "<data>"),
            (program, "<hearth>"),
            (Path(sys.prefix), "<python>"),
            (Path(sys.base_prefix), "<python>"),
            (home, "~"),
            (home.resolve(), "~"),
        ]
        written = {form: name for folder, name in reversed(known) for form in _forms(folder)}
        self.names = tuple(sorted(written.items(), key=lambda item: -len(item[0])))
        letters = "|".join(re.escape(form) for form, _ in self.names)
        self._folders = re.compile(rf"(?:{letters})(?![\w-])", re.IGNORECASE if sys.platform == "win32" else 0)
        self._names = {form.casefold(): name for form, name in self.names}

    def log(self, text: str) -> str:
        """A log without what is nobody's business."""
        return "\n".join(self._lines(text.splitlines()))

    def line(self, text: str) -> str:
        """One line of words likewise."""
        text = _TOKEN.sub(LEFT_OUT, _ADDRESS.sub(r"\1\2", text))
        text = self._folders.sub(lambda found: self._names[found[0].casefold()], text)
        text = _QUOTED.sub(lambda found: f"{found[1]}{_told(found[2])}{found[1]}", text)
        return _PICTURE_NAME.sub(" [picture]", _without_paths(_OF_PICTURE.sub(PATH, text)))

    def crash(self, text: str) -> str:
        """What Python notes of a fault: names of code and of its places, nothing that a person typed."""
        return "\n".join(self.line(line) for line in text.splitlines())

    def _lines(self, lines: list[str]) -> Iterator[str]:
        """Records, and the tracebacks below them; any other line belongs to a text of several lines, and goes."""
        is_code = False
        was_left_out = False
        for line in lines:
            kept = self._kept(line, is_code=is_code)
            is_code = bool(_FRAME.match(line))
            if kept is not None:
                yield kept
            elif not was_left_out and line.strip():
                yield f"    {LEFT_OUT}"
            was_left_out = kept is None

    def _kept(self, line: str, *, is_code: bool) -> str | None:
        if _RECORD.match(line) or _TRACE.match(line):
            return self.line(line)
        if is_code and line.startswith("    "):
            return line  # of a program, as it is written in its file
        if line in _CHAINED or not line.strip():
            return line
        error = _ERROR.match(line)
        return f"{error[1]}: {LEFT_OUT}" if error and error[1][:1].isalpha() and _is_error(error[1]) else None


def _is_error(name: str) -> bool:
    last = name.rpartition(".")[2]
    return last.endswith(("Error", "Exception", "Warning", "Interrupt", "Exit", "Timeout", "Refused", "Stopped"))


def _without_paths(text: str) -> str:
    """A text whose paths are left out, but for those of the system; what follows them may still be of their names."""

    def told(found: re.Match[str]) -> str:
        return found[1] + _without_paths(found[2]) if _told(found[1]) != PATH else PATH

    return _PLAIN.sub(told, text)


def _told(path: str) -> str:
    """A path of the system; of any other only that it was one."""
    return path if path.startswith(("/usr/", "/lib/", "/lib64/", "/proc/", "/sys/", "/dev/")) or path == "/" else PATH


def _forms(folder: Path) -> Iterator[str]:
    """The ways in which a folder is written: as it is, with slashes, with doubled backslashes, in an address."""
    text = str(folder)
    if len(text) > 3:  # not the root
        yield from {text, folder.as_posix(), text.replace("\\", "\\\\"), quote(folder.as_posix())}
