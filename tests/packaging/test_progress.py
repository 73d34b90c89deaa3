import io
import re
import sys
from pathlib import Path

import pytest
from progress import progress_of, run_with_progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def python(code: str) -> list[str]:
    return [sys.executable, "-u", "-c", code]


@pytest.mark.parametrize(
    ("line", "share"),
    [
        ("[12/48] Building CXX object a.o", 0.25),
        ("  [48/48] Linking", 1.0),
        ("[ 40%] Building C object", 0.4),
        ("[100%] Built target llama", 1.0),
        ("[0/0] nothing", None),
        ("array[3/4]", None),
        ("Collecting numpy", None),
    ],
)
def test_progress_is_read_from_build_lines(line: str, share: float | None):
    assert progress_of(line) == share


def test_output_and_code_come_back_and_are_logged(tmp_path: Path):
    log = tmp_path / "deep" / "a.log"
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    outcome = run_with_progress(python(code), "working", log, out=io.StringIO())
    assert outcome.code == 3
    assert sorted(outcome.output.split()) == ["err", "out"]
    assert log.read_text(encoding="utf-8") == outcome.output


def test_a_log_gets_whole_lines_with_the_share_done(tmp_path: Path):
    out = io.StringIO()
    waits = "import sys, time; print('[1/4] a'); time.sleep(0.4)"
    run_with_progress(python(waits), "compiling", tmp_path / "a.log", out=out, interval_s=0.05)
    lines = out.getvalue().splitlines()
    assert lines[0] == "  compiling 0:00"
    assert any(re.fullmatch(r"  compiling 0:\d\d  25%", line) for line in lines[1:-1])
    assert re.fullmatch(r"  compiling 0:\d\d done", lines[-1])
    assert "\r" not in out.getvalue()


def test_a_terminal_gets_one_line_that_is_redrawn(tmp_path: Path):
    out = Terminal()
    run_with_progress(python("pass"), "compiling", tmp_path / "a.log", out=out)
    assert out.getvalue().count("\n") == 1
    assert re.search(r"\r\x1b\[K  compiling 0:\d\d done\n$", out.getvalue())


def test_a_failure_is_shown_as_one(tmp_path: Path):
    out = io.StringIO()
    run_with_progress(python("raise SystemExit(1)"), "compiling", tmp_path / "a.log", out=out)
    assert out.getvalue().splitlines()[-1].endswith("failed")


def test_a_missing_program_is_an_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        run_with_progress(["no-such-program"], "working", tmp_path / "a.log", out=io.StringIO())
