"""The whole work: gates first, the source as it was, the result whole or not at all, whatever happens meanwhile."""

import hashlib
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import filelock
import psutil
import pytest

from engine.bench.random_model import write_random_gguf
from engine.cards import Arrival
from engine.errors import CapabilityError, JobError, ModelError, ModelFileError
from engine.gates import Gatekeeper
from engine.jobs import JobStopped
from engine.models.library import ModelLibrary
from engine.quantize.gguf import quantize_gguf
from engine.quantize.places import begin_part, part_of
from engine.quantize.work import QuantizeOrder, QuantizeWork, order_of
from tests.engine.quantize.support import STARTER, Told

pytestmark = pytest.mark.models


class Place:
    """A home with the starter as a person's own model in it.

    Attributes:
        arrivals: what was told of results.
    """

    def __init__(self, home: Path) -> None:
        self.home, self.models = home, home / "models"
        self.models.mkdir(parents=True)
        self.source = self.models / "mine.f16.gguf"
        shutil.copy(STARTER, self.source)
        self.source.chmod(0o444)
        self.sha256 = hashlib.sha256(self.source.read_bytes()).hexdigest()
        self.target = self.models / "mine.q8_0.gguf"
        self.arrivals: list[tuple[Path, Arrival]] = []
        self.work = self.make_work()

    def make_work(self) -> QuantizeWork:
        gatekeeper = Gatekeeper(self.home / "gates.json")
        return QuantizeWork(self.home, gatekeeper.admit, lambda path, arrival: self.arrivals.append((path, arrival)))

    def order(self, recipe: str = "q8_0") -> QuantizeOrder:
        return QuantizeOrder(self.source, recipe, self.target, made_from="mine.f16")

    def listed(self) -> list[str]:
        """All that a library finds, broken files as well."""
        library = ModelLibrary([self.models])
        return sorted([info.id for info in library.scan()] + [path.name for path, _ in library.broken])

    def check_untouched(self) -> None:
        assert hashlib.sha256(self.source.read_bytes()).hexdigest() == self.sha256
        assert self.listed() == ["mine.f16"]
        assert sorted(path.name for path in self.models.rglob("*")) == [self.source.name]
        assert self.arrivals == []


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "home")


@pytest.mark.long
def test_a_model_is_made_measured_and_listed(place: Place) -> None:
    told = Told()
    assert place.work.run(place.order().spec(), told.control) == str(place.target)
    [(path, arrival)] = place.arrivals
    assert (path, arrival.made_from) == (place.target, "mine.f16")
    assert arrival.sha256 == hashlib.sha256(place.target.read_bytes()).hexdigest()
    report = arrival.report
    assert report is not None
    assert (report.recipe, report.source_sha256) == ("q8_0", place.sha256)
    assert 0.5 < report.size_ratio < 0.56
    assert report.kept > 0.98
    assert place.listed() == ["mine.f16", "mine.q8_0"]
    assert hashlib.sha256(place.source.read_bytes()).hexdigest() == place.sha256
    assert place.target.stat().st_mode & 0o222 == 0
    assert told.shares == sorted(told.shares)
    assert told.shares[-1] == 1.0


@pytest.mark.parametrize(
    ("moment", "recipe"),
    [
        ("Reading the source", "q8_0"),
        ("Finding out which weights matter", "q4_k_m"),
        ("Making INT8", "q8_0"),
        ("Measuring", "q8_0"),
    ],
)
def test_stopping_leaves_nothing(moment: str, recipe: str, place: Place) -> None:
    class Stopping(Told):
        def _tell(self, done: int, total: int, unit: object, detail: str) -> None:
            if detail.startswith(moment):
                self.control.stop()

    with pytest.raises(JobStopped):
        place.work.run(place.order(recipe).spec(), Stopping().control)
    place.check_untouched()
    assert psutil.Process().children() == []


def test_gates_come_first(place: Place) -> None:
    data = bytearray(STARTER.read_bytes())
    broken = place.models / "broken.gguf"
    for content in (data[:5_000_000], b"GGUF" + bytes(200), b""):
        broken.write_bytes(content)
        order = QuantizeOrder(broken, "q8_0", place.target)
        with pytest.raises(ModelFileError):
            place.work.run(order.spec(), Told().control)
    broken.unlink()
    place.check_untouched()


def test_a_quantized_source_is_refused(place: Place) -> None:
    small = place.models / "small.gguf"
    write_random_gguf(small, "tiny", "q4_k_m")
    with pytest.raises(CapabilityError, match="quantized already"):
        place.work.run(QuantizeOrder(small, "q8_0", place.target).spec(), Told().control)
    small.unlink()
    place.check_untouched()


def test_a_source_that_changes_meanwhile_gives_no_result(place: Place) -> None:
    class Changing(Told):
        def _tell(self, done: int, total: int, unit: object, detail: str) -> None:
            if detail == "Making INT8" and not self.details:
                self.details.append(detail)
                changed = bytearray(place.source.read_bytes())
                changed[-1] ^= 1
                new = place.source.with_suffix(".new")
                new.write_bytes(changed)
                new.replace(place.source)

    with pytest.raises(ModelFileError, match="changed while it was read"):
        place.work.run(place.order().spec(), Changing().control)
    assert place.listed() == ["mine.f16"]
    assert place.arrivals == []


def test_what_is_there_is_not_overwritten(place: Place) -> None:
    place.target.write_bytes(b"somebody's")
    with pytest.raises(ModelError, match="there already"):
        place.work.run(place.order().spec(), Told().control)
    assert place.target.read_bytes() == b"somebody's"


def test_one_at_a_time_for_all_windows(place: Place) -> None:
    (place.home / "cache").mkdir()
    lock = filelock.FileLock(place.home / "cache" / "quantize.lock")
    told = Told()
    with lock:
        begin_part(place.target).write_bytes(b"another window's")
        place.work.sweep()
        assert part_of(place.target).exists()
        threading.Timer(0.8, told.control.stop).start()
        with pytest.raises(JobStopped):
            place.work.run(place.order().spec(), told.control)
        assert part_of(place.target).exists()
    assert told.details[-1].startswith("Waiting for another window")
    place.work.sweep()
    place.check_untouched()


def test_a_spec_that_makes_no_sense() -> None:
    order = QuantizeOrder(Path("a.gguf"), "q8_0", Path("b.gguf"), Path("text.txt"), "a")
    assert order_of(order.spec()) == order
    with pytest.raises(JobError):
        order_of({"source": "a.gguf"})


def test_discarding(place: Place) -> None:
    begin_part(place.target).write_bytes(b"half")
    place.work.discard(place.order().spec())
    place.work.discard(place.order().spec())
    place.check_untouched()


def kill_at(place: Place, delay_s: float, recipe: str) -> None:
    """Start it in a process of its own, kill that, and look at what is there after the next start."""
    module = [sys.executable, "-m", "tests.engine.quantize.run_work"]
    arguments = [str(path) for path in (place.home, place.source, place.target)]
    root = Path(__file__).parents[3]
    process = subprocess.Popen([*module, *arguments, recipe], cwd=root, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        process.stdout.readline()  # it has begun
        time.sleep(delay_s)
        children = psutil.Process(process.pid).children() if process.poll() is None else []
        process.kill()
        assert process.wait() in {0, -signal.SIGKILL}
        _, alive = psutil.wait_procs(children, timeout=10)
        assert alive == []  # they end with Hearth
    is_done = place.target.exists()
    assert place.listed() == (["mine.f16", "mine.q8_0"] if is_done else ["mine.f16"])
    place.make_work().sweep()
    if is_done:
        place.target.unlink()
    place.check_untouched()


def kill_many(place: Place, count: int) -> None:
    chance = random.Random(5)
    for number in range(count):
        kill_at(place, chance.uniform(0.0, 3.0), ("q8_0", "q4_k_m")[number % 2])


def test_kill_leaves_nothing_half(place: Place) -> None:
    kill_many(place, 5)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_many_kills(place: Place) -> None:
    kill_many(place, 25)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    with suppress(FileNotFoundError):
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            yield folder
            subprocess.run(["umount", str(folder)], check=True)
            return
    pytest.skip("nothing can be mounted here")


def test_a_disk_that_is_too_small(small_disk: Path, place: Place) -> None:
    order = QuantizeOrder(place.source, "q8_0", small_disk / "mine.gguf")
    with pytest.raises(ModelError, match="will take about"):
        place.work.run(order.spec(), Told().control)
    assert list(small_disk.iterdir()) == []
    place.check_untouched()


def test_a_disk_that_becomes_full(small_disk: Path) -> None:
    with pytest.raises(ModelError, match="became full"):
        quantize_gguf(STARTER, small_disk / "mine.gguf", "q8_0", None, Told().control)
