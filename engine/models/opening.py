"""The library of an engine, put together from its settings."""

from engine.cards import Origin
from engine.config import EngineConfig
from engine.models.index import LibraryIndex
from engine.models.library import ModelLibrary
from engine.models.notes import Notes
from engine.models.places import ForeignPrograms
from engine.models.sources import FolderSource
from engine.plugins.registry import Registry
from resources import models_dir


def library_of(config: EngineConfig, registry: Registry | None = None) -> ModelLibrary:
    """Make the library of an engine; nothing is read yet.

    Args:
        config: of the engine.
        registry: says what can be done with a model; the bundled plugins' if not given.
    """
    return ModelLibrary(
        (
            FolderSource(Origin.INCLUDED, models_dir()),
            FolderSource(Origin.OWN, config.home / "models"),
            *(FolderSource(Origin.FOLDER, folder) for folder in config.model_dirs),
        ),
        registry,
        Notes(config.home / "notes.db"),
        LibraryIndex(config.home / "library.db"),
        ForeignPrograms(config.used_in_place).used,
    )
