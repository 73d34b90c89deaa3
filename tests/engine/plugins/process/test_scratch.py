"""The folder for temporary files of a plugin: limited, and gone in the end."""

import os
import subprocess
import sys

import pytest

from engine.errors import PluginError
from engine.plugins.process import scratch as module
from engine.plugins.process.scratch import Scratch, sweep


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path))
    return Scratch("offender")


def test_it_is_private_and_can_be_removed(scratch, tmp_path):
    assert scratch.folder.parent == tmp_path
    assert scratch.folder.stat().st_mode & 0o777 == 0o700
    (scratch.folder / "a").mkdir()
    (scratch.folder / "a" / "b").write_text("c", encoding="utf-8")
    scratch.remove()
    assert list(tmp_path.iterdir()) == []


def test_large_files_and_many_files_fill_it(scratch):
    (scratch.folder / "a").mkdir()
    (scratch.folder / "a" / "b").write_bytes(bytes(50_000))
    assert not scratch.is_full(100_000, 2)
    assert scratch.is_full(20_000, 2)
    assert scratch.is_full(100_000, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows which files are open")
def test_files_without_a_name_fill_it_as_well(scratch):
    with (scratch.folder / "a").open("wb") as file:
        file.write(bytes(50_000))
        file.flush()
        (scratch.folder / "a").unlink()
        assert not scratch.is_full(20_000, 2)
        assert not scratch.is_full(100_000, 2, os.getpid())
        assert scratch.is_full(20_000, 2, os.getpid())


def test_links_lead_nowhere(scratch, tmp_path):
    (tmp_path / "large").write_bytes(bytes(500_000))
    (scratch.folder / "link").symlink_to(tmp_path / "large")
    (scratch.folder / "loop").symlink_to(scratch.folder)
    assert not scratch.is_full(100_000, 10)


def test_a_plugin_that_fills_the_disk_is_ended(make_plugin):
    source = "def go(a):\n    for i in range(3000): open(str(i), 'w').close()\n    return 'done'"
    plugin = make_plugin(source, limits={"call_s": 5.0, "busy_s": 60.0})
    plugin.start()
    try:
        plugin.go()
    except PluginError as error:
        assert "filled its folder" in error.cause  # noqa: PT017 - it may answer before it is noticed
    plugin.wait_for(lambda: plugin.process.status().failures == 1)
    assert plugin.process.status().reason == "The plugin Offender has filled its folder for temporary files."


def test_what_a_crash_left_behind_is_swept(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    names = {
        f"hearth-plugin-{ended.pid}-tides-abc": False,
        f"hearth-plugin-{os.getpid()}-tides-abc": True,
        "hearth-plugin-x-tides": True,
        "another": True,
    }
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
    (tmp_path / f"hearth-plugin-{ended.pid}-link").symlink_to(tmp_path / "another")
    sweep(tmp_path)
    assert {name: (tmp_path / name / "file").exists() for name in names} == names
    assert (tmp_path / f"hearth-plugin-{ended.pid}-link").is_symlink()
