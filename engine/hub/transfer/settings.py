"""TransferSettings: how files are fetched."""

from collections.abc import Callable
from dataclasses import dataclass


def no_token(_host: str) -> str:
    """Nobody is logged in anywhere."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferSettings:
    """How files are fetched.

    Attributes:
        proxy: its address; empty takes the system's (`HTTPS_PROXY` and so on).
        token: takes `HOST` or `HOST:PORT` as in a file's address and returns the token for it, or an empty text. It
            is asked for the host in the file's own address only; no other host that one leads to hears the token.
        connect_s: seconds to reach a host.
        stall_s: seconds without a byte, or with hardly any, after which a connection is given up and made anew.
        tries: attempts in a row that bring nothing before the download fails; the defaults wait for a quarter of an
            hour until a network is there again.
        tries_of_nonsense: fewer, where servers answer what cannot be used.
        first_wait_s: pause after the first of them; it doubles each time.
        longest_wait_s: longest such pause.
        reserve_bytes: that stay free on the disk.
        checkpoint_s: seconds of work that a power cut may cost.
    """

    proxy: str = ""
    token: Callable[[str], str] = no_token
    connect_s: float = 10.0
    stall_s: float = 30.0
    tries: int = 30
    tries_of_nonsense: int = 6
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0
    reserve_bytes: int = 200_000_000
    checkpoint_s: float = 3.0
