"""The cache as commands meet it: two options, and what is said of an answer that was not computed."""

import sys
import time
from typing import Annotated

import typer

from engine.caching import Cached, CacheTier, CacheUse
from engine.cli.output import Output, note
from engine.cli.running import duration_text

NoCacheOption = Annotated[
    bool, typer.Option("--no-cache", help="Compute the answer, and do not keep it for the next time.")
]
AskAgainOption = Annotated[
    bool, typer.Option("--ask-again", help="Compute the answer anew, and keep it in place of an older one.")
]


def cache_use(no_cache: bool, ask_again: bool) -> CacheUse:
    """What the two options ask for.

    Raises:
        typer.BadParameter: both are given.
    """
    if no_cache and ask_again:
        raise typer.BadParameter("it goes without --no-cache, which keeps nothing", param_hint="--ask-again")
    return CacheUse.OFF if no_cache else CacheUse.FRESH if ask_again else CacheUse.AUTO


def cached_words(cached: Cached) -> str:
    """When an answer was computed, what that took, and how to have it computed anew."""
    if cached.tier is CacheTier.FLIGHT:
        return "computed for another request at the same time"
    moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(cached.stored_at))
    return f"from the cache: computed on {moment}, {duration_text(cached.saved_s)} saved; --ask-again computes it anew"


def note_cached(cached: Cached | None, output: Output) -> None:
    """Say to a person that an answer was not computed."""
    if cached is not None and sys.stderr.isatty() and not output.as_json:
        note(f"[{cached_words(cached)}]")
