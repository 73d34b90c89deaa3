import io
import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.bench.random_model import write_random_gguf
from engine.cli.main import run_arguments


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output, which must be one JSON document and nothing else."""
        return json.loads(self.out)


Hearth = Callable[..., Ended]

CHAT_TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:"


@pytest.fixture(scope="session")
def model_files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Small random models: one that completes, one that chats, one that embeds."""
    folder = tmp_path_factory.mktemp("models")
    extras: Mapping[str, Mapping[str, Any]] = {
        "plain": {},
        "chatty": {"tokenizer.chat_template": CHAT_TEMPLATE},
        "vectors": {"llama.pooling_type": 1},
    }
    for name, extra in extras.items():
        write_random_gguf(folder / f"{name}.gguf", "tiny", "q8_0", extra=extra)
    return {name: folder / f"{name}.gguf" for name in extras}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_files: Mapping[str, Path]) -> Path:
    """Hearth's folder, with the small models in it."""
    home = tmp_path / "home"
    (home / "models").mkdir(parents=True)
    for path in model_files.values():
        shutil.copy(path, home / "models")
    monkeypatch.setenv("HEARTH_HOME", str(home))
    return home


@pytest.fixture
def hearth(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Hearth:
    """Run a command in this process."""

    def run(*arguments: object, stdin: str | bytes = "") -> Ended:
        data = stdin if isinstance(stdin, bytes) else stdin.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        capsys.readouterr()
        code = run_arguments([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Ended(code if isinstance(code, int) else 0, captured.out, captured.err)

    return run
