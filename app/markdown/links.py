"""Links of a model, and the characters that have no place in what it writes."""

import re
from typing import Final
from urllib.parse import urlsplit

SAFE_SCHEMES: Final = frozenset({"http", "https", "mailto"})
CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u2028\u2029]")


def is_safe_link(url: str) -> bool:
    """Whether a link may be offered to the person: http, https or mailto, without control characters."""
    if CONTROL.search(url):
        return False
    try:
        return urlsplit(url.strip()).scheme.lower() in SAFE_SCHEMES
    except ValueError:
        return False
