"""Conversations on disk, and how they get there and back."""

from pathlib import Path

import numpy as np
import pytest

from engine.backends.base import Conversation, LoadedModel, LoadOptions
from engine.backends.llama import LlamaBackend
from engine.memory.conversations import ConversationKey, ConversationStore
from engine.memory.residency import Place, Residency
from engine.models.library import ModelLibrary
from engine.types import GenerateRequest, Sampling, user
from resources import models_dir

KEY = ConversationKey(
    path="/models/a.gguf", size_bytes=1, changed_ns=2, context_tokens=512, library="llama.cpp 1", layout="f16 CPU"
)
OTHER = ConversationKey(
    path="/models/b.gguf", size_bytes=1, changed_ns=2, context_tokens=512, library="llama.cpp 1", layout="f16 CPU"
)


def conversation(number: int, size_bytes: int = 1000) -> Conversation:
    state = np.random.default_rng(number).integers(0, 256, size_bytes).astype(np.uint8)
    return Conversation(tuple(range(number, number + 5)), state, number)


def same(found: list[Conversation], expected: list[Conversation]) -> bool:
    return [(it.tokens, it.state.tobytes(), it.last_used) for it in found] == [
        (it.tokens, it.state.tobytes(), it.last_used) for it in expected
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "conversations"


def test_what_is_saved_comes_back(folder: Path) -> None:
    store = ConversationStore(folder)
    kept = [conversation(1), conversation(2, 0), conversation(3, 77)]
    store.save(KEY, kept)
    assert same(ConversationStore(folder).load(KEY, 1 << 20), kept)
    assert store.load(OTHER, 1 << 20) == []
    assert store.load(None, 1 << 20) == []


def test_what_is_saved_later_takes_its_place(folder: Path) -> None:
    store = ConversationStore(folder)
    store.save(KEY, [conversation(1)])
    store.save(KEY, [conversation(2)])
    assert same(store.load(KEY, 1 << 20), [conversation(2)])
    store.save(KEY, [])
    assert store.load(KEY, 1 << 20) == []
    assert list(folder.iterdir()) == []


def test_only_the_newest_are_read_where_a_model_has_room_for_few(folder: Path) -> None:
    store = ConversationStore(folder)
    store.save(KEY, [conversation(number) for number in range(5)])
    assert same(store.load(KEY, 2100), [conversation(3), conversation(4)])


def test_only_the_newest_are_written_where_the_disk_has_room_for_few(folder: Path) -> None:
    store = ConversationStore(folder, limit_bytes=2100)
    store.save(KEY, [conversation(number) for number in (3, 1, 2)])
    assert same(store.load(KEY, 1 << 20), [conversation(2), conversation(3)])


def test_the_model_that_left_first_makes_room(folder: Path) -> None:
    store = ConversationStore(folder, limit_bytes=4000)
    keys = [ConversationKey(**{**vars_of(KEY), "changed_ns": number}) for number in range(3)]
    for number, key in enumerate(keys):
        store.save(key, [conversation(number, 1500)])
    assert [bool(store.load(key, 1 << 20)) for key in keys] == [False, True, True]
    assert sum(path.stat().st_size for path in folder.iterdir()) < 5000
    store.clear()
    assert list(folder.iterdir()) == []


def vars_of(key: ConversationKey) -> dict[str, object]:
    return {name: getattr(key, name) for name in ConversationKey.__dataclass_fields__}


@pytest.mark.parametrize("at", [3, 60, 200, -500, -1])
def test_a_damaged_file_is_removed(folder: Path, at: int, caplog: pytest.LogCaptureFixture) -> None:
    store = ConversationStore(folder)
    store.save(KEY, [conversation(1)])
    (path,) = folder.iterdir()
    data = bytearray(path.read_bytes())
    data[at] ^= 0x15
    path.write_bytes(data)
    assert store.load(KEY, 1 << 20) == []
    assert not path.exists()
    assert "damaged" in caplog.text


FIRST_LINE = b"Hearth's conversations, format 1\n"


@pytest.mark.parametrize("data", [b"", b"x", FIRST_LINE, FIRST_LINE + b"{}\n", FIRST_LINE + b"[]\n"])
def test_a_file_that_is_none_is_removed(folder: Path, data: bytes) -> None:
    folder.mkdir()
    path = folder / KEY.file_name
    path.write_bytes(data)
    assert ConversationStore(folder).load(KEY, 1 << 20) == []
    assert not path.exists()


def test_a_file_cut_off_half_way_is_removed(folder: Path) -> None:
    store = ConversationStore(folder)
    store.save(KEY, [conversation(1), conversation(2)])
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:-700])
    assert store.load(KEY, 1 << 20) == []
    assert not path.exists()


def test_a_disk_that_takes_nothing_costs_one_line_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    store = ConversationStore(blocked)
    store.save(KEY, [conversation(1)])
    assert len(caplog.records) == 1
    assert store.load(KEY, 1 << 20) == []


def test_what_is_set_aside_is_written_later(folder: Path) -> None:
    store = ConversationStore(folder)
    store.set_aside(KEY, [conversation(1)])
    store.set_aside(None, [conversation(2)])
    assert not folder.exists()
    store.write()
    assert same(store.load(KEY, 1 << 20), [conversation(1)])


def test_a_conversation_goes_on_after_its_model_has_left_and_returned(folder: Path) -> None:
    starter = ModelLibrary((models_dir(),)).find("starter")
    options = LoadOptions(context_tokens=512, max_sequences=2)

    def retire(model: LoadedModel, on_closed) -> None:
        residency.keep(model)
        model.close()
        on_closed()

    residency = Residency({"gguf": LlamaBackend(None, None)}, options, retire, conversations=ConversationStore(folder))

    def answer(model, prompt) -> tuple[str, int]:
        sequence = model.admit(prompt)
        text, finish = "", None
        while finish is None:
            (step,) = model.step([sequence], 512)
            text, finish = text + step.text, step.finish
        model.release(sequence)
        return text, sequence.cached_tokens

    request = GenerateRequest(
        model="starter", messages=(user("What is Hearth?"),), sampling=Sampling(temperature=0), max_tokens=12
    )
    first = residency.load(starter, lambda _fraction: True)
    text, cached = answer(first, first.prepare(request))
    assert cached == 0
    assert residency.evict(Place(starter.path))
    assert len(list(folder.iterdir())) == 1
    again = residency.load(starter, lambda _fraction: True)
    prompt = again.prepare(request)
    assert again is not first
    assert again.held_tokens(prompt) == len(prompt.tokens) - 1
    assert answer(again, prompt) == (text, len(prompt.tokens) - 1)
    residency.close()
