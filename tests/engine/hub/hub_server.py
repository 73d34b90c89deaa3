"""A hub on this machine: lists, cards, files and gates, as huggingface_hub asks for them, over real HTTP.

Large files are sent from a second server on another port, as hubs do. What goes wrong is set by `HubServer.fault`.
"""

import functools
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE_BYTES = 100_000
"""Files from here on come from the other server."""
_BLOCK = 1 << 18


@functools.cache
def _digest(path: Path, _changed_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass
class Repo:
    """A repository.

    Attributes:
        files: content by name.
        tags: its own, beside the format's.
        gguf: what the hub says of its GGUF files.
        gated: whether only a token's owner gets its files.
    """

    files: dict[str, bytes | Path]
    tags: tuple[str, ...] = ()
    pipeline_tag: str = "text-generation"
    licence: str = "apache-2.0"
    downloads: int = 100
    likes: int = 10
    modified: str = "2026-01-02T03:04:05.000Z"
    gguf: dict[str, Any] | None = None
    gated: bool = False
    commit: str = COMMIT

    def content(self, name: str, start: int = 0, end: int | None = None) -> bytes:
        data = self.files[name]
        if not isinstance(data, Path):
            return data[start:end]
        with data.open("rb") as file:
            file.seek(start)
            return file.read(-1 if end is None else end - start)

    def size(self, name: str) -> int:
        data = self.files[name]
        return data.stat().st_size if isinstance(data, Path) else len(data)

    def is_large(self, name: str) -> bool:
        return self.size(name) >= LARGE_BYTES

    def digest(self, name: str) -> str:
        """SHA-256 of a large file, git's id of a small one."""
        data = self.files[name]
        if isinstance(data, Path):
            return _digest(data, data.stat().st_mtime_ns)
        if self.is_large(name):
            return hashlib.sha256(data).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def all_tags(self) -> list[str]:
        formats = {name.rpartition(".")[2] for name in self.files} & {"gguf", "onnx"}
        return sorted({*self.tags, *formats, f"license:{self.licence}", self.pipeline_tag})

    def siblings(self, *, has_blobs: bool) -> list[dict[str, Any]]:
        found = []
        for name in self.files:
            row: dict[str, Any] = {"rfilename": name}
            if has_blobs:
                row |= {"size": self.size(name), "blobId": f"{len(found):040x}"}
                if self.is_large(name):
                    row["lfs"] = {"size": self.size(name), "sha256": self.digest(name), "pointerSize": 130}
                else:
                    row["blobId"] = self.digest(name)
            found.append(row)
        return found

    def described(self, name: str, *, has_blobs: bool) -> dict[str, Any]:
        return {
            "id": name, "modelId": name, "sha": self.commit, "private": False, "gated": "auto" if self.gated else False,
            "downloads": self.downloads, "likes": self.likes, "lastModified": self.modified, "tags": self.all_tags(),
            "pipeline_tag": self.pipeline_tag, "siblings": self.siblings(has_blobs=has_blobs), "gguf": self.gguf,
            "cardData": {"license": self.licence},
        }  # fmt: skip


@dataclass
class Request:
    """A request that came."""

    is_hub: bool
    target: str
    headers: dict[str, str]


@dataclass
class HubServer:
    """The hub, and the server that it sends to.

    Attributes:
        repos: by name.
        token: that opens what is gated.
        fault: `garbage`, `huge`, `slow`, `login`, `gzip`, or an HTTP status.
        seen: all requests.
        mangle: changes what is said of models.
    """

    repos: dict[str, Repo] = field(default_factory=dict)
    token: str = "hf_open_sesame"
    fault: str = ""
    seen: list[Request] = field(default_factory=list)
    mangle: Callable[[Any], Any] = field(default=lambda value: value)

    def __enter__(self) -> Self:
        self.hub, self.store = (
            _Quiet(("127.0.0.1", 0), type("Answer", (_Answer,), {"server_of": self, "is_hub": is_hub}))
            for is_hub in (True, False)
        )
        for server in (self.hub, self.store):
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self.hub, self.store):
            server.shutdown()
            server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.hub.server_port}"

    @property
    def store_url(self) -> str:
        return f"http://{_other_name()}:{self.store.server_port}"

    def sent_to(self, *, is_hub: bool) -> list[Request]:
        return [request for request in self.seen if request.is_hub is is_hub]


def _other_name() -> str:
    """Another name of this machine than the hub has; a bare Debian knows none, and there the port alone differs."""
    try:
        return "localhost" if socket.gethostbyname("localhost") == "127.0.0.1" else "127.0.0.1"
    except OSError:
        return "127.0.0.1"


class _Quiet(ThreadingHTTPServer):
    """A server that does not mind when whoever asked has heard enough."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing."""


class _Answer(BaseHTTPRequestHandler):
    """Answers one request."""

    server_of: HubServer
    is_hub: bool
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        server = self.server_of
        headers = {name.lower(): value for name, value in self.headers.items()}
        server.seen.append(Request(self.is_hub, self.path, headers))
        with suppress(ConnectionError):
            if not self.is_hub:
                self._content(unquote(urlsplit(self.path).path).removeprefix("/store/"))
            elif server.fault:
                self._fault(server.fault)
            else:
                self._hub(urlsplit(self.path).path, parse_qs(urlsplit(self.path).query))

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def _hub(self, path: str, query: dict[str, list[str]]) -> None:
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if parts == ["api", "models"]:
            self._json(self._list(query))
        elif parts[:2] == ["api", "models"] and len(parts) in {4, 6}:
            self._info("/".join(parts[2:4]), parts[5] if len(parts) == 6 else "", has_blobs="blobs" in query)
        elif len(parts) > 4 and parts[2] == "resolve":
            self._file("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        else:
            self._refuse(404, "RepoNotFound")

    def _list(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        wanted = {*query.get("filter", ()), *query.get("pipeline_tag", ())}
        text = query.get("search", [""])[0].lower()
        key = query.get("sort", ["downloads"])[0]
        found = [
            repo.described(name, has_blobs=False)
            for name, repo in self.server_of.repos.items()
            if wanted <= set(repo.all_tags()) and text in name.lower()
        ]
        found.sort(key=lambda row: row[key], reverse=True)
        return found[: int(query.get("limit", ["1000"])[0])]

    def _info(self, name: str, revision: str, *, has_blobs: bool) -> None:
        repo = self.server_of.repos.get(name)
        if repo is None:
            self._refuse(401, "RepoNotFound")
        elif revision not in {"", "main", repo.commit}:
            self._refuse(404, "RevisionNotFound")
        else:
            self._json(repo.described(name, has_blobs=has_blobs))

    def _file(self, name: str, revision: str, file: str) -> None:
        repo = self.server_of.repos.get(name)
        if repo is None or file not in repo.files or revision not in {"main", repo.commit}:
            self._refuse(404, "EntryNotFound" if repo else "RepoNotFound")
        elif repo.gated and self.headers.get("authorization") != f"Bearer {self.server_of.token}":
            self._refuse(403 if "authorization" in self.headers else 401, "GatedRepo")
        elif repo.is_large(file):
            self.send_response(302)
            self.send_header("Location", f"{self.server_of.store_url}/store/{name}/{file}")
            self.send_header("X-Linked-Size", str(repo.size(file)))
            self.send_header("X-Linked-ETag", f'"{repo.digest(file)}"')
            self.send_header("X-Repo-Commit", repo.commit)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._send(repo, file)

    def _content(self, path: str) -> None:
        owner, name, file = path.split("/", 2)
        self._send(self.server_of.repos[f"{owner}/{name}"], file)

    def _send(self, repo: Repo, file: str) -> None:
        size = repo.size(file)
        start, end, status = 0, size, 200
        if wanted := self.headers.get("range", "").removeprefix("bytes="):
            first, _, last = wanted.partition("-")
            start, end, status = int(first), min(size, int(last) + 1 if last else size), 206
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.send_header("ETag", f'"{repo.digest(file)}"')
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        while start < end and self.command != "HEAD":
            block = repo.content(file, start, min(end, start + _BLOCK))
            self.wfile.write(block)
            start += len(block)

    def _json(self, value: object) -> None:
        self._body(200, json.dumps(self.server_of.mangle(value)).encode(), "application/json")

    def _refuse(self, status: int, code: str) -> None:
        self._body(status, b'{"error":"no"}', "application/json", {"X-Error-Code": code})

    def _body(self, status: int, data: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _fault(self, fault: str) -> None:
        if fault.isdecimal():
            self._body(int(fault), b"no", "text/plain", {"Retry-After": "3600"})
        elif fault == "garbage":
            self._body(200, b'{"id": ["what"', "application/json")
        elif fault == "login":
            self._body(200, b"<html>Please sign in</html>", "text/html")
        elif fault == "gzip":
            self._body(200, b"\x1f\x8b" + b"\0" * 100, "application/json", {"Content-Encoding": "gzip"})
        elif fault == "huge":
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            for _ in range(10_000):
                self.wfile.write(b" " * (1 << 20))
        elif fault == "slow":
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            for _ in range(600):
                self.wfile.write(b" ")
                time.sleep(0.1)


def starter_repo(**settings: Any) -> Repo:
    """A repository with the model that comes with Hearth, in a large file."""
    from resources import models_dir

    card = "---\nlicense: mit\nbase_model: hearth/starter\n---\n# Starter\n\nA small model.\n"
    files: dict[str, bytes | Path] = {
        "README.md": card.encode(),
        "LICENSE": b"MIT License\n\nPermission is hereby granted ...\n",
        "starter-F16.gguf": models_dir() / "starter.gguf",
        "mmproj-starter-F16.gguf": b"x" * 1000,
        "imatrix.gguf": b"x" * 1000,
        ".gitattributes": b"*.gguf filter=lfs",
    }
    gguf = {"total": 4_200_000, "architecture": "llama", "context_length": 2048}
    return Repo(**{"files": files, "licence": "mit", "gguf": gguf, "tags": ("conversational",), **settings})
