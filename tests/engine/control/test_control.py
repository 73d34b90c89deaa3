import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from engine.control import run_files
from engine.control.calls import ModelsInMemory
from engine.control.client import RunningEngine, running_engines
from engine.control.server import MOST_CLIENTS, ControlServer
from engine.errors import EngineClosedError, EngineError, InvalidRequestError, ModelError, PluginError
from engine.queueing import QueueSnapshot
from engine.requests import Urgency
from tests.engine.control import stand_in
from tests.engine.control.stand_in import CACHE, MODEL, QUEUE, StandIn, serving

unix_only = pytest.mark.skipif(sys.platform == "win32", reason="Unix sockets")


def only(home: Path, timeout_s: float = 5.0) -> RunningEngine:
    (found,) = running_engines(home, timeout_s)
    return found


def within(seconds: float, is_true: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if is_true():
            return True
        time.sleep(0.005)
    return False


@pytest.fixture
def engine() -> StandIn:
    return StandIn()


@pytest.fixture
def running(engine: StandIn, tmp_path: Path) -> Iterator[RunningEngine]:
    with serving(engine, tmp_path):
        yield only(tmp_path)


def test_the_queue_arrives_as_it_was(running: RunningEngine):
    snapshot = running.queue()
    assert snapshot == replace(QUEUE, loading={"code-7b": 0.5})
    assert isinstance(snapshot, QueueSnapshot)
    assert snapshot.requests[0].urgency is Urgency.INTERACTIVE
    assert snapshot.requests[0].progress == pytest.approx(0.6)


def test_models_arrive_as_they_were_and_memory_of_devices_is_not_counted(running: RunningEngine):
    assert running.models() == ModelsInMemory(loaded=(MODEL,), memory_bytes=7_000, budget_bytes=16_000)


def test_caches_arrive_as_they_were(running: RunningEngine):
    assert running.cache() == CACHE


def test_what_is_told_reaches_the_engine(running: RunningEngine, engine: StandIn):
    assert running.cancel("r1")
    assert not running.cancel("r9")
    assert running.move_up("r2")
    assert running.set_urgency("r2", Urgency.INTERACTIVE, 4)
    assert running.set_urgency("r2", Urgency.NORMAL)
    assert engine.told == [
        ("cancel", "r1"), ("cancel", "r9"), ("up", "r2"), ("urgency", "r2", Urgency.INTERACTIVE, 4),
        ("urgency", "r2", Urgency.NORMAL, None),
    ]  # fmt: skip
    running.set_order("fifo")
    running.pause(True)
    assert (running.queue().order, running.queue().is_paused) == ("fifo", True)
    running.pause(False)
    assert not running.queue().is_paused


def test_models_are_pinned_and_unloaded_on_the_loop(running: RunningEngine, engine: StandIn):
    running.pin("chat-8b", True)
    assert running.unload("chat-8b")
    assert not running.unload("other")
    assert engine.told[0] == ("pin", "chat-8b", True, "loop")
    assert engine.told[1] == ("unload", "chat-8b", "loop")


def test_errors_cross_with_cause_and_remedy(running: RunningEngine):
    with pytest.raises(InvalidRequestError, match=r"^Level 9 is none\. Choose from 0 to 4\.$"):
        running.set_urgency("r1", Urgency.BATCH, 9)
    with pytest.raises(ModelError, match="busy is answering"):
        running.unload("busy")
    with pytest.raises(EngineError) as caught:
        running.set_order("plugin")
    assert (caught.value.cause, caught.value.remedy) == ("A plugin failed.", "Reload it.")
    assert not isinstance(caught.value, PluginError)


def test_a_fault_of_the_engine_is_a_sentence(running: RunningEngine, caplog: pytest.LogCaptureFixture):
    with pytest.raises(EngineError, match="RuntimeError: something odd"):
        running.set_order("odd")
    assert "could not be answered" in caplog.text
    assert running.queue().ended_today == 7


def test_nothing_is_there_before_and_after(tmp_path: Path, engine: StandIn):
    assert running_engines(tmp_path) == ()
    with serving(engine, tmp_path) as server:
        found = only(tmp_path)
        content = run_files.read_all(tmp_path)[0][1]
        assert found.process == os.getpid()
        assert found.title == "window"
        assert Path(content.address).exists()
        server.open()
    assert running_engines(tmp_path) == ()
    assert list((tmp_path / "run").iterdir()) == []
    assert not Path(content.address).parent.exists()
    server.close()
    with pytest.raises(EngineClosedError, match="has ended"):
        found.queue()


@unix_only
def test_only_the_owner_can_read_where_it_is_and_reach_it(tmp_path: Path, engine: StandIn):
    with serving(engine, tmp_path):
        ((path, content),) = run_files.read_all(tmp_path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(Path(content.address).parent.stat().st_mode) == 0o700
        assert len(content.address) < 100


def test_the_newest_is_first(tmp_path: Path):
    with serving(StandIn(), tmp_path, "first"), serving(StandIn(), tmp_path, "second"):
        assert [found.title for found in running_engines(tmp_path)] == ["second", "first"]
    assert running_engines(tmp_path) == ()


def test_who_does_not_know_the_key_learns_and_changes_nothing(tmp_path: Path, engine: StandIn):
    with serving(engine, tmp_path):
        ((path, content),) = run_files.read_all(tmp_path)
        stranger = RunningEngine(path, run_files.RunFile(**{**_fields(content), "key": "00" * 32}))
        with pytest.raises(EngineError, match="does not answer"):
            stranger.cancel("r1")
        assert engine.told == []
        assert only(tmp_path).cancel("r1")


def _fields(content: run_files.RunFile) -> dict[str, object]:
    return {name: getattr(content, name) for name in content.__struct_fields__}


@unix_only
def test_stuck_clients_hold_nobody(tmp_path: Path, engine: StandIn):
    from engine.control.channel import connect, introduce

    with serving(engine, tmp_path, timeout_s=0.3), ExitStack() as stack:
        content = run_files.read_all(tmp_path)[0][1]
        for number in range(MOST_CLIENTS):
            connection = stack.enter_context(connect(content.address, 5))
            if number % 3 == 1:
                introduce(connection, bytes.fromhex(content.key))
            elif number % 3 == 2:
                os.write(connection.fileno(), b"\x00\x00")  # the beginning of a message
        assert within(5, lambda: _answers(only(tmp_path)))


def _answers(found: RunningEngine) -> bool:
    try:
        return found.queue().ended_today == 7
    except EngineError:
        return False


def test_an_engine_that_hangs_does_not_hold_who_asks_nor_the_others(tmp_path: Path, engine: StandIn):
    with serving(engine, tmp_path):
        engine.goes_on.clear()
        started = time.monotonic()
        with pytest.raises(EngineError, match="does not answer"):
            only(tmp_path, timeout_s=0.2).queue()
        assert only(tmp_path).models().loaded == (MODEL,)
        assert time.monotonic() - started < 5
        engine.goes_on.set()


@pytest.mark.parametrize("call", [b"", b"\xc0", b"\x81\xa4call\xa6forget", b"x" * 100_000, b"\x80\x04K\x01."])
def test_what_is_no_question_is_refused(tmp_path: Path, engine: StandIn, call: bytes):
    from engine.control.calls import Reply, decoded, error_of
    from engine.control.channel import connect, introduce

    with serving(engine, tmp_path):
        content = run_files.read_all(tmp_path)[0][1]
        with connect(content.address, 5) as connection:
            introduce(connection, bytes.fromhex(content.key))
            try:
                connection.send_bytes(call)  # too long a call may be hung up on before all of it was sent
                error = error_of(decoded(connection.recv_bytes(), Reply))
            except (EOFError, OSError):
                assert len(call) > 1 << 16
            else:
                assert "another version" in error.cause
        assert _answers(only(tmp_path))


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"process": "x"}', b"\xff" * 50])
def test_a_broken_file_is_passed_over(tmp_path: Path, engine: StandIn, data: bytes):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "7-x.json").write_bytes(data)
    with serving(engine, tmp_path):
        assert only(tmp_path).queue().ended_today == 7


def test_a_home_that_cannot_be_written_harms_nobody(tmp_path: Path, engine: StandIn, caplog: pytest.LogCaptureFixture):
    (tmp_path / "file").write_bytes(b"")
    import asyncio

    loop = asyncio.new_event_loop()
    with ControlServer(engine, tmp_path / "file", loop, "window") as server:
        assert not server.wait_until_ready()
    loop.close()
    assert "cannot reach this Hearth" in caplog.text


def test_no_thread_is_left(tmp_path: Path, engine: StandIn):
    with serving(engine, tmp_path):
        only(tmp_path).queue()
    assert within(2, lambda: not [t for t in threading.enumerate() if t.name.startswith("hearth-control")])


@pytest.fixture
def process(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", stand_in.__name__, str(tmp_path), "hearth run"]
    root = str(Path(__file__).parents[3])
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
        cwd=root,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.communicate(timeout=20)  # ends it, if it was not killed


def test_another_process_answers(tmp_path: Path, process: "subprocess.Popen[str]"):
    found = only(tmp_path)
    assert (found.process, found.title) == (process.pid, "hearth run")
    assert found.queue() == replace(QUEUE, loading={"code-7b": 0.5})
    assert found.unload("chat-8b")
    process.communicate(timeout=10)
    assert process.returncode == 0
    assert running_engines(tmp_path) == ()


def test_what_a_killed_one_left_is_removed_by_who_looks(tmp_path: Path, process: "subprocess.Popen[str]"):
    ((path, content),) = run_files.read_all(tmp_path)
    process.kill()
    process.wait()
    assert path.exists()
    assert running_engines(tmp_path) == ()
    assert not path.exists()
    assert not Path(content.address).parent.exists()


def test_what_a_killed_one_left_is_removed_by_the_next(
    tmp_path: Path, engine: StandIn, process: "subprocess.Popen[str]"
):
    ((path, _),) = run_files.read_all(tmp_path)
    process.kill()
    process.wait()
    with serving(engine, tmp_path):
        assert within(5, lambda: not path.exists())
        assert only(tmp_path).title == "window"


@unix_only
def test_a_file_of_a_process_number_that_is_used_again_is_removed_by_who_asks(tmp_path: Path):
    from engine.control.channel import Listening

    gone = Listening()
    gone.close()
    content = run_files.RunFile(process=os.getpid(), title="old", started_at=0.0, address=gone.address, key="00")
    path = run_files.write(tmp_path, content)
    with pytest.raises(EngineClosedError, match="has ended"):
        only(tmp_path).queue()
    assert not path.exists()


def test_nothing_of_it_is_a_pickle():
    folder = Path(run_files.__file__).parent
    sources = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    assert len(sources) > 4
    assert [
        name for name, text in sources.items() if ".recv()" in text or ".send(" in text or "import pickle" in text
    ] == []


def test_opening_costs_little(tmp_path: Path):
    root = Path(__file__).parents[3]
    code = (
        "import asyncio, json, sys, time, engine.engine\n"
        "from engine.control.server import ControlServer\n"
        "from pathlib import Path\n"
        "loop = asyncio.new_event_loop()\n"
        "server = ControlServer(None, Path(sys.argv[1]), loop, 'x')\n"
        "opening = time.perf_counter()\n"
        "server.open()\n"
        "ended = time.perf_counter()\n"
        "server.close()\n"
        "print(json.dumps(ended - opening))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(ran.stdout) < 0.05  # some 0.2 ms on a machine that does nothing else
