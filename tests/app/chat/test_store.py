import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from app.chat.conversation import Role, TurnState
from app.chat.database import ChatDatabase
from app.chat.store import ChatStore, StoreError

WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from app.chat.conversation import Role, TurnState
from app.chat.database import ChatDatabase
db = ChatDatabase(Path(sys.argv[1]))
chat = db.add_chat("Killed", "starter")
while True:
    asked = db.add_turn(chat.id, Role.USER, "question", TurnState.DONE)
    print(asked.id, flush=True)
    answer = db.add_turn(chat.id, Role.ANSWER, "", TurnState.RUNNING, "starter")
    for words in range(20):
        answer = replace(answer, text=answer.text + f"word{words} ")
        db.save_turn(answer)
"""

STREAMER = """
import asyncio, sys
from pathlib import Path
import qasync
from PySide6.QtWidgets import QApplication
from app.chat import ChatController
from app.tasks import Tasks
from engine import Accepts, Engine, EngineConfig, ModelInfo
from engine.models.library import ModelLibrary
from engine.testing import FakeBackend

class Library(ModelLibrary):
    def scan(self):
        return (self.find("starter"),)
    def find(self, name):
        return ModelInfo(id=name, path=Path("x.gguf"), format="gguf", name=name, architecture="fake", size_bytes=1,
                         accepts=frozenset({Accepts.MESSAGES}))

async def main():
    backend = FakeBackend(script=("word ",), repeat=True, step_s=0.005)
    engine = Engine(EngineConfig(home=Path(sys.argv[1]), probe_files=False), backends={"gguf": backend})
    engine._library = Library([])
    engine.open()
    chat = ChatController(engine, Tasks())
    chat.open()
    while chat.choices.current is None:
        await asyncio.sleep(0.01)
    chat.send("The question")
    saved = set()
    chat._store.post = lambda method, turn: (saved.add(turn.text), type(chat._store).post(chat._store, method, turn))
    while not saved:
        await asyncio.sleep(0.01)
    await chat._store.run(lambda database: None)  # the write before this one is on disk
    print(len(saved.pop()), flush=True)
    await asyncio.sleep(60)

app = QApplication([])
with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(app)) as runner:
    runner.run(main())
"""


async def test_writes_happen_in_order_and_close_waits_for_them(tmp_path: Path) -> None:
    store = ChatStore(tmp_path / "deep" / "chats.db")
    await store.open()
    chat = await store.run(ChatDatabase.add_chat, "A", "m")
    for title in ("B", "C", "D"):
        store.post(ChatDatabase.rename_chat, chat.id, title)
    await store.close()
    database = ChatDatabase(tmp_path / "deep" / "chats.db")
    assert [chat.title for chat in database.chats()] == ["D"]
    database.close()


async def test_after_close_nothing_is_written_and_nothing_raises(tmp_path: Path) -> None:
    store = ChatStore(tmp_path / "chats.db")
    await store.open()
    await store.close()
    await store.close()
    store.post(ChatDatabase.add_chat, "late", "m")
    database = ChatDatabase(tmp_path / "chats.db")
    assert database.chats() == []
    database.close()


@pytest.mark.parametrize("damage", ["header", "middle", "random", "text", "other"])
async def test_a_damaged_file_is_set_aside(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "chats.db"
    make_chats(path)
    content = bytearray(path.read_bytes())
    if damage == "header":
        content[:16] = b"x" * 16
    elif damage == "middle":
        content[4096 : len(content) - 100] = bytes(len(content) - 4196)
    elif damage == "random":
        content = bytearray(random.Random(5).randbytes(20_000))
    elif damage == "text":
        content = bytearray(b"not a database, just words\n" * 50)
    path.write_bytes(content)
    if damage == "other":
        path.unlink()
        with sqlite3.connect(path) as raw:
            raw.execute("CREATE TABLE bookmarks (id INTEGER)")
        raw.close()
    before = path.read_bytes()
    store = ChatStore(path)
    await store.open()
    assert store.notice is not None
    asides = set_aside(tmp_path)
    assert [file.read_bytes()[:4096] for file in asides] == [before[:4096]]
    assert str(asides[0]) in store.notice[1]
    chat = await store.run(ChatDatabase.add_chat, "new", "m")
    await store.close()
    second = ChatStore(path)
    await second.open()
    assert second.notice is None
    assert [found.id for found in await second.run(ChatDatabase.chats)] == [chat.id]
    await second.close()


async def test_where_nothing_can_be_written_chats_live_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    path.mkdir()
    store = ChatStore(path)
    await store.open()
    assert store.notice is not None
    assert "not kept" in store.notice[1]
    await store.run(ChatDatabase.add_chat, "A", "m")
    assert [chat.title for chat in await store.run(ChatDatabase.chats)] == ["A"]
    await store.close()


async def test_a_full_disk_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    def fill(database: ChatDatabase) -> None:
        database._db.execute("PRAGMA max_page_count=1")

    store = ChatStore(tmp_path / "chats.db")
    await store.open()
    chat = await store.run(ChatDatabase.add_chat, "A", "m")
    await store.run(fill)
    with pytest.raises(StoreError, match="cannot be saved") as caught:
        await store.run(ChatDatabase.add_turn, chat.id, Role.USER, "x" * 100_000, TurnState.DONE)
    assert caught.value.remedy
    await store.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_kill_while_streaming_loses_no_message(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(7)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in writer.stdout]
    database = ChatDatabase(path)
    turns = database.turns(database.chats()[0].id)
    saved = {turn.id for turn in turns if turn.role is Role.USER}
    assert set(acknowledged) <= saved
    answers = [turn for turn in turns if turn.role is Role.ANSWER]
    assert {turn.state for turn in answers} == {TurnState.INTERRUPTED}
    whole = "".join(f"word{number} " for number in range(20))
    assert all(whole.startswith(turn.text) for turn in answers)
    database.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_kill_in_the_middle_of_an_answer_keeps_question_and_beginning(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STREAMER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as streamer:
        assert streamer.stdout is not None
        length = int(streamer.stdout.readline())
        streamer.send_signal(signal.SIGKILL)
    database = ChatDatabase(tmp_path / "chats.db")
    question, answer = database.turns(database.chats()[0].id)
    assert (question.text, question.state) == ("The question", TurnState.DONE)
    assert answer.state is TurnState.INTERRUPTED
    assert len(answer.text) >= length > 0
    database.close()


def set_aside(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if ".corrupt-" in file.name and not file.name.endswith(("wal", "shm"))]


def make_chats(path: Path) -> None:
    database = ChatDatabase(path)
    for number in range(20):
        chat = database.add_chat(f"Chat {number}", "m")
        database.add_turn(chat.id, Role.USER, "words " * 200, TurnState.DONE)
    database.close()
