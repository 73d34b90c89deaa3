"""`hearth models import` and `verify`."""

import hashlib
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from engine.bench.random_model import write_random_gguf


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "New-One.gguf"
    write_random_gguf(path, "tiny", "q8_0", extra={"general.name": "New one"})
    return path


def test_a_model_is_taken_in_once(hearth, home, file):
    ended = hearth("models", "import", file)
    target = home / "models" / "New-One.gguf"
    assert (ended.code, ended.err) == (0, "")
    assert f"new-one is here: {target}" in ended.out
    document = hearth("models", "import", file, "--json").document
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    assert document == {"models": [{"id": "new-one", "path": str(target), "sha256": sha256, "was_here": True}]}
    moved = hearth("models", "import", file, "--move")
    assert "was here already" in moved.out
    assert file.exists()  # nothing was moved, since nothing was brought


def test_a_moved_model_is_gone_where_it_was(hearth, home, file):
    assert hearth("models", "import", "--move", file).code == 0
    assert not file.exists()
    assert "new-one" in hearth("models", "list").out


def test_what_cannot_be_taken_is_a_sentence(hearth, tmp_path):
    (tmp_path / "x.pt").write_bytes(b"\x80\x02.")
    for path, why in ((tmp_path / "x.pt", "can run any code"), (tmp_path / "no.gguf", "There is no file")):
        ended = hearth("models", "import", path, "--json")
        assert (ended.code, ended.out) == (1, "")
        assert why in ended.err
    assert hearth("models", "import").code == 2


def test_a_model_is_verified(hearth, home, file):
    hearth("models", "import", file)
    ended = hearth("models", "verify", "new-one")
    assert (ended.code, "as it should be" in ended.out, "and works" in ended.out) == (0, True, True)
    document = hearth("models", "verify", "new-one", "--json").document
    assert document["sha256"] == document["expected"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert document["trust"] == "passed"
    target = home / "models" / "New-One.gguf"
    target.chmod(0o644)
    data = bytearray(target.read_bytes())
    data[-1] ^= 1
    target.write_bytes(data)
    ended = hearth("models", "verify", "new-one")
    assert (ended.code, ended.out) == (1, "")
    assert "is not what it was" in ended.err
    assert hearth("models", "verify", "nothing").code == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal")
def test_a_terminal_sees_how_far_it_is(home, file):
    main, worker = pty.openpty()
    command = [sys.executable, "-m", "engine", "models", "import", str(file)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=worker, check=False)
    os.close(worker)
    shown = b""
    try:
        while piece := os.read(main, 4096):
            shown += piece
    except OSError:  # the terminal has been closed on the other side
        pass
    os.close(main)
    assert (ended.returncode, b"New-One.gguf" in shown) == (0, True)
    assert shown.endswith(b"\r\x1b[K")
