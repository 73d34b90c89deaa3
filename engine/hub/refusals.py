"""What is said when the hub refuses, cannot be reached, or answers nonsense."""

import re
from collections.abc import Mapping
from typing import Final

import httpx2

from engine.errors import HubError

_REPO: Final = re.compile(r"/(?:api/models/)?((?!api/)[^/?]+/[^/?]+)(?:/|$)")
_MIRROR: Final = "Check the network, or set a proxy or a mirror (settings proxy and hub_url)."
_LATER: Final = "Try again in a few minutes, or set a mirror (setting hub_url)."


def refusal(status: int, headers: Mapping[str, str], url: str, path: str, *, has_token: bool) -> HubError:
    """What an answer with an error means.

    Args:
        status: HTTP's, 400 or above.
        headers: of the answer, with names in lower case.
        url: of the host that was asked.
        path: that was asked for.
        has_token: whether a token was sent along.
    """
    host = url.partition("://")[2]
    match = _REPO.match(path)
    if status == 429:
        return HubError(f"{host} wants no more questions {_wait(headers)}.", "Wait, or give Hearth a token.")
    if status == 407:
        return HubError("The proxy wants a name and a password.", "Write them into the setting proxy.")
    if status >= 500:
        return HubError(f"{host} has trouble of its own (HTTP {status}).", _LATER)
    code = headers.get("x-error-code", "")
    if status == 401 and has_token and code not in {"RepoNotFound", "GatedRepo"}:
        return HubError(f"{host} does not accept the token.", "Make a new one there, and give it to Hearth.")
    if match is not None and status in {401, 403, 404, 410}:
        return _of_model(status, code, host, f"{url}/{match[1]}", has_token=has_token)
    return HubError(f"{host} refuses to answer (HTTP {status}).", "Check the settings hub_url and proxy.")


def _of_model(status: int, code: str, host: str, page: str, *, has_token: bool) -> HubError:
    what = "/".join(page.rsplit("/", 2)[1:])
    if code == "GatedRepo" or (status == 403 and code != "RepoNotFound"):
        return _gated(what, page, has_token=has_token)
    if code == "RevisionNotFound":
        return HubError(f"{what} has no such revision on {host}.", "Leave the revision out to take the newest.")
    if code == "EntryNotFound":
        return HubError(f"{what} has no such file on {host}.", "Look at its files with `hearth models card`.")
    advice = "Check the name." if has_token else "Check the name; private models need a token."
    return HubError(f"There is no model {what} on {host}, or it is private.", advice)


def unreachable(error: Exception, host: str) -> HubError:
    """What a failed connection means."""
    reason = _reason(error)
    if isinstance(error, httpx2.ProxyError):
        return HubError(f"The proxy does not lead to {host}: {reason}.", "Check the setting proxy.")
    if isinstance(error, httpx2.TimeoutException):
        return HubError(f"{host} does not answer in time.", _MIRROR)
    if isinstance(error, httpx2.ConnectError) and "certificate" in reason.lower():
        cause = f"{host} does not prove who it is: {reason}."
        return HubError(cause, "If a firm's proxy looks into connections, add its certificate to the system's.")
    if isinstance(error, httpx2.ConnectError):
        return HubError(f"{host} cannot be reached: {reason}.", _MIRROR)
    return HubError(f"The connection to {host} broke: {reason}.", "Try again.")


def nonsense(host: str) -> HubError:
    """What is said of an answer that cannot be understood."""
    cause = f"{host} answers something that cannot be understood."
    return HubError(cause, "Check the setting hub_url; a login page of the network may be in between.")


def _gated(what: str, page: str, *, has_token: bool) -> HubError:
    if has_token:
        cause = f"The token has no access to {what}, whose author wants to know who takes it."
        return HubError(cause, f"Accept the conditions at {page}.")
    cause = f"The author of {what} wants to know who takes it."
    return HubError(cause, f"Accept the conditions at {page}, then give Hearth a token of your account.")


def _wait(headers: Mapping[str, str]) -> str:
    seconds = headers.get("retry-after", "").strip()
    return f"for {int(seconds):,} seconds" if seconds.isdecimal() and len(seconds) < 7 else "for a while"


def _reason(error: Exception) -> str:
    text = re.sub(r"^\[Errno -?\d+\] ", "", " ".join(str(error).split())) or type(error).__name__
    return text.rstrip(".")[:200]
