"""Engines over fake backends: everything real but the arithmetic."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from engine.engine import Engine
from engine.errors import ModelNotFoundError
from engine.models.library import ModelLibrary
from engine.testing import FakeBackend
from engine.types import Accepts, ModelInfo
from tests.computing import computing
from tests.engine.rpc_server import RpcServer

CAPABILITIES = {
    "text": frozenset({Accepts.MESSAGES, Accepts.PROMPT}),
    "other": frozenset({Accepts.MESSAGES, Accepts.PROMPT}),
    "eyes": frozenset({Accepts.IMAGE}),
    "vectors": frozenset({Accepts.TEXTS}),
}


class FakeLibrary(ModelLibrary):
    """Models that need no file; named after what they can do."""

    def __init__(self, size_bytes: int = 1000) -> None:
        super().__init__([])
        self.size_bytes = size_bytes

    def scan(self) -> tuple[ModelInfo, ...]:
        return tuple(self.find(name) for name in CAPABILITIES)

    def find(self, name: str) -> ModelInfo:
        if name not in CAPABILITIES:
            raise ModelNotFoundError(f"No model called {name}.")
        return ModelInfo(
            id=name,
            path=Path(f"/nowhere/{name}.gguf"),
            format="gguf",
            name=name,
            architecture="fake",
            size_bytes=self.size_bytes,
            accepts=CAPABILITIES[name],
        )


@pytest.fixture
def make_rpc_server() -> Iterator[Callable[..., RpcServer]]:
    """Start RPC servers; they are killed after the test."""
    servers: list[RpcServer] = []

    def make(devices: int = 1) -> RpcServer:
        servers.append(RpcServer(devices))
        return servers[-1]

    yield make
    for server in servers:
        server.kill()


MakeEngine = Callable[..., Engine]


@pytest.fixture
async def make_engine(tmp_path: Path) -> AsyncIterator[MakeEngine]:
    """Make open engines with a fake library; they are closed after the test."""
    async with AsyncExitStack() as stack:

        def make(backend: FakeBackend, size_bytes: int = 1000, **settings: object) -> Engine:
            engine = Engine(computing(home=tmp_path, **settings), backends={"gguf": backend})
            engine._library = FakeLibrary(size_bytes)
            engine.open()
            stack.push_async_callback(engine.close)
            return engine

        yield make
