"""Line: asks servers for ranges of files, and can be cut from another thread."""

import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import httpx2

from engine.errors import HubError, OfflineError
from engine.hub.transfer.answers import Answer, judge, linked, whole_host
from engine.hub.transfer.faults import Fault, Nonsense
from engine.hub.transfer.network import Network
from engine.hub.transfer.remote import RemoteFile
from engine.hub.transfer.settings import TransferSettings
from engine.jobs import JobControl

logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would write down addresses that are as good as keys

_MOST_REDIRECTS: Final = 8
_REDIRECTS: Final = {301, 302, 303, 307, 308}
_LEAST_BYTES_PER_S: Final = 512  # slower is taken for a server that keeps people waiting
_PROXY_REMEDY: Final = "Correct the setting `proxy`, or the system's."


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for.

    Attributes:
        start: first byte.
        end: one behind the last; None for all that follow.
        etag: the rest is of use only while the file has this one; empty if that is known otherwise.
    """

    start: int = 0
    end: int | None = None
    etag: str = ""

    def headers(self) -> dict[str, str]:
        """As HTTP says it."""
        headers = {"Accept-Encoding": "identity", "User-Agent": "hearth"}
        if self.start or self.end is not None:
            headers["Range"] = f"bytes={self.start}-{'' if self.end is None else self.end - 1}"
            if self.etag:
                headers["If-Range"] = self.etag
        return headers


@cache
def _certificates() -> ssl.SSLContext:
    """Those of the system; reading them takes longer than a small file."""
    return httpx2.create_ssl_context()


class Line:
    """Connections of one download; each answer has its own, so that a broken one harms no other.

    Thread: the job's.
    """

    def __init__(self, settings: TransferSettings, network: Network, control: JobControl) -> None:
        """Make it; nothing is connected yet.

        Raises:
            HubError: the proxy cannot be used.
        """
        self._settings, self._network, self._control = settings, network, control
        timeout = httpx2.Timeout(settings.stall_s, connect=settings.connect_s)
        try:
            self._client = httpx2.Client(
                verify=_certificates(),
                proxy=settings.proxy or None,
                timeout=timeout,
                limits=httpx2.Limits(max_keepalive_connections=0),
                follow_redirects=False,  # the token must not follow
            )
        except (ValueError, ImportError, httpx2.InvalidURL) as error:
            cause = f"The proxy {settings.proxy or 'of the system'} cannot be used: {error}"
            raise HubError(f"{cause.rstrip('.')}.", _PROXY_REMEDY) from error

    def close(self) -> None:
        """Let it go."""
        self._client.close()

    @contextmanager
    def open(self, remote: RemoteFile, ask: Ask) -> Iterator[Answer]:
        """Ask for a range; the answer may be of another one.

        Raises:
            Fault: no answer, or one that may be another next time.
            OfflineError: the network is switched off.
            JobStopped: the job has to end.
            HubError: it will not be answered.
        """
        sockets = _Sockets()
        with (
            ExitStack() as stack,
            self._network.watch(sockets.cut),
            self._control.when_stopped(sockets.cut),
        ):
            url, size, sha256 = httpx2.URL(remote.url), remote.size_bytes, remote.sha256
            first = whole_host(url)
            for _ in range(_MOST_REDIRECTS):
                is_first = whole_host(url) == first
                response = self._send(url, ask, sockets, is_first=is_first)
                stack.callback(response.close)
                if is_first:
                    size, sha256 = linked(response, remote, size, sha256)
                if response.status_code in _REDIRECTS:
                    url = self._next(response)
                    response.close()
                    continue
                answer = judge(response, remote, ask.start, is_first=is_first)
                answer.size, answer.sha256 = answer.size or size, sha256
                answer.chunks = self._chunks(response)
                yield answer
                return
        raise Nonsense(f"{first} sends in circles.")

    def _send(self, url: httpx2.URL, ask: Ask, sockets: "_Sockets", *, is_first: bool) -> httpx2.Response:
        headers = ask.headers()
        if is_first and (token := self._settings.token(url.netloc.decode("ascii"))):
            headers["Authorization"] = f"Bearer {token}"
        # A server that sends its headers byte by byte never lets a read time out.
        deadline = threading.Timer(self._settings.connect_s + self._settings.stall_s, sockets.cut)
        deadline.daemon = True
        deadline.start()
        try:
            request = self._client.build_request("GET", url, headers=headers, extensions={"trace": sockets.note})
            return self._client.send(request, stream=True)
        except (httpx2.HTTPError, httpx2.InvalidURL, ssl.SSLError, OSError, ValueError) as error:
            raise self._fault(error, url.host) from error
        finally:
            deadline.cancel()

    def _next(self, response: httpx2.Response) -> httpx2.URL:
        url = response.url
        try:
            following = url.join(response.headers.get("location", ""))
        except (httpx2.InvalidURL, ValueError) as error:
            raise Nonsense(f"{url.host} sends to an address that is none.") from error
        if following.scheme not in {"https", "http"} or not following.host:
            raise Nonsense(f"{url.host} sends to an address that is none.")
        if url.scheme == "https" and following.scheme != "https":
            cause = f"{url.host} sends to {following.host} without encryption."
            raise HubError(cause, "Another network or mirror may be honest.")
        return following

    def _chunks(self, response: httpx2.Response) -> Iterator[bytes]:
        """The body; time in which nobody asks for more does not count as a stall."""
        chunks = response.iter_raw()
        host = response.url.host
        waited_s, came = 0.0, 0
        while True:
            begin_s = time.monotonic()
            try:
                chunk = next(chunks, None)
            except (httpx2.HTTPError, httpx2.StreamError, ssl.SSLError, OSError, ValueError) as error:
                raise self._fault(error, host) from error
            if chunk is None:
                self._look()  # a cut connection may end like a whole one
                return
            waited_s += time.monotonic() - begin_s
            came += len(chunk)
            if waited_s > self._settings.stall_s:
                if came < _LEAST_BYTES_PER_S * waited_s:
                    raise Fault(f"{host} sent {came} bytes in {waited_s:.0f} s.")
                waited_s, came = 0.0, 0
            yield chunk

    def _look(self) -> None:
        self._control.check()
        self._network.check()

    def _fault(self, error: Exception, host: str) -> Exception:
        """What an error of the connection means."""
        try:
            self._look()
        except OfflineError as offline:
            return offline
        text = str(error)
        if "CERTIFICATE_VERIFY_FAILED" in text:
            cause = f"{host} cannot prove that it is {host}: {text.rsplit(': ', 1)[-1].rstrip('.')}."
            return HubError(cause, "Set the clock, or add the certificate of your firm's proxy to the system's.")
        if isinstance(error, httpx2.ProxyError):
            return Fault(f"The proxy refuses: {text}.", _PROXY_REMEDY)
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            return Fault(f"{host} cannot be reached.", "Check the connection, the proxy and the address of the hub.")
        if isinstance(error, httpx2.TimeoutException):
            return Fault(f"{host} sent nothing for {self._settings.stall_s:.0f} s.")
        return Fault(f"The connection to {host} broke.")


class _Sockets:
    """Connections of one answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []  # guarded by _lock
        self._is_cut = False

    def note(self, event: str, info: dict[str, Any]) -> None:
        """Hear of a new one, as httpx tells."""
        if not event.endswith(("connect_tcp.complete", "start_tls.complete")):
            return
        connection = info["return_value"].get_extra_info("socket")
        with self._lock:
            self._sockets.append(connection)
            is_cut = self._is_cut
        if is_cut:
            self.cut()

    def cut(self) -> None:
        """End all waits for them; they are closed by their own thread."""
        with self._lock:
            self._is_cut = True
            sockets = list(self._sockets)
        for connection in sockets:
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # TLS's own would wait for the other side
