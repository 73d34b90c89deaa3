"""Surroundings: what all plugins of one host share."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.plugins.consent import ConsentStore
from engine.plugins.crash_marker import CrashMarker
from engine.plugins.isolation import Isolate
from engine.plugins.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all plugins of one host share.

    Attributes:
        registry: where offers go.
        store: what the user has decided.
        marker: notes who is at work.
        isolate: makes the process of a stranger's plugin.
        changed: called on any thread, with a plugin's id, when something about it is another.
        reserved: ids that strangers cannot have.
        is_safe: whether strangers' plugins stay out.
        is_idle: whether none is to run: they are only looked at and decided about.
        is_development: whether changes of an allowed plugin are allowed for this session.
    """

    registry: Registry
    store: ConsentStore
    marker: CrashMarker
    isolate: Isolate
    changed: Callable[[str], None]
    reserved: frozenset[str]
    is_safe: bool
    is_idle: bool
    is_development: bool
