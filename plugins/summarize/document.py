"""The text of a file, whatever its encoding."""

import re
from typing import Final

from engine.plugins.api import InputFile, InvalidRequestError

_PACKED: Final = {
    b"%PDF-": "a PDF document",
    b"PK\x03\x04": "a packed document",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"{\\rtf": "an RTF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GGUF": "a model",
}
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_UNSEEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_BLANK: Final = re.compile(r"\n[ \t]*(?:\n[ \t]*)+\n")


def text_of(file: InputFile) -> str:
    """What a text file says, with lines ended by a line feed and no more than one empty line in a row.

    Raises:
        InvalidRequestError: it is empty, or no text.
    """
    for start, kind in _PACKED.items():
        if file.data.startswith(start):
            raise InvalidRequestError(f"{file.name} is {kind}, which cannot be read.", "Save its text as a .txt file.")
    if b"\0" in file.data and file.data[:2] not in _UTF_16:
        raise InvalidRequestError(f"{file.name} holds no text.", "Choose a text file.")
    text = _decoded(file).replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")
    text = _BLANK.sub("\n\n", _UNSEEN.sub("", text)).strip()
    if not text:
        raise InvalidRequestError(f"{file.name} is empty.", "Choose a file with text in it.")
    return text


def _decoded(file: InputFile) -> str:
    if file.data[:2] in _UTF_16:
        return file.text()
    try:
        return file.data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return file.data.decode("cp1252", "replace")  # what most old text files are written in
