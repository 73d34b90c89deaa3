"""What servers answer: which bytes of a file come, or why they do not."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2

from engine.errors import HubError
from engine.hub.transfer.faults import Fault, Nonsense
from engine.hub.transfer.remote import RemoteFile

_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_NUMBER: Final = re.compile(r"\d{1,18}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_LONGEST_WAIT_S: Final = 900.0
_LATER: Final = {408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524}


@dataclass(slots=True)
class Answer:
    """Bytes that come.

    Attributes:
        start: the first that comes.
        size: of the whole file; 0 if it is not said.
        etag: of the file; empty if it is not said.
        sha256: of the file, as the hub names it; empty if it does not.
        host: that sends it.
        chunks: them.
    """

    start: int
    size: int
    etag: str
    host: str
    sha256: str = ""
    chunks: Iterator[bytes] = field(default_factory=lambda: iter(()))


def whole_host(url: httpx2.URL) -> str:
    """What has to be equal for a token to be sent: scheme, host and port."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def linked(response: httpx2.Response, remote: RemoteFile, size: int, sha256: str) -> tuple[int, str]:
    """Size and digest that the hub names while it sends on to where the content is.

    Raises:
        HubError: it has another file there by now.
    """
    if response.status_code >= 400:
        return size, sha256
    digest = _plain_etag(response.headers.get("x-linked-etag", ""))
    named = response.headers.get("x-linked-size", "")
    if _SHA256.fullmatch(digest):
        if sha256 and digest != sha256:
            raise _changed(remote)
        sha256 = digest
    if _NUMBER.fullmatch(named):
        if size and int(named) != size:
            raise _changed(remote)
        size = int(named)
    return size, sha256


def judge(response: httpx2.Response, remote: RemoteFile, start: int, *, is_first: bool) -> Answer:
    """What an answer is.

    Args:
        response: that is no redirect.
        remote: what was asked for.
        start: first byte that was asked for.
        is_first: whether the hub itself says it, and not a server that it has sent to.

    Raises:
        Fault: it may be another next time.
        HubError: it will not.
    """
    host, status, headers = response.url.host, response.status_code, response.headers
    if status not in {200, 206}:
        raise _refusal(response, remote, is_first=is_first)
    if headers.get("content-encoding", "identity") != "identity":
        raise Nonsense(f"{host} sends the file in another encoding.")
    length = _length(headers.get("content-length", ""))
    etag = headers.get("etag", "")
    if status == 200:
        return Answer(start=0, size=length, etag=etag, host=host)
    match = _RANGE.fullmatch(headers.get("content-range", "").strip())
    if match is None or int(match[1]) != start or int(match[2]) < start:
        raise Nonsense(f"{host} sends other bytes than it was asked for.")
    if length and length != int(match[2]) + 1 - start:
        raise Nonsense(f"{host} contradicts itself about the length of what it sends.")
    return Answer(start=start, size=_length(match[3]), etag=etag, host=host)


def _length(text: str) -> int:
    return int(text) if _NUMBER.fullmatch(text) else 0


def _plain_etag(text: str) -> str:
    return text.removeprefix("W/").strip('"').lower()


def git_blob(etag: str) -> str:
    """Git's id of a file, if an `ETag` is one; else an empty text."""
    plain = _plain_etag(etag)
    return plain if re.fullmatch(r"[0-9a-f]{40}", plain) else ""


def is_strong(etag: str) -> bool:
    """Whether equal `ETag`s mean equal bytes."""
    return etag.startswith('"')


def _changed(remote: RemoteFile) -> HubError:
    cause = f"{remote.name} is another file on the hub than when the download was begun."
    return HubError(cause, "Cancel it and begin it anew.")


def _refusal(response: httpx2.Response, remote: RemoteFile, *, is_first: bool) -> Exception:
    host, status = response.url.host, response.status_code
    code = response.headers.get("x-error-code", "")
    if status in _LATER:
        wait_s = _asked_wait_s(response.headers.get("retry-after", ""))
        if wait_s > _LONGEST_WAIT_S:
            minutes = wait_s / 60
            return HubError(f"{host} wants nobody to come back for {minutes:.0f} minutes.", "Resume it later.")
        what = "has too much to do" if status in {429, 503} else "failed inside"
        return Fault(f"{host} {what} ({status}).", wait_s=wait_s)
    if status == 416:
        return Nonsense(f"{host} has fewer bytes of {remote.name} than were expected.", "Cancel it and begin it anew.")
    if not is_first:  # addresses that the hub sends to are good for minutes only
        return Nonsense(f"{host} refuses what the hub has sent to it ({status}).")
    if status in {401, 403} and code not in {"RepoNotFound", "EntryNotFound", "RevisionNotFound"}:
        page = remote.url.split("/resolve/")[0]
        cause = f"{host} gives {remote.name} only to people who have accepted its licence ({status})."
        return HubError(cause, f"Accept it at {page}, and set a token of your account in Hearth.")
    if status in {401, 403, 404, 410}:
        cause = f"{host} has no {remote.name} ({status})."
        return HubError(cause, "It may have been removed or renamed, or need a token; search for it again.")
    return HubError(f"{host} refuses to send {remote.name} ({status}).", "Try another model or mirror.")


def _asked_wait_s(text: str) -> float:
    """Seconds of a `Retry-After`; 0 if it says nothing that can be understood."""
    if _NUMBER.fullmatch(text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
