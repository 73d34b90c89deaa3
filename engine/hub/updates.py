"""ReleaseFeed: asks one address which version of Hearth is the newest; nothing is fetched but that one small file."""

import re
from collections.abc import Callable
from typing import Annotated, Final
from urllib.parse import urlsplit

import httpx2
import msgspec

from engine.errors import HubError, OfflineError
from engine.hub.addresses import host_of, is_confidential
from engine.hub.connection import HubConnection
from engine.hub.transfer import Network
from engine.releases import VERSION, Release, ReleaseFile

MOST_BYTES: Final = 256 << 10
_CHECK: Final = "Check the network, and the settings update_url and proxy."
_TOLD_LATER: Final = "Look again later, or look at the page of Hearth in a browser."
_LONGEST_URL: Final = 2048

_Url = Annotated[str, msgspec.Meta(min_length=8, max_length=_LONGEST_URL)]


class _File(msgspec.Struct, frozen=True):
    system: Annotated[str, msgspec.Meta(pattern=r"^(?:windows|linux|macos)\Z")]
    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,199}\Z")]
    url: _Url
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
    bytes: Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]


class _Latest(msgspec.Struct, frozen=True):
    """The file; what a later version adds to it is passed over."""

    version: Annotated[str, msgspec.Meta(max_length=80, pattern=rf"^{VERSION}\Z")]
    released: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
    notes: Annotated[str, msgspec.Meta(max_length=100_000)]
    page: _Url
    files: Annotated[list[_File], msgspec.Meta(max_length=50)]


class ReleaseFeed:
    """The list of versions at one address.

    Thread: any; blocks.

    Attributes:
        url: of the list.
    """

    def __init__(self, url: str, proxy: str, network: Network) -> None:
        """Make one; nothing is opened before something is asked.

        Args:
            url: of the list.
            proxy: address of the proxy; empty takes the system's.
            network: whether it may be used.
        """
        self.url = url
        self._connection = _FeedConnection(url, proxy, network, _no_token)

    def latest(self) -> Release:
        """The newest version there.

        Raises:
            OfflineError: the network is switched off.
            HubError: it cannot be asked, leads where others could change the answer, or answers nonsense.
        """
        host = host_of(self.url) or self.url[:80]
        if not is_confidential(self.url):
            cause = f"{host} is not asked for a new version, since others could change what comes."
            raise HubError(cause, "Set an update_url that begins with https://.")
        try:
            with self._connection.stream("", MOST_BYTES + 1) as answer:
                data = b"".join(answer.iter_raw())
        except OfflineError:
            raise
        except HubError as error:
            raise HubError(error.cause, _CHECK) from error
        if len(data) > MOST_BYTES:
            raise HubError(f"{host} answers with more than a list of versions can be.", _CHECK)
        try:
            return release_of(data)
        except ValueError as error:
            raise HubError(f"What {host} says of new versions cannot be understood.", _TOLD_LATER) from error


class _FeedConnection(HubConnection):
    """Goes, also when it is sent on, only where nobody on the way can change what comes."""

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        if not is_confidential(str(request.url)):
            to = host_of(str(request.url))
            raise HubError(f"{self.host} leads to {to}, where others could change what comes.", _CHECK)
        return super().answer(request)

    def refused(self, response: httpx2.Response, request: httpx2.Request, *, has_token: bool) -> HubError:
        host = host_of(str(request.url))
        return HubError(f"{host} has no list of versions there (HTTP {response.status_code}).", _CHECK)


def release_of(data: bytes) -> Release:
    """Read a list of versions; nothing in it is taken for granted.

    Args:
        data: JSON, of at most `MOST_BYTES`.

    Raises:
        ValueError: it is no such list, or names an address that is none.
    """
    try:
        found = msgspec.json.decode(data, type=_Latest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    return Release(
        version=found.version.removeprefix("v"),
        released=found.released,
        notes=found.notes,
        page=_address(found.page),
        files=tuple(
            ReleaseFile(
                system=file.system, name=file.name, url=_address(file.url), sha256=file.sha256, size_bytes=file.bytes
            )
            for file in found.files
        ),
    )


def _address(url: str) -> str:
    if not re.fullmatch(r"[!-~]+", url) or not is_confidential(url) or urlsplit(url).username is not None:
        raise ValueError(f"{url!r} is no address to lead anybody to")
    return url


_no_token: Callable[[], str] = str
"""Who is asked for new versions hears no token."""
