"""The cache of answers of an open engine: put together here, and imported when one is opened."""

from collections.abc import Callable, Mapping, Sequence

from engine.backends.base import Backend
from engine.config import EngineConfig
from engine.memory.answers.store import AnswerStore
from engine.models.library import ModelLibrary
from engine.plugins.infos import PluginInfo
from engine.plugins.registry import Registry
from engine.tasks.answers import AnswerCache
from engine.tasks.grounds import Grounds


def open_answers(
    config: EngineConfig,
    backends: Mapping[str, Backend],
    library: ModelLibrary,
    registry: Registry,
    plugins: Callable[[], Sequence[PluginInfo]],
) -> AnswerCache:
    """Make the cache, and let its disk be opened in the background.

    Args:
        config: of the engine.
        backends: by model format.
        library: finds models.
        registry: knows when plugins come and go.
        plugins: all that there are.
    """
    store = AnswerStore(
        config.cache_dir / "answers", config.cache_memory_bytes, config.cache_disk_bytes, config.cache_days
    )
    answers = AnswerCache(store, Grounds(library, backends, registry, plugins, config.context_tokens))
    answers.open()
    return answers
