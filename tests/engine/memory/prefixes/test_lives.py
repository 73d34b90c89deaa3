"""Models that leave and return, also after a restart: what was read is found again, and no answer changes by it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from engine.backends.base import LoadOptions
from engine.backends.llama import LlamaBackend
from engine.engine import Engine
from engine.memory.prefixes import PrefixStore
from engine.memory.residency import Place, Residency
from engine.models.library import ModelLibrary
from engine.types import Finished, GenerateRequest, GenerateResult, ModelInfo, Sampling, system, user
from resources import models_dir
from tests.computing import computing
from tests.engine.backends.llama.conftest import info_for, write_mamba

RULES = system("You are Hearth. You answer in one sentence, in plain words, and never longer than that. " * 2)
QUESTION, OTHER = user("What is Hearth?"), user("Tell me about rivers, lakes and the sea.")
LIMIT = 1 << 30


class Life:
    """A residency with one model, as one life of Hearth has it."""

    def __init__(self, info: ModelInfo, folder: Path, limit_bytes: int = LIMIT) -> None:
        self.info = info
        self.store = PrefixStore(folder, limit_bytes)
        options = LoadOptions(context_tokens=256, max_sequences=2, threads=1)
        self.residency = Residency({"gguf": LlamaBackend(None, None)}, options, self._retire, prefixes=self.store)
        self.model = self.residency.load(info, lambda _fraction: True)

    def _retire(self, model, on_closed: Callable[[], None]) -> None:
        self.residency.keep(model)
        model.close()
        on_closed()

    def reload(self) -> None:
        assert self.residency.evict(Place(self.info.path))
        self.model = self.residency.load(self.info, lambda _fraction: True)

    def answer(self, *messages, prompt: str | None = None) -> tuple[str, int]:
        """Text, and how many tokens of the prompt were not read again."""
        request = GenerateRequest(
            model="m", messages=messages, prompt=prompt, sampling=Sampling(temperature=0), max_tokens=12
        )
        sequence = self.model.admit(self.model.prepare(request))
        assert sequence is not None
        text, finish = "", None
        while finish is None:
            (step,) = self.model.step([sequence], 512)
            text, finish = text + step.text, step.finish
        self.model.release(sequence)
        return text, sequence.cached_tokens


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "prefixes"


@pytest.fixture
def begin(folder: Path) -> Iterator[Callable[..., Life]]:
    lives: list[Life] = []

    def make(info: ModelInfo | None = None, at: Path = folder, **options: int) -> Life:
        lives.append(Life(info or ModelLibrary((models_dir(),)).find("starter"), at, **options))
        return lives[-1]

    yield make
    for life in lives:
        life.residency.close()


def test_a_system_prompt_is_read_once_for_all_conversations(begin, tmp_path):
    expected, nothing = begin(at=tmp_path / "other").answer(RULES, OTHER)
    life = begin()
    life.answer(RULES, QUESTION)
    life.reload()
    text, cached = life.answer(RULES, OTHER)
    assert text == expected
    assert nothing == 0
    assert cached > 40
    life.residency.close()
    again = begin()
    assert again.answer(RULES, user("And hills?"))[1] > 40
    assert again.store.saved_tokens > 40
    assert again.store.info().hits == 1


def test_the_same_prompt_is_not_read_again_at_all(begin):
    life = begin()
    text, cached = life.answer(RULES, QUESTION)
    assert cached == 0
    life.reload()
    tokens = len(life.model.prepare(GenerateRequest(model="m", messages=(RULES, QUESTION))).tokens)
    assert life.answer(RULES, QUESTION) == (text, tokens - 1)


def test_what_memory_has_no_room_for_is_found_on_disk(begin):
    life = begin()
    expected, _ = life.answer(RULES, QUESTION)
    lot = life.model._slots.parked
    lot.limit_bytes = 1 << 18
    for number in range(6):
        life.answer(user(f"Tell me {number} things about rivers, lakes, hills, valleys and the sea. " * 3))
    assert life.store.flush()
    held = life.model._slots.held(life.model.prepare(GenerateRequest(model="m", messages=(RULES, QUESTION))).tokens)
    text, cached = life.answer(RULES, QUESTION)
    assert text == expected
    assert held < 10 < cached


def test_a_damaged_file_changes_no_answer(begin, folder, caplog):
    life = begin()
    expected, _ = life.answer(RULES, QUESTION)
    life.residency.close()
    (path,) = folder.iterdir()
    data = bytearray(path.read_bytes())
    data[-100] ^= 0x40
    path.write_bytes(data)
    assert begin().answer(RULES, QUESTION) == (expected, 0)
    assert "damaged" in caplog.text
    assert not path.exists()


def test_the_limit_holds(begin, folder):
    life = begin(limit_bytes=300_000)
    for number in range(4):
        life.answer(user(f"Tell me {number} things about rivers, lakes, hills, valleys and the sea. " * 3))
    life.reload()
    assert life.store.flush()
    assert 0 < sum(path.stat().st_size for path in folder.iterdir()) <= 300_000


def test_nothing_is_kept_where_nothing_may_be(begin, folder):
    life = begin(limit_bytes=0)
    life.answer(RULES, QUESTION)
    life.reload()
    assert life.answer(RULES, QUESTION)[1] == 0
    assert not folder.exists()


def test_a_model_with_one_state_goes_on_only_where_it_ended(begin, tmp_path):
    info = info_for(write_mamba(tmp_path / "mamba.gguf"))
    start = "the cat sat on a mat and then it did, " * 3
    fresh, life = begin(info, tmp_path / "other"), begin(info)
    assert not life.model.can_cut_states
    life.answer(prompt=start)
    life.reload()
    assert life.answer(prompt=start[:-9] + "hello")[1] == 0  # shares much, but not all
    (state,) = (it for it in life.model.tier._kept.values() if len(it.tokens) > 40)
    longer = (*state.tokens.tolist(), 40, 41, 42)
    assert life.model.tier.find(longer).shared == len(state.tokens)
    assert life.model.tier.find(longer[:-4]) is None
    sequence = life.model.admit(_with_tokens(life, longer))
    assert sequence.cached_tokens == len(state.tokens)
    cold = fresh.model.admit(_with_tokens(fresh, longer))
    assert _finish(life, sequence) == _finish(fresh, cold)


def _with_tokens(life: Life, tokens: tuple[int, ...]):
    request = GenerateRequest(model="m", prompt="x", sampling=Sampling(temperature=0), max_tokens=8)
    return life.model.look_up(replace(life.model.prepare(request), tokens=tokens))


def _finish(life: Life, sequence) -> str:
    text, finish = "", None
    while finish is None:
        (step,) = life.model.step([sequence], 512)
        text, finish = text + step.text, step.finish
    return text


@asynccontextmanager
async def open_engine(home: Path, **settings: object) -> AsyncIterator[Engine]:
    async with Engine(computing(home=home, context_tokens=256, max_sequences=2, **settings)) as engine:
        yield engine


async def ask(engine: Engine, *messages) -> GenerateResult:
    request = GenerateRequest(model="starter", messages=messages, sampling=Sampling(temperature=0), max_tokens=12)
    async with aclosing(engine.generate(request)) as events:
        last = [event async for event in events][-1]
    assert isinstance(last, Finished)
    return last.result


async def test_a_restart_of_hearth_forgets_nothing(tmp_path):
    async with open_engine(tmp_path) as engine:
        first = await ask(engine, RULES, QUESTION)
    assert first.usage.cached_tokens == 0
    async with open_engine(tmp_path) as engine:
        again = await ask(engine, RULES, QUESTION)
        other = await ask(engine, RULES, OTHER)
    assert again.usage.cached_tokens == again.usage.prompt_tokens - 1
    assert again.text == first.text
    assert other.usage.cached_tokens > 40
    async with open_engine(tmp_path, prefix_disk_bytes=0) as engine:
        assert (await ask(engine, RULES, QUESTION)).usage.cached_tokens == 0
