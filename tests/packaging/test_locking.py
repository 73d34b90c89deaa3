import subprocess
import sys
from pathlib import Path

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
HOLD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from locking import locked
with locked(Path(sys.argv[1]), "waiting"):
    print("held", flush=True)
    sys.stdin.read()
"""


def start_holder(path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(path), str(PACKAGING)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_second_process_waits_for_the_first(tmp_path: Path):
    with start_holder(tmp_path / "deep" / "lock") as first:
        assert first.stdout.readline() == "held\n"
        with start_holder(tmp_path / "deep" / "lock") as second:
            assert second.stdout.readline() == "waiting\n"
            first.stdin.close()
            assert second.stdout.readline() == "held\n"


def test_lock_of_a_killed_process_is_free(tmp_path: Path):
    with start_holder(tmp_path / "lock") as first:
        assert first.stdout.readline() == "held\n"
        first.kill()
    with start_holder(tmp_path / "lock") as second:
        assert second.stdout.readline() == "held\n"
