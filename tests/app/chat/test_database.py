import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.chat.conversation import AnswerFacts, Role, TurnState
from app.chat.database import ChatDatabase, DamagedDatabaseError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chats.db"


@pytest.fixture
def db(path: Path) -> Iterator[ChatDatabase]:
    database = ChatDatabase(path)
    yield database
    database.close()


def reopen(db: ChatDatabase, path: Path) -> ChatDatabase:
    db.close()
    return ChatDatabase(path)


def test_a_turn_comes_back_as_it_was_saved(db: ChatDatabase, path: Path) -> None:
    chat = db.add_chat("Title", "starter")
    asked = db.add_turn(chat.id, Role.USER, "Grüße 😀\0", TurnState.DONE)
    answer = db.add_turn(chat.id, Role.ANSWER, "", TurnState.RUNNING, "starter")
    facts = AnswerFacts(device="cpu", output_tokens=3, first_token_s=0.1, decode_s=0.2, dropped_messages=1)
    answer = replace(answer, text="Hello", state=TurnState.DONE, facts=facts)
    db.save_turn(answer)
    other = reopen(db, path)
    assert other.turns(chat.id) == [asked, answer]
    other.close()


def test_an_answer_that_never_ended_is_marked(db: ChatDatabase, path: Path) -> None:
    chat = db.add_chat("Title", "starter")
    db.add_turn(chat.id, Role.ANSWER, "half", TurnState.RUNNING, "starter")
    other = reopen(db, path)
    assert [(turn.text, turn.state) for turn in other.turns(chat.id)] == [("half", TurnState.INTERRUPTED)]
    other.close()


def test_latest_chat_first_and_a_turn_moves_its_chat_up(db: ChatDatabase) -> None:
    first, second = db.add_chat("First", "a"), db.add_chat("Second", "a")
    assert [chat.id for chat in db.chats()] == [second.id, first.id]
    db.add_turn(first.id, Role.ANSWER, "x", TurnState.DONE, "b")
    assert [(chat.title, chat.model) for chat in db.chats()] == [("First", "b"), ("Second", "a")]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("", {"Herbs", "Code"}),
        ("herb", {"Herbs"}),
        ("BASIL", {"Herbs"}),
        ("100%", {"Code"}),
        ("_", set()),
        ("zzz", set()),
    ],
)
def test_search_in_titles_and_messages(db: ChatDatabase, query: str, titles: set[str]) -> None:
    herbs, code = db.add_chat("Herbs", "a"), db.add_chat("Code", "a")
    db.add_turn(herbs.id, Role.USER, "Where does basil grow", TurnState.DONE)
    db.add_turn(code.id, Role.USER, "it is 100% done", TurnState.DONE)
    assert {chat.title for chat in db.chats(query)} == titles


def test_a_deleted_chat_can_be_restored_until_the_file_is_opened_again(db: ChatDatabase, path: Path) -> None:
    kept, gone = db.add_chat("Kept", "a"), db.add_chat("Gone", "a")
    db.add_turn(gone.id, Role.USER, "secret words", TurnState.DONE)
    for chat in (kept, gone):
        db.set_deleted(chat.id, True)
    db.set_deleted(kept.id, False)
    assert [chat.title for chat in db.chats()] == ["Kept"]
    other = reopen(db, path)
    other.set_deleted(gone.id, False)
    assert [chat.title for chat in other.chats()] == ["Kept"]
    assert other.turns(gone.id) == []
    other.close()


def test_rename_remove_and_keep(db: ChatDatabase) -> None:
    chat = db.add_chat("Old", "a")
    db.rename_chat(chat.id, "New")
    turn = db.add_turn(chat.id, Role.USER, "x", TurnState.DONE)
    db.remove_turn(turn.id)
    db.keep("model", "alpha")
    db.keep("model", "beta")
    assert (db.chats()[0].title, db.turns(chat.id), db.kept()) == ("New", [], {"model": "beta"})


def test_half_a_surrogate_pair_is_saved_as_a_mark(db: ChatDatabase) -> None:
    chat = db.add_chat("a\ud83d", "m")
    db.add_turn(chat.id, Role.USER, "b\udc00", TurnState.DONE)
    assert (db.chats()[0].title, db.turns(chat.id)[0].text) == ("a?", "b?")


def test_ids_are_never_used_twice(db: ChatDatabase) -> None:
    chat = db.add_chat("x", "m")
    first = db.add_turn(chat.id, Role.USER, "1", TurnState.DONE)
    db.remove_turn(first.id)
    assert db.add_turn(chat.id, Role.USER, "2", TurnState.DONE).id > first.id


def test_another_version_is_refused(db: ChatDatabase, path: Path) -> None:
    db.close()
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version=99")
    raw.close()
    with pytest.raises(DamagedDatabaseError, match="version 99"):
        ChatDatabase(path)


def test_another_programs_database_is_refused(path: Path) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE bookmarks (id INTEGER)")
    raw.close()
    with pytest.raises(DamagedDatabaseError):
        ChatDatabase(path)
