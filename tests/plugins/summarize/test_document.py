"""Bytes of all kinds, and the text in them."""

import pytest

from engine.plugins.api import InputFile, InvalidRequestError
from plugins.summarize.document import text_of


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain", "plain"),
        ("\ufeffmit BOM".encode(), "mit BOM"),
        ("naïve ☃".encode(), "naïve ☃"),
        ("naïve".encode("cp1252"), "naïve"),
        ("zwölf".encode("utf-16"), "zwölf"),
        (b"a\r\nb\rc", "a\nb\nc"),
        (b"a\n\n  \n\n\nb", "a\n\nb"),
        (b"  a\x07b\x1b  ", "ab"),
        (b"page\x0cpage", "page\n\npage"),
    ],
)
def test_text_is_read_in_any_encoding(data, text):
    assert text_of(InputFile("a.txt", data)) == text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "a.txt is empty"),
        (b" \n\t\r\n", "a.txt is empty"),
        (b"\xef\xbb\xbf", "a.txt is empty"),
        (b"%PDF-1.7 ...", "a PDF document, which cannot be read"),
        (b"PK\x03\x04...", "a packed document"),
        (b"\x89PNG\r\n", "a picture"),
        (b"\x00\x01\x02\x00", "holds no text"),
    ],
)
def test_what_is_no_text_is_refused_in_one_sentence(data, reason):
    with pytest.raises(InvalidRequestError, match=reason) as caught:
        text_of(InputFile("a.txt", data))
    assert caught.value.remedy
