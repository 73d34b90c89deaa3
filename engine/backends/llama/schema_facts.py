"""What a JSON schema says about the values that it allows, without converting it."""

from collections.abc import Callable
from typing import Any, Final

Schema = dict[str, Any]

TYPES: Final = ("object", "array", "string", "number", "integer", "boolean", "null")
KEYWORDS: Final[dict[str, frozenset[str]]] = {
    "object": frozenset({"properties", "required", "additionalProperties", "minProperties", "maxProperties",
                         "patternProperties", "propertyNames", "dependentRequired", "dependentSchemas", "dependencies",
                         "unevaluatedProperties"}),
    "array": frozenset({"items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains", "minContains",
                        "maxContains", "unevaluatedItems", "additionalItems"}),
    "string": frozenset({"minLength", "maxLength", "pattern", "format"}),
    "number": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
}  # fmt: skip
COMBINING: Final = frozenset({"$ref", "const", "enum", "anyOf", "oneOf", "allOf", "not", "if", "$dynamicRef",
                              "$recursiveRef"})  # fmt: skip
UNSUPPORTED: Final = frozenset({
    "not", "if", "$dynamicRef", "$recursiveRef", "patternProperties", "propertyNames", "dependentRequired",
    "dependentSchemas", "dependencies", "contains", "pattern", "multipleOf",
})  # fmt: skip
"""Keywords that cannot be kept; `not`, `if` and the dynamic references wherever they are, the others for their type."""

LIMITING: Final = COMBINING.union({"type"}, *KEYWORDS.values()) - {"format"}
"""Every keyword that limits values; all others are remarks."""

Resolve = Callable[[object], object]
"""Gives the schema that a `$ref` leads to, or the schema itself."""


def types(schema: Schema) -> list[str]:
    """The types that a schema allows; without a type, the one that its keywords speak of; empty for any."""
    kind = schema.get("type")
    if kind is None:
        spoken_of = [kind for kind, keywords in KEYWORDS.items() if schema.keys() & keywords & LIMITING]
        return spoken_of[:1]
    kinds = kind if isinstance(kind, list) else [kind]
    return list(dict.fromkeys(str(kind) for kind in kinds))


def names(value: object) -> list[str]:
    """The names in a list, each once; none if it is no list."""
    return list(dict.fromkeys(str(name) for name in value)) if isinstance(value, list) else []


def fixed_values(schema: object) -> list[Any] | None:
    """The values of `const` or `enum`, or None."""
    if not isinstance(schema, dict):
        return None
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return values if isinstance(values, list) else None


def is_a(value: object, kind: str) -> bool:
    """Whether a value is of a type of JSON schema."""
    if isinstance(value, bool) or value is None:
        return kind == ("null" if value is None else "boolean")
    if isinstance(value, (int, float)):
        return kind == "number" or (kind == "integer" and value == value // 1)
    return kind == ("string" if isinstance(value, str) else "array" if isinstance(value, list) else "object")


def same(one: object, other: object) -> bool:
    """Whether two values are equal in JSON, where true is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def are_disjoint(one: object, other: object, resolve: Resolve) -> bool:
    """Whether it is plain that no value satisfies both schemas."""
    first, second = resolve(one), resolve(other)
    if not isinstance(first, dict) or not isinstance(second, dict):
        return False
    if _differ(fixed_values(first), fixed_values(second)):
        return True
    kinds, other_kinds = _wide(types(first)), _wide(types(second))
    if kinds and other_kinds and not kinds & other_kinds:
        return True
    return _have_tags(first, second, resolve)


def _have_tags(first: Schema, second: Schema, resolve: Resolve) -> bool:
    """Whether two objects need the same property with different values."""
    if _wide(types(first)) != {"object"} or _wide(types(second)) != {"object"}:
        return False
    for name in set(names(first.get("required"))) & set(names(second.get("required"))):
        tags = [resolve(_property(schema, name)) for schema in (first, second)]
        if _differ(fixed_values(tags[0]), fixed_values(tags[1])):
            return True
    return False


def _property(schema: Schema, name: str) -> object:
    properties = schema.get("properties")
    return properties.get(name) if isinstance(properties, dict) else None


def _differ(values: list[Any] | None, others: list[Any] | None) -> bool:
    return values is not None and others is not None and not any(same(one, two) for one in values for two in others)


def _wide(kinds: list[str]) -> set[str]:
    return {"number" if kind == "integer" else kind for kind in kinds}
