"""llama.cpp's RPC server on loopback: a device of type GPU on every machine, and one that can be killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.devices.seen.libraries import modules_folder

ROOT = Path(__file__).parents[2]
_SERVE = "from engine.backends.llama.devices import serve_rpc; serve_rpc({endpoint!r}, Path({modules!r}), {devices})"


def modules() -> Path:
    """Where `make backends` has put llama.cpp's modules; `make test` sees to it that RPC is there."""
    folder = modules_folder()
    if folder is None or not any("ggml-rpc" in path.name for path in folder.iterdir()):
        pytest.fail("llama.cpp's RPC module is missing: run `make backends ARGS=rpc`.")
    return folder


class RpcServer:
    """A server in a process of its own, sharing the processor as if it were graphics processors."""

    def __init__(self, devices: int = 1) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.endpoint = f"127.0.0.1:{free.getsockname()[1]}"
        code = "from pathlib import Path; " + _SERVE.format(
            endpoint=self.endpoint, modules=str(modules()), devices=devices
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "GGML_NO_BACKTRACE": "1"},
        )
        self._wait()

    @property
    def targets(self) -> tuple[str, ...]:
        """The first device, as the backend calls it."""
        return (f"{self.endpoint}#0",)

    def kill(self) -> None:
        """End it at once, as when a cable is pulled."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Let it hang."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def _wait(self) -> None:
        host, port = self.endpoint.split(":")
        until_s = time.monotonic() + 30
        while time.monotonic() < until_s:
            try:
                socket.create_connection((host, int(port)), 0.2).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        self.kill()
        pytest.fail("The RPC server did not start.")
