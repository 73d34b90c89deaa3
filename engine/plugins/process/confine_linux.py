"""Confinement on Linux."""

from engine.plugins.process.confine_posix import lower_limits
from engine.plugins.process.confinement import Confinement


def confine_linux(confinement: Confinement) -> None:
    """Confine this process."""
    lower_limits(confinement.memory_bytes)


def unenforced_linux() -> tuple[str, ...]:
    """What this system does not enforce, a sentence each."""
    return ("On this system it can read and change your files, as every program can that you start.",)
