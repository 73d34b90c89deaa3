"""Who was at work when a process of Hearth ended without saying so."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.plugins.crash_marker import SLOTS, CrashMarker, collect_crashes
from engine.plugins.host import PluginHost
from engine.plugins.infos import PluginState
from engine.plugins.loader import unload
from engine.plugins.registry import Registry

CHILD = """
import os, signal, sys
from pathlib import Path
from engine.plugins.crash_marker import CrashMarker

marker = CrashMarker(Path(sys.argv[1]))
with marker.running("finished"):
    pass
with marker.running("shout"), marker.running("whisper"):
    {end}
"""
KILL = "os.kill(os.getpid(), signal.SIGKILL)" if os.name != "nt" else "os.abort()"


def run_child(folder: Path, end: str) -> None:
    subprocess.run([sys.executable, "-c", CHILD.format(end=end), str(folder)], check=False, stderr=subprocess.DEVNULL)


def markers(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.running"))


@pytest.mark.parametrize(
    "end", [KILL, "os._exit(0)", "import ctypes; ctypes.string_at(0)"], ids=["kill", "exit", "fault"]
)
def test_a_process_that_ends_leaves_the_names_of_who_was_at_work(end: str, tmp_path: Path):
    run_child(tmp_path, end)
    assert len(markers(tmp_path)) == 1
    assert set(collect_crashes(tmp_path)) == {"shout", "whisper"}
    assert markers(tmp_path) == []
    assert collect_crashes(tmp_path) == ()


def test_a_process_that_lives_is_left_alone(tmp_path: Path):
    marker = CrashMarker(tmp_path)
    with marker.running("shout"):
        assert collect_crashes(tmp_path) == ()
    assert len(markers(tmp_path)) == 1
    marker.close()
    assert markers(tmp_path) == []


def test_a_clean_end_leaves_nothing_and_later_notes_do_no_harm(tmp_path: Path):
    marker = CrashMarker(tmp_path)
    with marker.running("shout"):
        marker.close()
    with marker.running("shout"):
        assert markers(tmp_path) == []


def test_nothing_is_written_before_the_first_note(tmp_path: Path):
    CrashMarker(tmp_path / "home").close()
    assert not (tmp_path / "home").exists()


def test_many_calls_at_the_same_time(tmp_path: Path):
    marker = CrashMarker(tmp_path)
    barrier, done = threading.Barrier(21), threading.Event()

    def work(number: int) -> None:
        with marker.running(f"plugin-{number}"):
            barrier.wait()
            done.wait()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    barrier.wait()
    data = markers(tmp_path)[0].read_bytes()
    assert all(f"plugin-{number}".encode() in data for number in range(20))
    done.set()
    for thread in threads:
        thread.join()
    assert b"plugin-" not in markers(tmp_path)[0].read_bytes()
    marker.close()


def test_more_calls_than_slots_go_on_without_a_note(tmp_path: Path):
    marker = CrashMarker(tmp_path)
    notes = [marker.running(f"plugin-{number}") for number in range(SLOTS + 5)]
    for note in notes:
        note.__enter__()
    for note in notes:
        note.__exit__(None, None, None)
    with marker.running("shout"):
        assert b"shout" in markers(tmp_path)[0].read_bytes()
    marker.close()


@pytest.mark.parametrize(
    "data", [b"", b"nonsense", b"hearth-running-1\nx y\n", b"hearth-running-1\n-5 0.0\n" + b"\0" * 400]
)
def test_damaged_markers_do_no_harm(data: bytes, tmp_path: Path):
    (tmp_path / "plugins-1-0.running").write_bytes(data)
    assert all(isinstance(name, str) for name in collect_crashes(tmp_path))


def test_a_folder_that_cannot_be_written_costs_only_the_notes(tmp_path: Path):
    (tmp_path / "home").write_text("a file where a folder should be")
    marker = CrashMarker(tmp_path / "home")
    with marker.running("shout"):
        pass
    marker.close()
    assert collect_crashes(tmp_path / "home") == ()


async def test_the_next_start_leaves_a_stranger_out_until_it_is_started_again(
    home: Path,
    bundled: Path,
    registry: Registry,
    write_plugin: Callable[..., Path],
    make_host: Callable[..., PluginHost],
):
    own = write_plugin(bundled, "whisper")
    write_plugin(home / "plugins", "shout")
    idle = make_host(is_idle=True)
    await idle.enable("shout", idle.snapshot()[-1].digest)
    idle.close()
    run_child(home, KILL)

    host = make_host()
    await host.settled()
    assert set(host.crashed) == {"shout", "whisper"}
    states = {info.id: (info.state, info.reason) for info in host.snapshot()}
    assert states["whisper"][0] is PluginState.ACTIVE  # comes with Hearth: only reported
    assert states["shout"][0] is PluginState.STOPPED
    assert "ended unexpectedly" in states["shout"][1]
    host.close()

    again = make_host()  # nobody has decided yet
    await again.settled()
    assert again.crashed == ()
    assert {info.id: info.state for info in again.snapshot()}["shout"] is PluginState.STOPPED
    await again.reload("shout")
    assert {info.id: info.state for info in again.snapshot()}["shout"] is PluginState.ACTIVE
    assert {plugin for plugin, _ in registry.tasks()} == {"shout", "whisper"}
    unload(own)
