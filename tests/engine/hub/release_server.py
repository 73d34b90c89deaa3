"""A server of lists of versions on this machine, that answers as a test wants it."""

import json
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

LATEST: Mapping[str, Any] = {
    "version": "99.2.0",
    "released": "2026-12-24",
    "notes": "# New\n\n- Faster. See [here](https://hearth.example/notes) ![x](https://spy.example/x.png)",
    "page": "https://hearth.example/download",
    "files": [
        {
            "system": system,
            "name": f"hearth-99.2.0-{system}.bin",
            "url": f"https://hearth.example/{system}.bin",
            "sha256": digit * 64,
            "bytes": 123_456_789,
        }
        for system, digit in (("linux", "a"), ("windows", "b"), ("macos", "c"))
    ],
}


class ReleaseServer:
    """Serves one list; enter it.

    Attributes:
        body: what is answered.
        status: HTTP's.
        headers: more of them.
        drip_s: pause between two bytes; 0 sends all at once.
        seen: method, path and headers (names in lower case) of each request.
        url: of the list.
    """

    def __init__(self) -> None:
        self.body = json.dumps(LATEST).encode()
        self.status = 200
        self.headers: dict[str, str] = {}
        self.drip_s = 0.0
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        outer = self

        class Answers(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.seen.append(("GET", self.path, {name.lower(): value for name, value in self.headers.items()}))
                self.send_response(outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                with suppress(OSError):
                    for block in [outer.body] if not outer.drip_s else [bytes([it]) for it in outer.body]:
                        self.wfile.write(block)
                        time.sleep(outer.drip_s)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hearth/latest.json"

    def tell(self, **changes: Any) -> None:
        """Answer with another list."""
        self.body = json.dumps({**LATEST, **changes}).encode()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
