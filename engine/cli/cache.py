"""`hearth cache`: what is kept of answers and prompts, and how to forget it. No engine is opened for that."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.caching import CacheInfo, CacheTierInfo
from engine.cli.options import JsonOption
from engine.cli.output import Output, count_of, human_size
from engine.cli.running import View, ask_all, duration_text
from engine.cli.session import Session
from engine.control.client import RunningEngine

if TYPE_CHECKING:
    from engine.config import EngineConfig
    from engine.memory.answers.store import AnswerStore
    from engine.memory.prefixes import PrefixStore

app = typer.Typer(help="What is kept of answers and prompts.", invoke_without_command=True)

_Answers = Annotated[bool, typer.Option("--answers", help="Only the answers.")]
_Prefixes = Annotated[bool, typer.Option("--prefixes", help="Only what models have read of prompts.")]
_Running = Sequence[tuple[RunningEngine, CacheInfo]]


@dataclass(frozen=True, slots=True)
class _OnDisk:
    """What is on disk.

    Attributes:
        folder: where.
        answers: kept answers.
        prefixes: kept beginnings of prompts.
        trouble: why the answers on disk cannot be used, in one sentence; or empty.
    """

    folder: Path
    answers: CacheTierInfo
    prefixes: CacheTierInfo
    trouble: str

    @property
    def size_bytes(self) -> int:
        """What all of it takes."""
        return self.answers.size_bytes + self.prefixes.size_bytes


@app.callback()
def cache(context: typer.Context, as_json: JsonOption = False) -> None:
    """List what is kept, how much room it takes and may take, and what it has saved."""
    if context.invoked_subcommand is not None:
        return
    session: Session = context.obj
    output = Output(as_json)
    config = session.config()
    found, running = _look(config), ask_all(session, RunningEngine.cache)
    _view(found, config.cache_memory_bytes, running).show(output)
    output.document(
        {
            "folder": found.folder,
            "answers": found.answers,
            "prefixes": found.prefixes,
            "memory_limit_bytes": config.cache_memory_bytes,
            "days": config.cache_days,
            "trouble": found.trouble,
            "running": [{"process": engine.process, "title": engine.title, "cache": info} for engine, info in running],
        }
    )


@app.command("clear")
def clear(
    context: typer.Context, answers: _Answers = False, prefixes: _Prefixes = False, as_json: JsonOption = False
) -> None:
    """Forget all answers and what models have read of prompts, here and in every Hearth that runs."""
    output = Output(as_json)
    config = context.obj.config()
    before = _look(config)
    both = answers == prefixes
    if answers or both:
        store = _answer_store(config)
        store.clear()
        store.close()
    if prefixes or both:
        _prefix_store(config).clear()
    after = _look(config)  # a Hearth that runs may have kept something meanwhile
    gone = {
        "answers": max(0, before.answers.entries - after.answers.entries),
        "prefixes": max(0, before.prefixes.entries - after.prefixes.entries),
        "freed_bytes": max(0, before.size_bytes - after.size_bytes),
    }
    counts = f"{count_of(gone['answers'], 'answer')}, {count_of(gone['prefixes'], 'read prompt')}"
    output.line(f"Forgotten: {counts}; {human_size(gone['freed_bytes'])} freed.")
    output.document(gone)


def _answer_store(config: "EngineConfig") -> "AnswerStore":
    from engine.memory.answers.store import AnswerStore

    return AnswerStore(config.cache_dir / "answers", 0, config.cache_disk_bytes, config.cache_days)


def _prefix_store(config: "EngineConfig") -> "PrefixStore":
    from engine.memory.prefixes import PrefixStore

    return PrefixStore(config.cache_dir / "prefixes", config.prefix_disk_bytes)


def _look(config: "EngineConfig") -> _OnDisk:
    store, prefixes = _answer_store(config), _prefix_store(config)
    store.open()
    found = _OnDisk(config.cache_dir, store.disk_info(), prefixes.info(), store.trouble)
    store.close()
    return found


def _view(found: _OnDisk, memory_limit_bytes: int, running: _Running) -> View:
    from rich import box
    from rich.table import Table

    table = Table("kept", "where", box=box.SIMPLE_HEAD)
    for title in ("entries", "size", "limit"):
        table.add_column(title, justify="right")
    for engine, info in running:
        table.add_row(*_row("answers", f"memory of {engine}", info.memory))
    if not running:
        table.add_row("answers", "memory (no Hearth runs)", "–", "–", _limit(memory_limit_bytes))
    table.add_row(*_row("answers", "disk", found.answers))
    table.add_row(*_row("read prompts", "disk", found.prefixes))
    return View([table], [*_sentences(running), *filter(None, [found.trouble]), f"On disk: {found.folder}"])


def _row(kept: str, where: str, tier: CacheTierInfo) -> tuple[str, ...]:
    return kept, where, f"{tier.entries:,}", human_size(tier.size_bytes), _limit(tier.limit_bytes)


def _limit(size_bytes: int) -> str:
    return human_size(size_bytes) if size_bytes else "off"


def _sentences(running: _Running) -> Iterator[str]:
    for engine, info in running:
        if info.lookups:
            yield (
                f"{engine}: {info.hits:,} of {count_of(info.lookups, 'request')} needed no computing, which saved "
                f"{duration_text(info.saved_s)}."
            )
        if info.prefix_tokens:
            yield f"{engine}: {count_of(info.prefix_tokens, 'token')} of prompts were not read again."
        if info.trouble:
            yield f"{engine}: {info.trouble}"
