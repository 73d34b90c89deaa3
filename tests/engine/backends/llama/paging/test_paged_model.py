"""Models whose weights come and go, on the real llama.cpp: the same words as in memory."""

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.backends.base import LoadOptions, TextModel
from engine.backends.llama.cells import PAGED_RESERVE_BYTES
from engine.backends.llama.loading import Surroundings, load_model
from engine.backends.llama.paging.posix import PosixPages
from engine.backends.llama.paging.self_check import SelfCheck, difference
from engine.errors import EngineError, OutOfMemoryError
from engine.models.page_plan import Span
from engine.plugins.bundled import bundled_registry
from engine.types import GenerateRequest, Sampling
from tests.engine.backends.llama.conftest import info_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what can be laid over a mapping was run on Linux only")

LAYERS = 8
PROMPTS = ("the cat sat on a mat, the cat sat on the mat.", "hello world", "a cat", "the mat sat on the cat")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, write_model: Callable[..., Path]) -> Path:
    return write_model(tmp_path_factory.mktemp("paged") / "long.gguf", layers=LAYERS)


@pytest.fixture
def load() -> Iterator[Callable[..., TextModel]]:
    """Load a model without checking once more that paging is exact, which has tests of its own."""
    opened = []
    around = Surroundings(registry=bundled_registry(), check_paging=lambda: "")

    def load_one(path: Path, **options: int) -> TextModel:
        model = load_model(info_for(path), LoadOptions(**options), lambda _fraction: True, around)
        opened.append(model)
        assert isinstance(model, TextModel)
        return model

    yield load_one
    for model in opened:
        model.close()


@pytest.fixture
def whole(load: Callable[..., TextModel], path: Path) -> TextModel:
    return load(path, context_tokens=256, max_sequences=4)


@pytest.fixture
def room(load: Callable[..., TextModel], path: Path) -> int:
    """Memory for the context, and for a little more than a half of the weights."""
    model = load(path, context_tokens=256, max_sequences=4, paged=True, available_bytes=4 << 30)
    takes = model.memory_bytes + model.parking_bytes + PAGED_RESERVE_BYTES
    model.close()
    return takes - int(0.4 * path.stat().st_size)


@pytest.fixture
def paged(load: Callable[..., TextModel], path: Path, room: int) -> TextModel:
    model = load(path, context_tokens=256, max_sequences=4, paged=True, available_bytes=room)
    assert model.paging is not None
    assert model.paging.note == ""
    assert model.paging.streamed_bytes > 0
    return model


@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_words_are_the_same(whole: TextModel, paged: TextModel, answer, prompt: str):
    assert answer(paged, prompt=prompt).text == answer(whole, prompt=prompt).text


def test_sampling_and_probabilities_are_the_same(whole: TextModel, paged: TextModel, answer):
    first, second = (answer(model, prompt="the cat", sampling=Sampling(seed=7), logprobs=3) for model in (whole, paged))
    assert (first.text, first.logprobs) == (second.text, second.logprobs)


def test_it_takes_no_more_than_it_may(paged: TextModel, room: int):
    paging = paged.paging
    assert paging is not None
    assert paged.memory_bytes + paged.parking_bytes <= room
    assert paged.memory_bytes > paging.pinned_bytes + paging.buffer_bytes


def test_a_prompt_is_read_in_one_sweep(paged: TextModel):
    prompt = paged.prepare(GenerateRequest(model="long", prompt=PROMPTS[0], sampling=Sampling(temperature=0)))
    sequence = paged.admit(prompt)
    assert sequence is not None
    paged.step([sequence], 512)
    paging = paged.paging
    assert paging is not None
    # Every chunk once, and what was read ahead for the next step.
    assert paging.streamed_bytes <= paging.bytes_per_token <= paging.streamed_bytes + paging.buffer_bytes
    paged.release(sequence)


def test_two_models_of_one_file_page_beside_each_other(
    load: Callable[..., TextModel], path: Path, room: int, paged: TextModel, whole: TextModel, answer
):
    other = load(path, context_tokens=256, max_sequences=4, paged=True, available_bytes=room + 500_000)
    expected = answer(whole, prompt=PROMPTS[0]).text
    assert answer(other, prompt=PROMPTS[0]).text == expected
    assert answer(paged, prompt=PROMPTS[0]).text == expected
    other.close()
    assert answer(paged, prompt=PROMPTS[1]).text == answer(whole, prompt=PROMPTS[1]).text


def test_closing_ends_its_threads(paged: TextModel, answer):
    answer(paged, prompt=PROMPTS[0])
    paged.close()
    paged.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("hearth-pages")]


def test_with_room_for_everything_nothing_streams(load: Callable[..., TextModel], path: Path, answer, whole: TextModel):
    model = load(path, context_tokens=256, max_sequences=4, paged=True, available_bytes=4 << 30)
    assert model.paging is not None
    assert model.paging.streamed_bytes == 0
    assert answer(model, prompt=PROMPTS[0]).text == answer(whole, prompt=PROMPTS[0]).text


def test_no_room_even_for_the_buffers_is_a_sentence(load: Callable[..., TextModel], path: Path, whole: TextModel):
    with pytest.raises(OutOfMemoryError, match=r"does not fit even with paging: .* GB are allowed"):
        load(path, context_tokens=256, max_sequences=4, paged=True, available_bytes=PAGED_RESERVE_BYTES + (1 << 20))


def test_what_is_wrong_with_paging_leaves_it_to_the_system(path: Path, room: int, answer, whole: TextModel):
    around = Surroundings(registry=bundled_registry(), check_paging=lambda: "Paged weights gave other numbers.")
    model = load_model(info_for(path), options(room), lambda _fraction: True, around)
    assert isinstance(model, TextModel)
    assert model.paging is not None
    assert model.paging.note == "Paged weights gave other numbers."
    assert model.paging.streamed_bytes == 0
    assert model.memory_bytes <= room
    assert answer(model, prompt=PROMPTS[0]).text == answer(whole, prompt=PROMPTS[0]).text
    model.close()


@pytest.mark.parametrize("limit", [0.2, 0.7])
def test_a_load_can_be_cancelled(path: Path, room: int, limit: float):
    around = Surroundings(registry=bundled_registry(), check_paging=lambda: "")
    seen: list[float] = []

    def progress(fraction: float) -> bool:
        seen.append(fraction)
        return fraction < limit

    with pytest.raises(EngineError, match="cancelled"):
        load_model(info_for(path), options(room), progress, around)
    assert seen == sorted(seen)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("hearth-pages")]


def options(room: int) -> LoadOptions:
    return LoadOptions(context_tokens=256, max_sequences=4, paged=True, available_bytes=room)


def test_a_recurrent_model_is_paged_as_well_or_says_why(load: Callable[..., TextModel], mamba_path: Path, answer):
    whole = load(mamba_path, context_tokens=256, max_sequences=1)
    roomy = load(mamba_path, context_tokens=256, max_sequences=1, paged=True, available_bytes=4 << 30)
    takes = roomy.memory_bytes + roomy.parking_bytes + PAGED_RESERVE_BYTES
    assert roomy.paging is not None
    roomy.close()
    model = load(mamba_path, context_tokens=256, max_sequences=1, paged=True, available_bytes=takes - 200_000)
    assert model.paging is not None
    assert model.paging.note or model.paging.streamed_bytes > 0
    assert answer(model, prompt=PROMPTS[0]).text == answer(whole, prompt=PROMPTS[0]).text


# -------------------------------------------------------------------------------------------------- the self-check


def test_paging_is_exact_here():
    assert difference() == ""


def test_the_check_notices_weights_that_did_not_come(monkeypatch: pytest.MonkeyPatch):
    fill = PosixPages.fill

    def forgetful(self: PosixPages, start: int, span: Span) -> None:
        fill(self, start, Span(span.file, span.start, span.end - 4096))

    monkeypatch.setattr(PosixPages, "fill", forgetful)
    assert "other numbers" in difference()


def test_the_check_is_made_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kept = tmp_path / "cache" / "paging.json"
    assert SelfCheck(kept)() == ""
    before = kept.read_bytes()
    monkeypatch.setattr("subprocess.run", None)  # a second child could not even be started
    assert SelfCheck(kept)() == ""
    assert kept.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"[]", b'{"another version": "x"}', b"\xff" * 9])
def test_what_is_kept_of_it_may_be_damaged(tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch):
    kept = tmp_path / "paging.json"
    kept.write_bytes(content)
    monkeypatch.setattr("engine.backends.llama.paging.self_check.command", lambda: [sys.executable, "-c", ""])
    assert SelfCheck(kept)() == ""


@pytest.mark.parametrize(
    ("code", "said"),
    [("import os; os.kill(os.getpid(), 11)", "ended its process with code -11"), ("print('No.', end='')", "No.")],
)
def test_a_child_that_crashes_or_complains_is_believed(monkeypatch: pytest.MonkeyPatch, code: str, said: str):
    monkeypatch.setattr("engine.backends.llama.paging.self_check.command", lambda: [sys.executable, "-c", code])
    assert said in SelfCheck(None)()
