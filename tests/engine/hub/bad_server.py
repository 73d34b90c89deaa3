"""A hub and the server behind it on this machine, over a network as bad as a test wants it.

`/OWNER/NAME/resolve/main/FILE` of the hub sends to a second server on another port, as hubs do; what goes wrong there,
or at the hub itself, is scripted: each request takes the next fault.
"""

import hashlib
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from engine.hub.transfer import RemoteFile

CHUNK = 64 << 10


@dataclass(frozen=True)
class Bad:
    """Something that goes wrong with one answer.

    Attributes:
        kind: name of the fault; see `_Content`.
        at: after so many bytes of the body, or at this byte of the file.
        size: by how much.
        times: for how many requests; -1 for ever.
        at_hub: whether the hub does it, and not the server that it sends to.
        headers: more of them.
    """

    kind: str
    at: int = 0
    size: int = 0
    times: int = 1
    at_hub: bool = False
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Seen:
    """A request."""

    is_hub: bool
    path: str
    headers: dict[str, str]


@dataclass
class BadServer:
    """Both servers.

    Attributes:
        files: content by name.
        is_linked: whether the hub names sizes and digests, as it does for large files.
        tls: of both; None speaks plainly.
        bytes_per_s: speed of each connection; 0 for as fast as it goes.
        served: bytes of bodies that were sent.
        requests: all of them.
    """

    files: dict[str, bytes]
    is_linked: bool = True
    bytes_per_s: int = 0
    etag: str = '"one"'
    redirect: str = ""
    tls: ssl.SSLContext | None = None
    served: int = 0
    requests: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.faults: dict[bool, deque[Bad]] = {True: deque(), False: deque()}
        self.closing = threading.Event()
        self.digests = {name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()}
        self._servers = [_Server(_Hub, self), _Server(_Content, self)]
        self.hub, self.content = (f"127.0.0.1:{server.server_port}" for server in self._servers)
        self.scheme = "http" if self.tls is None else "https"
        if self.tls is not None:
            for server in self._servers:
                server.socket = self.tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=it.serve_forever, args=(0.05,)) for it in self._servers]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()

    def url(self, name: str) -> str:
        return f"{self.scheme}://{self.hub}/owner/model/resolve/main/{name}"

    def remote(self, name: str, **changes: Any) -> RemoteFile:
        known = {"size_bytes": len(self.files[name]), "sha256": self.digests[name]}
        return RemoteFile(**{"url": self.url(name), "name": name, **known, **changes})

    def script(self, *faults: Bad) -> None:
        """What goes wrong, request by request."""
        for fault in faults:
            self.faults[fault.at_hub].extend([fault] * max(1, fault.times))

    def next_fault(self, *, is_hub: bool) -> Bad | None:
        with self.lock:
            faults = self.faults[is_hub]
            if faults and faults[0].times < 0:
                return faults[0]
            return faults.popleft() if faults else None

    def count(self, size: int) -> None:
        with self.lock:
            self.served += size


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = True

    def __init__(self, handler: type[BaseHTTPRequestHandler], bad: BadServer) -> None:
        self.bad = bad
        super().__init__(("127.0.0.1", 0), handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients that were killed


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    is_hub = False

    def setup(self) -> None:
        # What is sent counts as served; little of it may be under way when somebody hangs up.
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, CHUNK)
        super().setup()

    def log_message(self, *_: object) -> None:
        pass

    @property
    def bad(self) -> BadServer:
        return self.server.bad  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        with self.bad.lock:
            self.bad.requests.append(Seen(self.is_hub, self.path, {k.lower(): v for k, v in self.headers.items()}))
        self.close_connection = True
        fault = self.bad.next_fault(is_hub=self.is_hub)
        with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
            if fault is None or not self.refuse(fault):
                self.answer(fault)

    def refuse(self, fault: Bad) -> bool:
        """Do what has nothing to do with any file; says whether there was something."""
        if fault.kind.isdigit():
            self.send(int(fault.kind), {"Content-Length": "4", **dict(fault.headers)}, b"oops")
        elif fault.kind == "hang up":
            self.reset()
        elif fault.kind == "garbage":
            self.wfile.write(bytes(range(256)) * 8)
        elif fault.kind == "silent":
            self.bad.closing.wait(30)
        elif fault.kind == "slow headers":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            self.drip(b"X-Slow: " + b"s" * 10_000)
        elif fault.kind == "long headers":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: " + b"l" * (1 << 20))
        elif fault.kind == "portal":
            page = b"<html>Accept our terms</html>"
            self.send(200, {"Content-Type": "text/html", "Content-Length": str(len(page))}, page)
        elif fault.kind == "circle":
            self.send(302, {"Location": self.path, "Content-Length": "0"})
        else:
            return False
        return True

    def answer(self, fault: Bad | None) -> None:
        raise NotImplementedError

    def send(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def drip(self, data: bytes) -> None:
        for byte in data:
            if self.bad.closing.wait(0.02):
                return
            self.wfile.write(bytes([byte]))

    def reset(self) -> None:
        """Hang up at once, without what is still to be sent."""
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.request.close()


class _Hub(_Handler):
    is_hub = True

    def answer(self, fault: Bad | None) -> None:
        name = self.path.split("?")[0].split("/resolve/main/")[-1]
        if name not in self.bad.files:
            self.send(404, {"Content-Length": "0", "X-Error-Code": "EntryNotFound"})
            return
        there = self.bad.redirect or f"{self.bad.scheme}://{self.bad.content}"
        headers = {"Location": f"{there}/{name}?signed=1", "Content-Length": "0"}
        if self.bad.is_linked:
            headers["X-Linked-Etag"] = f'"{self.bad.digests[name]}"'
            headers["X-Linked-Size"] = str(len(self.bad.files[name]))
        self.send(302, headers)


class _Content(_Handler):
    def answer(self, fault: Bad | None) -> None:
        name = self.path.split("?")[0].strip("/")
        data = self.bad.files[name]
        kind = fault.kind if fault else ""
        start, end = self.wanted(len(data))
        is_stale = self.headers.get("If-Range", self.bad.etag) != self.bad.etag
        is_range = "Range" in self.headers and kind != "ignores ranges" and not is_stale
        if is_range and start >= len(data):
            self.send(416, {"Content-Range": f"bytes */{len(data)}", "Content-Length": "0"})
            return
        if not is_range:
            start, end = 0, len(data)
        if kind == "wrong offset":
            start += fault.size
        headers = {"Content-Length": str(end - start), "Accept-Ranges": "bytes", "ETag": self.bad.etag}
        if is_range and kind != "no content-range":
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
        self.lie(fault, headers, start, end, len(data))
        self.send(206 if is_range else 200, headers)
        self.body(fault, data, start, end)

    def wanted(self, size: int) -> tuple[int, int]:
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        return int(first), min(size, int(last) + 1) if last else size

    def lie(self, fault: Bad | None, headers: dict[str, str], start: int, end: int, size: int) -> None:
        kind, by = (fault.kind, fault.size) if fault else ("", 0)
        if kind in {"says less", "says more"}:
            by = -by if kind == "says less" else by
            headers["Content-Length"] = str(end - start + by)
            if "Content-Range" in headers:
                headers["Content-Range"] = f"bytes {start}-{end - 1 + by}/{size + by}"
        elif kind == "says nothing":
            del headers["Content-Length"]
        elif kind == "gzip":
            headers["Content-Encoding"] = "gzip"

    def body(self, fault: Bad | None, data: bytes, start: int, end: int) -> None:
        kind, at, size = (fault.kind, fault.at, fault.size) if fault else ("", 0, 0)
        if kind == "says less":
            end -= size
        elif kind == "other bytes":  # under a header that says otherwise
            data = data[size:] + data[:size]
        elif kind == "flip" and start <= at < end:
            data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        sent = 0
        for chunk in self.chunks(data, start, end):
            if kind in {"drop", "stall", "drip"} and sent + len(chunk) > at:
                self.write(chunk[: at - sent])
                self.interrupt(kind, chunk[at - sent :])
                return
            self.write(chunk)
            sent += len(chunk)

    def interrupt(self, kind: str, rest: bytes) -> None:
        if kind == "drop":
            time.sleep(0.02)  # what was sent is to arrive
            self.reset()
        elif kind == "drip":
            self.drip(rest)
        else:
            self.bad.closing.wait(30)

    def chunks(self, data: bytes, start: int, end: int) -> Iterator[bytes]:
        begin_s = time.monotonic()
        for at in range(start, end, CHUNK):
            if self.bad.bytes_per_s:
                ahead_s = (at - start) / self.bad.bytes_per_s - (time.monotonic() - begin_s)
                if ahead_s > 0 and self.bad.closing.wait(ahead_s):
                    return
            yield data[at : min(end, at + CHUNK)]

    def write(self, data: bytes) -> None:
        self.wfile.write(data)
        self.bad.count(len(data))
