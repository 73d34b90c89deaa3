"""HubConnection: the only way in which Hearth asks a hub anything, also through `huggingface_hub`.

Every request of the process that goes through that library passes one transport, which looks up whose it is: it says
nothing about the person or the machine, obeys the offline switch, sends the token to the hub's own host and no other,
and lets no answer grow or last without end.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx2

from engine.errors import EngineError, HubError, OfflineError
from engine.hub.addresses import LOOPBACK, host_of
from engine.hub.refusals import nonsense, refusal, unreachable
from engine.hub.transfer import Network

if TYPE_CHECKING:
    from huggingface_hub import HfApi

AGENT: Final = "hearth"
_ANSWER_BYTES: Final = 32 << 20  # a hundred models with all their files have 3 MB
_ANSWER_S: Final = 30.0
_TIMEOUT: Final = httpx2.Timeout(10.0, connect=10.0)
_NONE_KEPT: Final = httpx2.Limits(max_keepalive_connections=0)
"""Nothing stays open between questions, which are rare: offline means that there is no connection."""
_MOST_REDIRECTS: Final = 5
_NONSENSE: Final = (
    ValueError, TypeError, LookupError, AttributeError, RecursionError, httpx2.HTTPError, httpx2.InvalidURL,
)  # fmt: skip
"""What comes of answers that are not what was asked for."""
_SENT: Final = ("host", "accept", "range")
"""Headers that are sent as they were meant; all others say what nobody needs to know."""
_LIMIT: Final = "hearth.limit"


class HubConnection:
    """Asks one hub.

    Thread: any; blocks.

    Attributes:
        url: of the hub, without a `/` at its end.
        host: of it, with the port if it has one.
    """

    def __init__(self, url: str, proxy: str, network: Network, token: Callable[[], str]) -> None:
        """Make one; nothing is opened before something is asked.

        Args:
            url: of the hub.
            proxy: address of the proxy; empty takes the system's.
            network: whether it may be used.
            token: gives the token; empty if there is none.
        """
        self.url = url.rstrip("/")
        self.host = host_of(url)
        self._proxy, self._network, self._token = proxy, network, token
        self._lock = threading.Lock()
        self._client: httpx2.Client | None = None  # guarded by _lock

    @contextmanager
    def asking(self) -> "Iterator[HfApi]":
        """Ask through `huggingface_hub`; iterators have to be used up inside.

        Raises:
            OfflineError: the network is switched off.
            HubError: the hub refuses, cannot be reached, or answers nonsense.
        """
        self._network.check()
        api = _hub_library(self.url)
        mark = _current.set(self)
        try:
            yield api
        except EngineError:
            raise
        except _NONSENSE as error:
            raise nonsense(self.host) from error
        finally:
            _current.reset(mark)

    def text(self, path: str, most_bytes: int) -> str:
        """A text file of the hub, cut after so many bytes.

        Args:
            path: behind the hub's address.
            most_bytes: of it.

        Raises:
            OfflineError: the network is switched off.
            HubError: it is not there, or the hub cannot be asked.
        """
        with self.stream(path, most_bytes, cut=True) as answer:
            data = b"".join(answer.iter_raw())
        return data.decode("utf-8", "replace")

    @contextmanager
    def stream(self, path: str, most_bytes: int, *, cut: bool = False) -> Iterator[httpx2.Response]:
        """The beginning of a file of the hub, as it comes.

        Args:
            path: behind the hub's address.
            most_bytes: that are asked for.
            cut: whether an answer ends there; otherwise a longer one is an error.

        Raises:
            OfflineError: the network is switched off.
            HubError: it is not there, or the hub cannot be asked.
        """
        self._network.check()
        limits = {_LIMIT: (most_bytes, cut)}
        headers = {"range": f"bytes=0-{most_bytes - 1}"}
        with _client(_Bound(self)) as client:
            try:
                request = client.build_request("GET", f"{self.url}{path}", headers=headers, extensions=limits)
                response = client.send(request, stream=True)
            except _NONSENSE as error:
                raise nonsense(self.host) from error
            try:
                yield response
            finally:
                response.close()

    def knock(self, path: str) -> None:
        """Ask for the first byte of a file, to hear whether it may be had.

        Raises:
            OfflineError: the network is switched off.
            HubError: it may not, or the hub cannot be asked.
        """
        with self.stream(path, 1, cut=True) as answer:
            next(answer.iter_raw(), b"")

    def raise_if_offline(self) -> None:
        """Do nothing while the network may be used.

        Raises:
            OfflineError: it is switched off.
        """
        self._network.check()

    def token_for(self, host: str) -> str:
        """The token, for the hub's own host; empty for any other, and where somebody on the way could read it."""
        return self._token() if self._may_hear(host, self.url.partition(":")[0]) else ""

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; the place where every rule of this module is kept."""
        self._network.check()
        host = host_of(str(request.url))
        if request.method not in {"GET", "HEAD"}:
            raise HubError(f"Hearth asks {host} only, and sends nothing there.")
        if request.url.scheme != "https" and self.url.startswith("https:"):
            cause = f"{self.host} leads to {host}, where others could change what comes."
            raise HubError(cause, "Check the setting hub_url.")
        headers = {name: request.headers[name] for name in _SENT if name in request.headers}
        headers |= {"user-agent": AGENT, "accept-encoding": "identity"}
        token = self._token() if self._may_hear(host, request.url.scheme) else ""
        if token:
            headers["authorization"] = f"Bearer {token}"
        request.headers = httpx2.Headers(headers)
        try:
            response = self._line().send(request, stream=True, follow_redirects=False)
        except httpx2.HTTPError as error:
            raise unreachable(error, host) from None
        if response.status_code >= 400:
            response.close()
            raise self.refused(response, request, has_token=bool(token))
        if response.headers.get("content-encoding", "identity") != "identity":
            response.close()
            raise nonsense(host)
        most, is_cut = request.extensions.get(_LIMIT, (_ANSWER_BYTES, False))
        stream = _Bounded(response, host, self._network, most, is_cut=is_cut)
        return httpx2.Response(response.status_code, headers=response.headers, stream=stream, request=request)

    def refused(self, response: httpx2.Response, request: httpx2.Request, *, has_token: bool) -> HubError:
        """What an answer with an error means.

        Args:
            response: of status 400 or above.
            request: that it answers.
            has_token: whether a token was sent along.
        """
        found = {name.lower(): value for name, value in response.headers.items()}
        where = f"{request.url.scheme}://{host_of(str(request.url))}"
        return refusal(response.status_code, found, where, request.url.path, has_token=has_token)

    def _may_hear(self, host: str, scheme: str) -> bool:
        """Whether a host may hear the token: the hub alone, and nobody on the way there."""
        return bool(host) and host == self.host and (scheme == "https" or urlsplit(f"//{host}").hostname in LOOPBACK)

    def _line(self) -> httpx2.Client:
        with self._lock:
            if self._client is None:
                try:
                    self._client = httpx2.Client(proxy=self._proxy or None, timeout=_TIMEOUT, limits=_NONE_KEPT)
                except (ImportError, ValueError, httpx2.InvalidURL) as error:
                    cause = f"The proxy {host_of(self._proxy)} cannot be used: {error}."
                    raise HubError(cause, "Set another one; http:// and https:// work everywhere.") from error
            return self._client


class _Bound(httpx2.BaseTransport):
    """Sends requests through a connection: its own, else that which is asking on this thread."""

    def __init__(self, connection: HubConnection | None = None) -> None:
        self._connection = connection

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        connection = self._connection or _current.get()
        if connection is None:  # something in this process that Hearth did not begin
            raise OfflineError("Only Hearth itself asks the hub.", "")
        return connection.answer(request)


class _Bounded(httpx2.SyncByteStream):
    """An answer that ends: after so many bytes, so many seconds, or when the network is switched off."""

    def __init__(self, response: httpx2.Response, host: str, network: Network, most: int, *, is_cut: bool) -> None:
        self._response, self._host, self._network = response, host, network
        self._most, self._is_cut = most, is_cut
        self._until_s = time.monotonic() + _ANSWER_S

    def __iter__(self) -> Iterator[bytes]:
        left = self._most
        try:
            for block in self._response.iter_raw():
                self._network.check()
                if time.monotonic() > self._until_s:
                    raise HubError(f"{self._host} takes longer than {_ANSWER_S:.0f} s to answer.", "Try again.")
                if len(block) > left and not self._is_cut:
                    raise nonsense(self._host)
                yield block[:left]
                left -= len(block)
                if left <= 0 and self._is_cut:
                    return
        except httpx2.HTTPError as error:
            raise unreachable(error, self._host) from None

    def close(self) -> None:
        self._response.close()


_current: ContextVar[HubConnection | None] = ContextVar("asking", default=None)
_installing = threading.Lock()
_is_installed = False


def _hub_library(url: str) -> "HfApi":
    """The library, which from then on sends all that it sends through `_Bound`."""
    global _is_installed
    with _installing:
        from huggingface_hub import HfApi, set_client_factory

        if not _is_installed:
            set_client_factory(lambda: _client(_Bound()))
            _is_installed = True
    return HfApi(endpoint=url, token=False)


def _client(transport: httpx2.BaseTransport) -> httpx2.Client:
    return httpx2.Client(transport=transport, follow_redirects=True, max_redirects=_MOST_REDIRECTS)
