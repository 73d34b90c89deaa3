"""Schemas of strangers' tools: only those that are harmless to check arguments with.

Checking happens in Hearth. A schema could make it read other places, search with a pattern that never ends, or double
its work with every step: what refers to one thing twice, which refers to another thing twice, and so on.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

MOST_SCHEMAS: Final = 1_000
"""In one another, what is referred to put in each place; bounds the time that a check takes."""

_UNSAFE_KEYWORDS: Final = frozenset(
    {"pattern", "patternProperties", "$id", "$dynamicRef", "$recursiveRef", "unevaluatedProperties", "unevaluatedItems"}
)
_NAMED_SCHEMAS: Final = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
_DATA_KEYWORDS: Final = frozenset({"enum", "const", "default", "examples"})
_REFERENCE: Final = re.compile(r"#/(\$defs|definitions)/([A-Za-z0-9_.-]{1,80})")


def check_schema(schema: Mapping[str, object]) -> None:
    """Check the schema of a tool's arguments, which JSON can hold.

    Raises:
        ValueError: it has, or refers to, what makes checking arguments reach the network, or take as long as a
            stranger likes.
    """
    try:
        weight = _Weigher(schema).weight(schema)
    except RecursionError:
        raise ValueError("a schema must not lead on for so long") from None
    if weight > MOST_SCHEMAS:
        raise ValueError(f"a schema must not stand for more than {MOST_SCHEMAS:,} others")


class _Weigher:
    """Counts schemas, what is referred to once in each place."""

    def __init__(self, root: Mapping[str, object]) -> None:
        self._root = root
        self._known: dict[str, int | None] = {}  # by reference; None while it is being counted

    def weight(self, schema: object) -> int:
        if isinstance(schema, list):
            return sum(map(self.weight, schema))
        if not isinstance(schema, Mapping):
            return 0
        return 1 + sum(map(self.weight, self._inner(schema))) + self._referred(schema)

    def _inner(self, schema: Mapping[str, object]) -> Iterator[object]:
        for key, value in schema.items():
            if key in _UNSAFE_KEYWORDS:
                raise ValueError(f"a schema must not have `{key}`")
            if key in _NAMED_SCHEMAS and isinstance(value, Mapping):
                yield from value.values()
            elif key not in _DATA_KEYWORDS:
                yield value

    def _referred(self, schema: Mapping[str, object]) -> int:
        if "$ref" not in schema:
            return 0
        reference = str(schema["$ref"])
        if reference not in self._known:
            self._known[reference] = None
            self._known[reference] = self.weight(self._target(reference))
        known = self._known[reference]
        if known is None:
            raise ValueError("a schema must not have a `$ref` that leads back to itself")
        return known

    def _target(self, reference: str) -> object:
        found = _REFERENCE.fullmatch(reference)
        named = self._root.get(found[1]) if found else None
        if found is None or not isinstance(named, Mapping) or found[2] not in named:
            raise ValueError("a schema must not have a `$ref` to anything but its own `$defs`")
        return named[found[2]]
