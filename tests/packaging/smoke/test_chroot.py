from pathlib import Path

import pytest
from failure import SetupError
from smoke import chroot
from smoke.chroot import Debian, require_tools


def test_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chroot.os, "geteuid", lambda: 1000)
    with pytest.raises(SetupError, match="needs root"):
        require_tools()


def test_a_missing_tool_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chroot.os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SetupError, match="debootstrap is missing"):
        require_tools()


def test_what_is_left_of_a_name_is_found(tmp_path: Path):
    debian = Debian("bookworm", tmp_path / "cache")
    try:
        for place in (
            "usr/lib/Hearth/x",
            "etc/hearth.conf",
            "proc/hearth",
            "home/person/hearth",
            "var/log/hearth",
            "usr/x",
        ):
            (debian.root / place).parent.mkdir(parents=True, exist_ok=True)
            (debian.root / place).touch()
        assert debian.named("hearth") == ["/etc/hearth.conf", "/usr/lib/Hearth"]
    finally:
        debian.__exit__(None, None, None)
    assert not debian.root.exists()


def test_files_go_in_and_come_out(tmp_path: Path):
    debian = Debian("bookworm", tmp_path / "cache")
    try:
        (tmp_path / "folder" / "__pycache__").mkdir(parents=True)
        (tmp_path / "folder" / "script.py").write_text("pass", encoding="utf-8")
        debian.put(tmp_path / "folder", "/opt/trial")
        assert [path.name for path in (debian.root / "opt" / "trial").iterdir()] == ["script.py"]
        debian.take("/opt/trial/script.py", tmp_path / "out" / "script.py")
        assert (tmp_path / "out" / "script.py").read_text(encoding="utf-8") == "pass"
    finally:
        debian.__exit__(None, None, None)
