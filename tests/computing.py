"""Settings for tests about computing: with them an equal request is computed again, and for itself alone."""

from engine.config import EngineConfig


def computing(**settings: object) -> EngineConfig:
    """Settings without the cache of answers; files are loaded without a trial, which takes a second each."""
    return EngineConfig(**{"cache_memory_bytes": 0, "cache_disk_bytes": 0, "probe_files": False, **settings})
