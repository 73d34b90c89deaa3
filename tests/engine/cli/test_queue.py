"""`hearth queue`, against an engine that only says what it is told, through the real channel."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cli.running import duration_text
from engine.control.client import running_engines
from engine.queueing import FACTORS, LaneWork, QueueSnapshot, RequestState
from engine.requests import Urgency
from tests.engine.control.stand_in import PARTS, QUEUE, RUNNING, WAITING, StandIn, serving

PROCESS = os.getpid()


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def engine(home: Path) -> Iterator[StandIn]:
    engine = StandIn()
    with serving(engine, home):
        yield engine


def rows_of(text: str) -> dict[str, list[str]]:
    """Cells of a table by the first one."""
    rows = [
        [cell for cell in line.strip().split("  ") if cell.strip()] for line in text.splitlines() if line[:1] == " "
    ]
    return {row[0].strip(): [cell.strip() for cell in row] for row in rows if row}


def test_without_a_hearth_it_says_so(hearth):
    ended = hearth("queue")
    assert (ended.code, ended.out, ended.err) == (0, "No Hearth is running.\n", "")
    assert hearth("queue", "--json").document == {"engines": []}
    assert hearth("queue", "finished").out == "No Hearth is running.\n"
    for arguments in (("cancel", "r1"), ("up", "r1"), ("why", "r1"), ("pause",), ("order", "fifo")):
        ended = hearth("queue", *arguments)
        assert (ended.code, ended.out, ended.err) == (1, "", "No Hearth is running.\n")


def test_what_runs_and_what_waits_is_a_table_with_reasons_below(hearth, engine: StandIn):
    ended = hearth("queue")
    assert ended.code == 0
    rows = rows_of(ended.out)
    assert rows["r1"] == [
        "r1", "Explain lists", "chat-8b", "window", "interactive", "runs, 60%", "cpu", "0.90", "–", "1 min 15 s",
    ]  # fmt: skip
    assert rows["r2"] == [
        "r2", "Index notes [all]", "vectors", "indexer", "batch, level 1", "waits", "cpu", "0.31", "8.0 s", "1 h 6 min",
    ]  # fmt: skip
    assert "r2: Waits because vectors would have to evict chat-8b.\n" in ended.out
    assert "code-7b is being loaded, 50%." in ended.out
    assert "Ordered by hearth; who arrives 4 min later never overtakes. 7 requests have ended today." in ended.out


def test_an_empty_queue_and_a_paused_one(hearth, engine: StandIn):
    frozen = LaneWork(name="gpu:0", device="gpu:0", frozen=("chat-8b",))
    engine.state = QueueSnapshot(
        is_paused=True, order="fifo", lanes=(frozen,), ended_today=1, overtaken_at_most_s=0.0
    )  # fmt: skip
    out = hearth("queue").out
    assert out.splitlines() == [
        "Nothing runs, and nothing waits.",
        "The queue is paused: nothing new begins until `hearth queue resume`.",
        "gpu:0: chat-8b takes nothing new, because a request before it needs its memory.",
        "Ordered by fifo; who arrives later never overtakes. 1 request has ended today.",
    ]
    assert hearth("queue", "finished").out == "Nothing has ended yet.\n"


@pytest.mark.parametrize(
    ("state", "progress", "expected"),
    [
        (RequestState.PREPARING, None, "prepares"),
        (RequestState.LOADING, 0.25, "loads, 25%"),
        (RequestState.LOADING, None, "loads"),
        (RequestState.PAUSED, None, "stands aside"),
    ],
)
def test_states_in_words(hearth, engine: StandIn, state: RequestState, progress: float | None, expected: str):
    engine.state = replace(QUEUE, requests=(replace(WAITING, state=state, load_progress=progress),))
    assert rows_of(hearth("queue").out)["r2"][5] == expected


def test_the_document_says_everything(hearth, engine: StandIn):
    (there,) = hearth("queue", "--json").document["engines"]
    assert (there["process"], there["title"]) == (PROCESS, "window")
    queue = there["queue"]
    assert (queue["order"], queue["is_paused"], queue["loading"]) == ("hearth", False, {"code-7b": 0.5})
    running = queue["requests"][0]
    assert (running["id"], running["state"], running["urgency"]) == ("r1", "running", "interactive")
    assert running["progress"] == pytest.approx(0.6)
    assert [part["key"] for part in running["parts"]] == list(FACTORS)
    assert running["parts"][0]["points"] == pytest.approx(0.05)
    assert queue["requests"][1]["starts_in_s"] == 8.0


def test_titles_cannot_move_the_cursor_nor_be_markup(hearth, engine: StandIn):
    engine.state = replace(QUEUE, requests=(replace(RUNNING, title="[red]a\x1b[2Jb\nc"),))
    out = hearth("queue").out
    assert "\x1b" not in out
    assert "[red]a" in out


def test_why_shows_the_twelve_factors(hearth, engine: StandIn):
    out = hearth("queue", "why", "r2").out
    rows = rows_of(out)
    assert rows["urgency"] == ["urgency", "0.50", "0.10", "+0.050", "interactive"]
    assert rows["wait"] == ["wait", "12.50", "0.0042", "+0.052", "12 s"]
    assert rows["score"] == ["score", "0.310"]
    assert set(FACTORS) <= rows.keys()
    assert "r2 waits. Waits because vectors would have to evict chat-8b." in out
    document = hearth("queue", "why", "r2", "--json").document
    assert (document["process"], document["request"]["id"]) == (PROCESS, "r2")
    assert len(document["request"]["parts"]) == len(PARTS)
    engine.state = replace(QUEUE, requests=(replace(WAITING, parts=(), reason=""),))
    assert hearth("queue", "why", "r2").out == "r2 waits.\nRequests are not ordered by score now.\n"


def test_what_has_ended_is_listed_with_why_it_failed(hearth, engine: StandIn):
    newer = replace(QUEUE.ended[0], id="r3", error="", ended_at=1_700_000_100.0, waited_s=3.0, load_s=2.0)
    engine.state = replace(QUEUE, ended=(newer, *QUEUE.ended))
    out = hearth("queue", "finished").out
    rows = rows_of(out)
    assert list(rows)[-2:] == ["r3", "r0"]
    assert rows["r3"][6] == "3.0 s, 2.0 s of it for its model"
    assert rows["r0"][5:] == ["failed", "0.0 s", "–", "4.0 s", "0"]
    assert out.endswith("r0: No room.\n")
    assert "r0" not in hearth("queue", "finished", "--count", "1").out
    (there,) = hearth("queue", "finished", "--count", "1", "--json").document["engines"]
    assert [ended["id"] for ended in there["ended"]] == ["r3"]
    assert there["ended_today"] == 7


def test_requests_are_changed(hearth, engine: StandIn):
    assert hearth("queue", "cancel", "r1").out == "r1 is cancelled.\n"
    assert hearth("queue", "up", "r2").out == "r2 is the next to begin on its lane.\n"
    assert hearth("queue", "urgency", "r2", "interactive").out == "r2 is interactive now.\n"
    document = hearth("queue", "urgency", "r2", "batch", "--level", "4", "--json").document
    assert document == {"process": PROCESS, "request": "r2", "urgency": "batch", "level": 4}
    assert hearth("queue", "cancel", f"{PROCESS}/r1", "--json").document == {"process": PROCESS, "cancelled": "r1"}
    assert engine.told == [
        ("cancel", "r1"), ("up", "r2"), ("urgency", "r2", Urgency.INTERACTIVE, None),
        ("urgency", "r2", Urgency.BATCH, 4), ("cancel", "r1"),
    ]  # fmt: skip


def test_of_very_many_that_wait_the_unlisted_can_be_named_too(hearth, engine: StandIn):
    engine.state = replace(QUEUE, waiting_count=5_001, order="round_robin", overtaken_at_most_s=None)
    out = hearth("queue").out
    assert "5,000 more wait.\n" in out
    assert "Ordered by round_robin. 7" in out
    engine._tell = lambda *what: what[1] == "r4000"
    assert hearth("queue", "cancel", "r4000").out == "r4000 is cancelled.\n"
    assert hearth("queue", "cancel", f"{PROCESS}/r4000", "--json").document["cancelled"] == "r4000"
    assert hearth("queue", "why", "r4000").code == 1


@pytest.mark.parametrize("name", ["r9", "", "1/r1", "r1/"])
@pytest.mark.parametrize("command", [("cancel",), ("up",), ("why",), ("urgency", "batch")])
def test_a_wrong_id_is_a_sentence(hearth, engine: StandIn, name: str, command: tuple[str, ...]):
    ended = hearth("queue", command[0], name, *command[1:])
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == f"There is no request {name}, or it has ended. `hearth queue` lists those that there are.\n"
    assert {what[1] for what in engine.told} <= {name}


def test_a_request_that_has_just_ended_is_a_wrong_id(hearth, engine: StandIn):
    engine._tell = lambda *what: False
    for command in (("cancel", "r1"), ("up", "r1"), ("urgency", "r1", "batch")):
        ended = hearth("queue", *command)
        assert (ended.code, ended.err[:22]) == (1, "There is no request r1")


@pytest.mark.parametrize(
    "arguments", [("order", "odd"), ("urgency", "r1", "soon"), ("urgency", "r1", "batch", "--level", "5"), ("cancel",)]
)
def test_wrong_use_is_two(hearth, engine: StandIn, arguments: tuple[str, ...]):
    ended = hearth("queue", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err


def test_the_order_and_the_pause(hearth, engine: StandIn):
    assert hearth("queue", "order", "fifo").out == "Requests are ordered by fifo now.\n"
    assert hearth("queue", "pause").out == "Nothing new begins until `hearth queue resume`.\n"
    assert (engine.state.order, engine.state.is_paused) == ("fifo", True)
    assert hearth("queue", "resume", "--json").document == {"is_paused": False, "processes": [PROCESS]}
    assert hearth("queue", "order", "collate", "--json").document == {"order": "collate", "processes": [PROCESS]}
    assert (engine.state.order, engine.state.is_paused) == ("collate", False)


@pytest.fixture
def other(home: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another Hearth, in a process of its own."""
    command = [sys.executable, "-m", "tests.engine.control.stand_in", str(home), "hearth run"]
    root = str(Path(__file__).parents[3])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.communicate(timeout=20)  # ends it, if it was not killed


def test_of_two_hearths_each_request_says_whose_it_is(hearth, engine: StandIn, other: "subprocess.Popen[str]"):
    out = hearth("queue").out
    assert {f"{PROCESS}/r1", f"{PROCESS}/r2", f"{other.pid}/r1", f"{other.pid}/r2"} <= rows_of(out).keys()
    assert f"Hearth {other.pid} (hearth run): Ordered by hearth" in out
    ended = hearth("queue", "cancel", "r1")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == f"Several Hearths have a request r1. Say which: {other.pid}/r1 or {PROCESS}/r1.\n"
    assert hearth("queue", "cancel", f"{PROCESS}/r1").code == 0
    assert engine.told == [("cancel", "r1")]
    assert hearth("queue", "pause", "--json").document["processes"] == [other.pid, PROCESS]


def test_a_hearth_that_hangs_hides_no_other(
    hearth, engine: StandIn, other: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("engine.cli.running.running_engines", lambda home: running_engines(home, timeout_s=1.0))
    engine.goes_on.clear()
    ended = hearth("queue")
    engine.goes_on.set()
    assert ended.code == 0
    assert "r1" in rows_of(ended.out)
    assert ended.err.startswith(f"Hearth {PROCESS} (window) does not answer.")


def test_a_killed_hearth_is_none(hearth, other: "subprocess.Popen[str]"):
    other.kill()
    other.wait()
    assert hearth("queue").out == "No Hearth is running.\n"


def test_watching_is_for_people(hearth, engine: StandIn):
    ended = hearth("queue", "--watch", "--json")
    assert (ended.code, ended.out) == (2, "")
    assert "--watch" in ended.err


def watch(environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "engine", "queue", "--watch"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_watching_shows_what_changes_until_ctrl_c(home: Path, engine: StandIn):
    with watch(os.environ) as process:
        assert process.stdout is not None
        assert any("7 requests have ended" in line for line in process.stdout)
        engine.state = replace(engine.state, ended_today=8)
        assert any("8 requests have ended" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
        assert process.wait(30) == 130


def test_watching_ends_when_nobody_reads(home: Path, engine: StandIn):
    with watch(os.environ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(30) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
def test_on_a_terminal_it_is_drawn_in_place(home: Path, engine: StandIn):
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "engine", "queue", "--watch"]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    ) as process:
        os.close(theirs)
        seen = b""
        while seen.count(b"have ended today") < 2:
            seen += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        try:
            while more := os.read(ours, 4096):
                seen += more
        except OSError:
            pass  # Linux says so when the other end is closed
        assert process.wait(30) == 130
    os.close(ours)
    assert b"\x1b[1A" in seen  # back to the top
    assert b"Traceback" not in seen


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "–"), (0.0, "0.0 s"), (2.54, "2.5 s"), (12.4, "12 s"), (59.4, "59 s"), (59.6, "1 min"),
        (75, "1 min 15 s"), (120, "2 min"), (3599.6, "1 h 0 min"), (7500, "2 h 5 min"),
    ],
)  # fmt: skip
def test_durations_in_words(seconds: float | None, expected: str):
    assert duration_text(seconds) == expected
