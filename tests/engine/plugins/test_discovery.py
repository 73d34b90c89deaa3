"""Plugins are found by their manifests alone, two hundred of them in the blink of an eye."""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.plugins.discovery import discover, look

WritePlugin = Callable[..., Path]

SETTINGS = """
[[settings]]
name = "rounds"
title = "Rounds"
kind = "integer"
least = 1
most = 10
default = 3

[limits]
time_limit_s = 120
memory_mb = 256
"""
TARGET_S = 0.150
LENIENCE = 3  # this machine may be busy


def test_plugins_are_found_and_refused_ones_with_the_reason(tmp_path: Path, write_plugin: WritePlugin):
    write_plugin(tmp_path, "shout-twice")
    write_plugin(tmp_path, "odd", manifest="colour = 3")
    (tmp_path / "no_plugin").mkdir()
    (tmp_path / ".new-half").mkdir()
    (tmp_path / ".new-half" / "plugin.toml").touch()
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "file.py").touch()
    found = discover(tmp_path)
    assert [(each.id, each.manifest is not None) for each in found] == [("odd", False), ("shout-twice", True)]
    assert "colour" in str(found[0].refusal)
    assert found[1] == look(tmp_path / "shout_twice")
    assert discover(tmp_path / "nothing") == ()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_the_name_of_a_folder_moves_no_cursor(tmp_path: Path):
    folder = tmp_path / "odd\x1b[2J\n"
    folder.mkdir()
    (folder / "plugin.toml").touch()
    [found] = discover(tmp_path)
    assert found.id == "odd\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}"


def test_two_hundred_are_found_in_time_and_none_is_imported(
    tmp_path: Path, write_plugin: WritePlugin, record_property: Callable[[str, object], None]
):
    for number in range(200):
        write_plugin(tmp_path, f"plugin-{number}", "raise RuntimeError('imported')")
        with (tmp_path / f"plugin_{number}" / "plugin.toml").open("a") as file:
            file.write(SETTINGS)
    times_s = []
    for _ in range(3):
        began_s = time.perf_counter()
        found = discover(tmp_path)
        times_s.append(time.perf_counter() - began_s)
    record_property("discover_ms", round(1000 * statistics.median(times_s), 1))
    assert len(found) == 200
    assert all(each.manifest is not None for each in found)
    assert [name for name in sys.modules if name.startswith("plugins.plugin_")] == []
    assert min(times_s) < LENIENCE * TARGET_S
