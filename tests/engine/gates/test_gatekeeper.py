"""The gatekeeper: tries unknown files in a process that may die, and remembers what came of it."""

import shutil
import threading
import time
from pathlib import Path

import psutil
import pytest

from engine.cards import Trust
from engine.errors import EngineError, ModelFileError, ModelNotFoundError
from engine.gates import Gatekeeper, gatekeeper
from engine.gates.limits import TrialLimits
from engine.gates.trial import Trial, run_trial
from tests.engine.backends.llama.conftest import write_bert, write_llama
from tests.engine.gates import graphs
from tests.engine.gates.fuzz.gguf_draft import TEXT, Draft, take_apart

pytestmark = pytest.mark.models
BOMB = "{% for a in range(99999) %}{% for b in range(99999) %}{{ 'x' * 9999 }}{% endfor %}{% endfor %}"


@pytest.fixture
def keeper(tmp_path: Path) -> Gatekeeper:
    return Gatekeeper(tmp_path / "home" / "gates.json")


def deadly(path: Path) -> Path:
    """A file that passes the first gate, and over which llama.cpp aborts: its heads are not as wide as it says."""
    whole = take_apart(write_bert(path))
    path.write_bytes(Draft([*whole.keys, ("bert.attention.key_length", 4, 1)], whole.tensors).build())
    return path


def test_a_sound_model_passes_once_and_is_known_from_then_on(keeper, tmp_path):
    path = write_llama(tmp_path / "a.gguf")
    assert keeper.known(path).trust is Trust.UNTRIED
    report = keeper.check(path)
    assert report.trust is Trust.PASSED
    assert report.took_s > 0.05
    assert keeper.known(path).trust is Trust.PASSED
    assert Gatekeeper(tmp_path / "home" / "gates.json").known(path).trust is Trust.PASSED  # another start
    keeper.admit(path)


def test_asking_again_costs_microseconds(keeper, tmp_path):
    path = write_llama(tmp_path / "a.gguf")
    keeper.check(path)
    began_s = time.process_time()
    for _ in range(1000):
        keeper.admit(path)
    assert time.process_time() - began_s < 0.2  # 0.2 ms each; some 20 µs on an idle machine


@pytest.mark.parametrize("write", [write_bert, lambda path: graphs.save(path.with_suffix(".onnx"), graphs.product())])
def test_embedding_models_and_graphs_pass(write, keeper, tmp_path):
    assert keeper.check(write(tmp_path / "m.gguf")).trust is Trust.PASSED


def test_a_file_that_ends_its_process_is_refused_and_stays_so(keeper, tmp_path):
    path = deadly(tmp_path / "deadly.gguf")
    report = keeper.check(path)
    assert (report.trust, report.rule) == (Trust.REFUSED, "probe-crash")
    assert "SIGABRT" in report.cause
    assert report.remedy
    assert keeper.known(path).rule == "probe-crash"
    with pytest.raises(ModelFileError, match="crashed the process") as caught:
        keeper.admit(path)
    assert caught.value.rule == "probe-crash"


def test_a_copy_is_known_by_its_content(keeper, tmp_path):
    path = deadly(tmp_path / "deadly.gguf")
    keeper.check(path)
    copy = Path(shutil.copy(path, tmp_path / "renamed.gguf"))
    assert keeper.known(copy).trust is Trust.UNTRIED
    report = keeper.check(copy)
    assert report.rule == "probe-crash"
    assert report.took_s < 0.2  # nothing was started


def test_a_changed_file_is_tried_again(keeper, tmp_path):
    path = write_llama(tmp_path / "a.gguf")
    keeper.check(path)
    deadly(path)
    assert keeper.known(path).trust is Trust.UNTRIED
    assert keeper.check(path).rule == "probe-crash"


def test_another_version_of_the_engine_tries_again(keeper, tmp_path, monkeypatch):
    path = write_llama(tmp_path / "a.gguf")
    keeper.check(path)
    monkeypatch.setattr(gatekeeper, "_engine_version", lambda library: f"{library} 99")
    assert keeper.known(path).trust is Trust.UNTRIED


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"format": 99}', b"\xff" * 100, b'{"results": {"a": 1}}'])
def test_a_damaged_store_counts_as_empty_and_is_replaced(damage, tmp_path):
    store = tmp_path / "gates.json"
    store.write_bytes(damage)
    path = tmp_path / "wrong.gguf"
    path.write_bytes(b"GGUF")
    keeper = Gatekeeper(store)
    assert keeper.known(path).trust is Trust.UNTRIED
    assert keeper.check(path).rule == "incomplete"
    assert Gatekeeper(store).known(path).rule == "incomplete"


def test_files_that_came_with_hearth_are_not_tried(tmp_path):
    path = write_llama(tmp_path / "own" / "a.gguf") if (tmp_path / "own").mkdir() is None else None
    keeper = Gatekeeper(tmp_path / "gates.json", (tmp_path / "own",))
    assert keeper.known(path).trust is keeper.check(path).trust is Trust.INCLUDED
    assert not (tmp_path / "gates.json").exists()
    assert keeper.known(tmp_path / "own" / ".." / "b.gguf").trust is Trust.UNTRIED


def test_a_missing_part_is_noticed_when_it_comes(keeper, tmp_path):
    whole = take_apart(write_llama(tmp_path / "m.gguf"))
    first, second = (tmp_path / f"m-0000{number}-of-00002.gguf" for number in (1, 2))
    keys = [*whole.keys, ("split.count", 2, 2), ("split.tensors.count", 5, len(whole.tensors))]
    first.write_bytes(Draft([*keys, ("split.no", 2, 0)], whole.tensors[:5]).build())
    assert keeper.check(first).rule == "split-files"
    assert keeper.known(first).rule == "split-files"
    second.write_bytes(Draft([("split.count", 2, 2), ("split.no", 2, 1)], whole.tensors[5:]).build())
    assert keeper.known(first).trust is Trust.UNTRIED
    assert keeper.check(first).trust is Trust.PASSED


def test_what_is_no_model_by_itself_stays_untried_and_out(keeper, tmp_path):
    whole = take_apart(write_llama(tmp_path / "a.gguf"))
    path = tmp_path / "adapter.gguf"
    path.write_bytes(Draft([*whole.keys, ("general.type", TEXT, b"adapter")], whole.tensors).build())
    report = keeper.check(path)
    assert report.trust is Trust.UNTRIED
    assert "an adapter" in report.cause
    with pytest.raises(ModelFileError, match="an adapter"):
        keeper.admit(path)


def test_a_missing_file_is_said_to_be_missing(keeper, tmp_path):
    assert keeper.known(tmp_path / "gone.gguf").trust is Trust.UNTRIED
    with pytest.raises(ModelNotFoundError):
        keeper.check(tmp_path / "gone.gguf")


def test_a_template_that_would_never_end_is_no_reason_to_refuse_the_model(keeper, tmp_path):
    report = keeper.check(write_llama(tmp_path / "bomb.gguf", template=BOMB))
    assert report.trust is Trust.PASSED
    assert report.took_s < 20


def test_weights_that_do_not_fit_are_left_out_and_that_is_said(tmp_path):
    keeper = Gatekeeper(tmp_path / "gates.json", available_bytes=lambda: 1000)
    report = keeper.check(write_llama(tmp_path / "a.gguf"))
    assert report.trust is Trust.PASSED
    assert "Only the words of a.gguf were tried" in report.cause


def trial(path: Path, **limits: float) -> Trial:
    return Trial(files=[path], kind=path.suffix[1:], words_only=False, limits=TrialLimits(**limits))


def test_a_graph_without_an_end_is_stopped(tmp_path):
    report = run_trial(trial(graphs.save(tmp_path / "e.onnx", graphs.endless()), seconds=1.0), lambda: True)
    assert (report.trust, report.rule) == (Trust.REFUSED, "probe-timeout")


def test_one_that_takes_too_much_memory_is_stopped(tmp_path):
    path = graphs.save(tmp_path / "e.onnx", graphs.endless())
    report = run_trial(trial(path, memory_bytes=32 << 20), lambda: True)
    assert (report.trust, report.rule) == (Trust.REFUSED, "probe-memory")


def test_a_process_that_cannot_begin_says_nothing_about_the_file(tmp_path):
    report = run_trial(trial(write_llama(tmp_path / "a.gguf"), start_s=0.0), lambda: True)
    assert (report.trust, report.rule) == (Trust.UNTRIED, "probe-start")


def test_a_trial_ends_when_nobody_wants_it_any_more(keeper, tmp_path):
    path = graphs.save(tmp_path / "e.onnx", graphs.endless())
    wanted = threading.Event()
    threading.Timer(1.5, wanted.set).start()
    before = {child.pid for child in psutil.Process().children()}
    began_s = time.monotonic()
    with pytest.raises(EngineError, match="cancelled"):
        keeper.check(path, is_wanted=lambda: not wanted.is_set())
    assert time.monotonic() - began_s < 10
    assert {child.pid for child in psutil.Process().children()} <= before
    assert keeper.known(path).trust is Trust.UNTRIED
