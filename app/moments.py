"""Moments in words: the same wherever the window says when something was first asked or seen."""

import time
from typing import Final

_NBSP: Final = "\u00a0"


def moment_words(at: float, now: float) -> str:
    """The hour if it was today, else the date, with its year if that is another: `at 14:02`, `21 Nov`, `21 Nov 2025`.

    Args:
        at: in seconds since 1970; shown in local time.
        now: likewise.
    """
    then, today = time.localtime(at), time.localtime(now)
    if then[:3] == today[:3]:
        return f"at{_NBSP}{time.strftime('%H:%M', then)}"
    year = f"{_NBSP}{then.tm_year}" if then.tm_year != today.tm_year else ""
    return f"{then.tm_mday}{_NBSP}{time.strftime('%b', then)}{year}"
