"""A model that does not fit into a control group's memory is refused in time, where the system would kill Hearth."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.bench.memory_limit import MemoryGroup, memory_group, was_killed
from engine.bench.random_model import write_random_gguf

LIMIT_BYTES = 200 << 20
TIMEOUT_S = 120.0

ASKS = """
import asyncio, json, sys, time
from pathlib import Path
from engine import Engine, EngineConfig, GenerateRequest
from engine.errors import OutOfMemoryError

async def main():
    config = EngineConfig(home=Path(sys.argv[2]), devices=("cpu",), threads=1, max_sequences=4)
    async with Engine(config) as engine:
        await engine.settled()
        began_s = time.monotonic()
        try:
            async for _ in engine.generate(GenerateRequest(model=sys.argv[1], prompt="hello")):
                pass
        except OutOfMemoryError as error:
            took_s = time.monotonic() - began_s
            print(json.dumps({"cause": error.cause, "remedy": error.remedy, "took_s": took_s}))

asyncio.run(main())
"""

LOADS_ALL_THE_SAME = """
import sys
from pathlib import Path
from engine.backends.base import LoadOptions
from engine.backends.llama import LlamaBackend
from engine.models.gguf import read_header
from engine.models.gguf_info import describe

options = LoadOptions(max_sequences=16, available_bytes=1 << 40)
LlamaBackend(None, None).load(describe(read_header(Path(sys.argv[1])), "large"), options, lambda _fraction: True)
"""


@pytest.fixture(scope="module")
def group() -> Iterator[MemoryGroup]:
    with memory_group(LIMIT_BYTES) as made:
        if made is None:
            pytest.skip("no control group can be made here")
        yield made


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of 256 MiB; its context takes 144 MiB more, and 360 where there seems to be enough memory."""
    path = tmp_path_factory.mktemp("models") / "large.gguf"
    write_random_gguf(path, "100m", "f16")
    return path


def run(group: MemoryGroup, script: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    return group.run([sys.executable, "-c", script, *map(str, arguments)], TIMEOUT_S)


@pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")
def test_a_model_that_does_not_fit_is_refused_with_numbers_and_remedies(
    group: MemoryGroup, large: Path, tmp_path: Path
) -> None:
    ended = run(group, ASKS, large, tmp_path)
    assert ended.returncode == 0, ended.stderr
    refusal = json.loads(ended.stdout)
    assert refusal["cause"].startswith("large needs about ")
    assert "MB is free" in refusal["cause"]
    assert " Or: " in refusal["remedy"]
    assert refusal["took_s"] < 1.0


@pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")
def test_without_the_guard_the_system_kills_it(group: MemoryGroup, large: Path) -> None:
    assert was_killed(run(group, LOADS_ALL_THE_SAME, large).returncode)
