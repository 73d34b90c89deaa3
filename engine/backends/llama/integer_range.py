"""Grammar of the decimal integers between two bounds."""


def integer_range(low: int | None, high: int | None, max_digits: int) -> str:
    """GBNF alternatives for all integers from `low` to `high` (inclusive; None is open), written canonically.

    Args:
        low: least value, or None.
        high: greatest value, or None; not below `low`.
        max_digits: an open end goes this far: to numbers of so many digits.

    Returns:
        Alternatives joined by `|`, without brackets around them; empty if there is no such integer.
    """
    limit = 10**max_digits - 1
    low = -limit if low is None else low
    high = limit if high is None else high
    parts = []
    if low < 0:
        first, last = max(1, -high), -low
        negative = _natural(first, last)
        if negative:
            parts.append(f'"-" ({" | ".join(negative)})')
    if high >= 0:
        parts.extend(_natural(max(low, 0), high))
    return " | ".join(parts)


def _natural(low: int, high: int) -> list[str]:
    """Alternatives for the natural numbers between two bounds, by number of digits."""
    parts: list[str] = []
    while low <= high:
        top = min(high, 10 ** len(str(low)) - 1)
        parts.extend(_same_length(str(low), str(top)))
        low = top + 1
    return parts


def _same_length(low: str, high: str) -> list[str]:
    """Alternatives for the numbers between two that have the same number of digits."""
    if not low:
        return [""]
    rest = len(low) - 1
    if low[1:] == "0" * rest and high[1:] == "9" * rest:
        return [f"{_digit(low[0], high[0])}{_digits(rest)}"]
    if low[0] == high[0]:
        return [f'"{low[0]}" {tail}'.strip() for tail in _same_length(low[1:], high[1:])]
    parts = [f'"{low[0]}" {tail}'.strip() for tail in _same_length(low[1:], "9" * rest)]
    if int(low[0]) + 1 < int(high[0]):
        parts.append(f"{_digit(str(int(low[0]) + 1), str(int(high[0]) - 1))}{_digits(rest)}")
    return parts + [f'"{high[0]}" {tail}'.strip() for tail in _same_length("0" * rest, high[1:])]


def _digit(low: str, high: str) -> str:
    return f'"{low}"' if low == high else f"[{low}-{high}]"


def _digits(count: int) -> str:
    return f" [0-9]{{{count}}}" if count else ""
