"""Chats on disk: one SQLite file in write-ahead mode. All of it blocks; `ChatStore` keeps it off the UI thread."""

import json
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from app.chat.conversation import AnswerFacts, Call, CallState, ChatSummary, Role, Turn, TurnState

SCHEMA_VERSION = 2
_SCHEMA = """
CREATE TABLE chats (
    id INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    model TEXT NOT NULL,
    updated_s REAL NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    tools TEXT NOT NULL DEFAULT '[]'
);
CREATE TABLE turns (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    chat INTEGER NOT NULL REFERENCES chats(id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    text TEXT NOT NULL,
    state TEXT NOT NULL,
    model TEXT NOT NULL,
    facts TEXT NOT NULL,
    created_s REAL NOT NULL,
    thinking TEXT NOT NULL DEFAULT '',
    calls TEXT NOT NULL DEFAULT '[]'
);
CREATE TABLE kept (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE INDEX turns_by_chat ON turns(chat, id);
"""
_FROM_1 = """
ALTER TABLE chats ADD COLUMN tools TEXT NOT NULL DEFAULT '[]';
ALTER TABLE turns ADD COLUMN thinking TEXT NOT NULL DEFAULT '';
ALTER TABLE turns ADD COLUMN calls TEXT NOT NULL DEFAULT '[]';
"""
_LIST = """
SELECT id, title, model, updated_s, tools FROM chats
WHERE NOT deleted AND (
    :like = '' OR title LIKE :like ESCAPE '\\' OR id IN (SELECT chat FROM turns WHERE text LIKE :like ESCAPE '\\')
)
ORDER BY updated_s DESC, id DESC
"""


class DamagedDatabaseError(Exception):
    """The file is not a chat database of this version."""


class ChatDatabase:
    """The chats of one person.

    Thread: the one that made it (SQLite checks).

    Raises:
        DamagedDatabaseError: the file is not a database, is broken, or is of another version.
        sqlite3.OperationalError: the file cannot be opened (no right, no space, a folder in its place).
    """

    def __init__(self, path: Path | str) -> None:
        self._db = sqlite3.connect(path, timeout=5.0, isolation_level=None)
        try:
            self._prepare()
        except sqlite3.OperationalError:
            self._db.close()
            raise
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise DamagedDatabaseError(str(error)) from error
        except DamagedDatabaseError:
            self._db.close()
            raise

    def _prepare(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        is_new = version == 0 and tables == 0
        if not is_new:
            self._check(version)  # before anything is written: it may be somebody else's file
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")  # a message that shows as sent survives a power cut
        self._db.execute("PRAGMA foreign_keys=ON")
        if is_new:
            self._db.executescript(f"BEGIN;{_SCHEMA};PRAGMA user_version={SCHEMA_VERSION};COMMIT;")
        elif version == 1:
            self._db.executescript(f"BEGIN;{_FROM_1};PRAGMA user_version={SCHEMA_VERSION};COMMIT;")
        self._db.execute("DELETE FROM chats WHERE deleted")
        self._db.execute("UPDATE turns SET state='interrupted' WHERE state='running'")

    def _check(self, version: int) -> None:
        if version not in (1, SCHEMA_VERSION):
            raise DamagedDatabaseError(f"it has version {version}, this program knows {SCHEMA_VERSION}")
        if (verdict := self._db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise DamagedDatabaseError(verdict)

    def close(self) -> None:
        """Close the file; the write-ahead log is merged into it."""
        self._db.close()

    def chats(self, query: str = "") -> list[ChatSummary]:
        """List chats, the latest first; `query` is searched in titles and in every message."""
        rows = self._db.execute(_LIST, {"like": _like(query)})
        return [
            ChatSummary(id=row[0], title=row[1], model=row[2], updated_s=row[3], tools=tuple(json.loads(row[4])))
            for row in rows
        ]

    def turns(self, chat: int) -> list[Turn]:
        """Read one chat, the oldest turn first."""
        rows = self._db.execute(
            "SELECT id, role, text, state, model, facts, created_s, thinking, calls "
            "FROM turns WHERE chat=? ORDER BY id",
            (chat,),
        )
        return [_turn(row) for row in rows]

    def add_chat(self, title: str, model: str, tools: Sequence[str] = ()) -> ChatSummary:
        """Begin a chat."""
        now = time.time()
        values = (_clean(title), model, now, json.dumps(list(tools)))
        adding = "INSERT INTO chats(title, model, updated_s, tools) VALUES (?, ?, ?, ?)"
        with closing(self._db.execute(adding, values)) as cursor:
            return ChatSummary(id=cursor.lastrowid or 0, title=title, model=model, updated_s=now, tools=tuple(tools))

    def set_tools(self, chat: int, tools: Sequence[str]) -> None:
        """Say which tools the model of a chat may call."""
        self._db.execute("UPDATE chats SET tools=? WHERE id=?", (json.dumps(list(tools)), chat))

    def rename_chat(self, chat: int, title: str) -> None:
        """Give a chat another title."""
        self._db.execute("UPDATE chats SET title=? WHERE id=?", (_clean(title), chat))

    def set_deleted(self, chat: int, deleted: bool) -> None:
        """Hide a chat, or bring it back; hidden chats are erased when the file is opened next."""
        self._db.execute("UPDATE chats SET deleted=? WHERE id=?", (int(deleted), chat))

    def add_turn(self, chat: int, role: Role, text: str, state: TurnState, model: str = "") -> Turn:
        """Append a turn and move its chat to the top; on disk when this returns."""
        now = time.time()
        facts = AnswerFacts()
        self._db.execute("BEGIN IMMEDIATE")
        with self._db:
            cursor = self._db.execute(
                "INSERT INTO turns(chat, role, text, state, model, facts, created_s) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (chat, role, _clean(text), state, model, json.dumps(facts.as_dict()), now),
            )
            self._db.execute(
                "UPDATE chats SET updated_s=?, model=CASE ? WHEN '' THEN model ELSE ? END WHERE id=?",
                (now, model, model, chat),
            )
        return Turn(id=cursor.lastrowid or 0, role=role, text=text, state=state, model=model, created_s=now)

    def save_turn(self, turn: Turn) -> None:
        """Write all of a turn that an answer changes."""
        calls = json.dumps([call.as_dict() for call in turn.calls])
        facts = json.dumps(turn.facts.as_dict())
        self._db.execute(
            "UPDATE turns SET text=?, state=?, facts=?, thinking=?, calls=? WHERE id=?",
            (_clean(turn.text), turn.state, facts, _clean(turn.thinking), calls, turn.id),
        )

    def keep(self, name: str, value: str) -> None:
        """Remember a choice of the page, such as its model."""
        self._db.execute("INSERT OR REPLACE INTO kept(name, value) VALUES (?, ?)", (name, _clean(value)))

    def kept(self) -> dict[str, str]:
        """Give the remembered choices."""
        return dict(self._db.execute("SELECT name, value FROM kept").fetchall())

    def remove_turn(self, turn: int) -> None:
        """Erase one turn."""
        self._db.execute("DELETE FROM turns WHERE id=?", (turn,))


def _clean(text: str) -> str:
    """SQLite stores UTF-8; half a surrogate pair from a clipboard must not lose the message."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _like(query: str) -> str:
    words = query.strip()
    if not words:
        return ""
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _turn(row: tuple[int, str, str, str, str, str, float, str, str]) -> Turn:
    identity, role, text, state, model, facts, created_s, thinking, calls = row
    return Turn(
        id=identity,
        role=Role(role),
        text=text,
        state=TurnState(state),
        model=model,
        facts=AnswerFacts.from_dict(json.loads(facts)),
        created_s=created_s,
        thinking=thinking,
        calls=tuple(_call(call) for call in json.loads(calls)),
    )


def _call(table: dict[str, Any]) -> Call:
    state = CallState(table.pop("state"))
    has_ended = state not in (CallState.ASKING, CallState.RUNNING)
    return Call(**table, state=state if has_ended else CallState.LEFT)  # the program ended in the middle of it
