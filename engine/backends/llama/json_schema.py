"""SchemaConverter: JSON schema to GBNF, never wider than the schema.

Narrower is fine: a grammar that gives properties in one order, and no additional ones, only gives answers that satisfy
the schema. What cannot be kept at all is an error that names the keyword, so that nobody relies on a rule that is
silently dropped.
"""

import json
from collections.abc import Callable
from itertools import combinations
from typing import Any, Final, NoReturn

from engine.backends.llama.integer_range import integer_range
from engine.backends.llama.json_rules import JSON_RULES, STRING_FORMATS, fixed_rules_in, json_literal, separated
from engine.backends.llama.schema_facts import (
    COMBINING,
    KEYWORDS,
    LIMITING,
    TYPES,
    UNSUPPORTED,
    Schema,
    are_disjoint,
    is_a,
    names,
    same,
    types,
)
from engine.errors import GrammarError

MAX_DEPTH: Final = 64  # of the JSON text; a nested object takes two levels
MAX_ENUM: Final = 10_000
MAX_COUNT: Final = 2_000
MAX_PROPERTIES: Final = 500  # llama.cpp's time per character grows with the square of the optional ones
INTEGER_DIGITS: Final = 15  # what every JSON reader keeps exactly


class SchemaConverter:
    """Converts one schema.

    Rules are made on the way: `root`, the fixed ones that are used, and numbered ones for everything else.
    """

    def __init__(self, schema: object) -> None:
        """Make a converter.

        Args:
            schema: decoded JSON, not nested deeper than `MAX_DEPTH`.
        """
        self._schema = schema
        self._rules: dict[str, str] = {}
        self._refs: dict[str, str] = {}  # pointer -> rule

    def convert(self) -> str:
        """Make the grammar.

        Raises:
            GrammarError: the schema has a part that cannot be kept; names it.
        """
        self._refs["#"] = "root"
        self._rules["root"] = ""  # takes its place at the top
        self._rules["root"] = self._visit(self._schema, "#")
        return "".join(f"{name} ::= {rule}\n" for name, rule in self._rules.items())

    # ------------------------------------------------------------------------------------------------ any schema

    def _visit(self, schema: object, at: str) -> str:
        """The body of a rule for a schema."""
        if schema is True:
            return self._fixed("value")
        if not isinstance(schema, dict):
            self._fail(at, "must be an object or true")
        for keyword in schema.keys() & UNSUPPORTED:
            if keyword in COMBINING:
                self._unsupported(at, keyword)
        for keyword, convert in self._combinators().items():
            if keyword in schema:
                self._alone(schema, keyword, at)
                return convert(schema[keyword], f"{at}/{keyword}")
        if "const" in schema:
            return self._values([schema["const"]], schema, at)
        if "enum" in schema:
            return self._values(schema["enum"], schema, f"{at}/enum")
        return self._of_types(schema, at)

    def _of_types(self, schema: Schema, at: str) -> str:
        kinds = types(schema)
        if unknown := [kind for kind in kinds if kind not in TYPES]:
            self._fail(f"{at}/type", f"is {json.dumps(unknown[0])}, which is no type")
        return " | ".join(self._typed(kind, schema, at) for kind in kinds) or self._fixed("value")

    def _combinators(self) -> dict[str, Callable[[Any, str], str]]:
        return {"$ref": self._ref, "anyOf": self._any_of, "oneOf": self._one_of, "allOf": self._all_of}

    def _rule(self, schema: object, at: str) -> str:
        """The name of a rule for a schema."""
        return self._add(self._visit(schema, at))

    def _add(self, body: str) -> str:
        name = f"r{len(self._rules)}"
        self._rules[name] = body
        return name

    def _fixed(self, name: str) -> str:
        """The name of a fixed rule, which is added with all that it needs."""
        if name not in self._rules:
            self._rules[name] = JSON_RULES[name]
            self._need(JSON_RULES[name])
        return name

    def _need(self, body: str) -> str:
        """Add the fixed rules that a body uses."""
        for name in fixed_rules_in(body):
            self._fixed(name)
        return body

    def _ref(self, pointer: object, at: str) -> str:
        if not isinstance(pointer, str) or not (pointer == "#" or pointer.startswith("#/")):
            self._fail(at, f"is {json.dumps(pointer)}, but only places in the same schema are allowed")
        if pointer not in self._refs:
            target = self._resolve(pointer, at)
            self._refs[pointer] = self._add("")
            self._rules[self._refs[pointer]] = self._visit(target, pointer)
        return self._refs[pointer]

    def _resolve(self, pointer: str, at: str) -> object:
        target = self._schema
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(target, dict) and key in target:
                target = target[key]
            elif isinstance(target, list) and key.isdecimal() and int(key) < len(target):
                target = target[int(key)]
            else:
                self._fail(at, f"is {json.dumps(pointer)}, which does not exist")
        return target

    def _any_of(self, schemas: object, at: str) -> str:
        parts = self._list(schemas, at)
        return " | ".join(self._rule(part, f"{at}/{index}") for index, part in enumerate(parts))

    def _one_of(self, schemas: object, at: str) -> str:
        parts = self._list(schemas, at)
        if not all(are_disjoint(one, other, self._follow) for one, other in combinations(parts, 2)):
            self._fail(at, "has parts that one answer could satisfy together; use anyOf")
        return self._any_of(schemas, at)

    def _all_of(self, schemas: object, at: str) -> str:
        parts = self._list(schemas, at)
        if len(parts) > 1:
            self._fail(at, "has several parts, which cannot be kept together; write them as one")
        return self._rule(parts[0], f"{at}/0")

    def _list(self, value: object, at: str) -> list[Any]:
        if not isinstance(value, list) or not value or len(value) > MAX_ENUM:
            self._fail(at, f"must be a list of 1 to {MAX_ENUM:,}")
        return value

    def _alone(self, schema: Schema, keyword: str, at: str) -> None:
        """Refuse a keyword that comes together with others that limit the same value."""
        for other in schema:
            if other in LIMITING and other != keyword:
                self._fail(f"{at}/{other}", f"cannot be kept together with {keyword}")

    def _values(self, values: object, schema: Schema, at: str) -> str:
        kinds = types(schema) if "type" in schema else list(TYPES)
        allowed = [value for value in self._list(values, at) if any(is_a(value, kind) for kind in kinds)]
        if "const" in schema and "enum" in schema:
            allowed = [value for value in allowed if any(same(value, item) for item in self._list(schema["enum"], at))]
        if not allowed:
            self._fail(at, "leaves no value")
        for keyword in schema:
            if keyword in LIMITING - {"type", "const", "enum"}:
                self._fail(f"{at}/{keyword}", "cannot be kept together with const or enum")
        return " | ".join(json_literal(value) for value in allowed)

    def _follow(self, schema: object) -> object:
        for _ in range(MAX_DEPTH):
            if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
                break
            schema = self._resolve(schema["$ref"], schema["$ref"])
        return schema

    # ------------------------------------------------------------------------------------------------- one type

    def _typed(self, kind: str, schema: Schema, at: str) -> str:
        keywords = KEYWORDS.get("number" if kind == "integer" else kind, frozenset())
        for keyword in schema.keys() & keywords & UNSUPPORTED:
            self._unsupported(at, keyword)
        if kind == "object":
            return self._object(schema, at)
        if kind == "array":
            return self._array(schema, at)
        if kind == "string":
            return self._string(schema, at)
        return self._number(kind, schema, at) if schema.keys() & keywords else self._fixed(kind)

    def _object(self, schema: Schema, at: str) -> str:
        properties = self._mapping(schema, "properties", at)
        required = names(schema.get("required"))
        others = schema.get("additionalProperties", True)
        for name in required:
            if name not in properties:
                if others is False:
                    self._fail(f"{at}/required", f"names {json.dumps(name)}, which is not allowed")
                properties[name] = others
        if len(properties) > MAX_PROPERTIES:
            self._fail(at, f"has more than {MAX_PROPERTIES} properties")
        if not properties and others is not False:
            return self._map(others, schema, at)
        least, most = self._range(schema, "minProperties", "maxProperties", at)
        if least > len(required) or (most is not None and most < len(properties)):
            self._fail(at, "counts properties with minProperties or maxProperties, which cannot be kept")
        members = []
        for name, part in properties.items():
            member = self._member(json_literal(name), part, f"{at}/properties/{name}")
            members.append((member, name in required))
        return self._need(f'"{{" space {self._members(members)} space "}}"')

    def _member(self, key: str, schema: object, at: str) -> str:
        return self._add(self._need(f'{key} ":" space {self._rule(schema, at)}'))

    def _members(self, members: list[tuple[str, bool]]) -> str:
        """Members in order, some of them optional; the rules are shared, so that the grammar stays short."""
        following = '""'
        firsts: list[str] = []
        for index in range(len(members) - 1, -1, -1):
            member, required = members[index]
            if required:
                firsts = []
            firsts.append(f"{member} {following}")
            rest = f'"," space {member}'
            if index:
                following = self._add(self._need(f"{rest if required else f'({rest})?'} {following}"))
        some = " | ".join(reversed(firsts)) or '""'
        return f"({some})" if any(required for _, required in members) else f"({some})?"

    def _map(self, values: object, schema: Schema, at: str) -> str:
        """An object with any names."""
        least, most = self._range(schema, "minProperties", "maxProperties", at)
        if least > 1:  # the same name twice would count once
            self._unsupported(at, "minProperties")
        member = self._member(self._fixed("string"), values, f"{at}/additionalProperties")
        return self._need(f'"{{" space {separated(member, least, most)} space "}}"')

    def _array(self, schema: Schema, at: str) -> str:
        least, most = self._range(schema, "minItems", "maxItems", at)
        if schema.get("uniqueItems") is True and (most is None or most > 1):
            self._unsupported(at, "uniqueItems")
        prefix, items, key = schema.get("prefixItems", []), schema.get("items", True), "items"
        if isinstance(items, list):  # what prefixItems was called before 2020
            prefix, items, key = items, schema.get("additionalItems", True), "additionalItems"
        if not prefix:
            if items is False:
                most = 0
            item = "" if most == 0 else self._rule(items, f"{at}/{key}")
            if least and most == 0:
                self._fail(at, "needs items but allows none")
            return self._need(f'"[" space {separated(item, least, most)} space "]"')
        parts = self._list(prefix, f"{at}/prefixItems")[:most]
        rules = [self._rule(part, f"{at}/prefixItems/{index}") for index, part in enumerate(parts)]
        body = ' "," space '.join(rules) or '""'
        if least > len(parts):
            if items is False or (most is not None and most < least):
                self._fail(at, f"needs {least} items but allows fewer")
            body += f' ("," space {self._rule(items, f"{at}/{key}")}){{{least - len(parts)}}}'
        return self._need(f'"[" space {body} space "]"')

    def _string(self, schema: Schema, at: str) -> str:
        least, most = self._range(schema, "minLength", "maxLength", at)
        form = STRING_FORMATS.get(str(schema.get("format")))
        if form:
            if least or most is not None:
                self._fail(at, "has a format and a length, which cannot be kept together")
            return self._need(rf'"\"" {form} "\""')
        if not least and most is None:
            return self._fixed("string")
        limit = "" if most is None else str(most)
        return self._need(rf'"\"" char{{{least},{limit}}} "\""')

    def _number(self, kind: str, schema: Schema, at: str) -> str:
        if kind == "integer":
            low = self._bound(schema, "minimum", "exclusiveMinimum", 1, at)
            high = self._bound(schema, "maximum", "exclusiveMaximum", -1, at)
            body = integer_range(low, high, INTEGER_DIGITS)
            if not body:
                self._fail(at, "leaves no integer")
            return body
        limits = {key: value for key, value in schema.items() if key in KEYWORDS["number"]}
        if limits in ({"minimum": 0}, {"minimum": 0.0}):
            return self._fixed("natural")
        if any(not is_a(value, "number") for value in limits.values()):
            self._fail(f"{at}/{next(iter(limits))}", "must be a number")
        return self._unsupported(at, next(iter(limits)))

    def _bound(self, schema: Schema, inclusive: str, exclusive: str, step: int, at: str) -> int | None:
        """The bound of an integer on one side."""
        bounds = []
        for keyword, shift in ((inclusive, 0), (exclusive, step)):
            value = schema.get(keyword)
            if value is None:
                continue
            if not is_a(value, "number") or abs(value) >= 10**INTEGER_DIGITS:
                self._fail(f"{at}/{keyword}", f"must be a number of at most {INTEGER_DIGITS} digits")
            whole = -int(-value // 1) if step > 0 else int(value // 1)  # inwards
            bounds.append(whole + shift if value == whole else whole)
        return None if not bounds else max(bounds) if step > 0 else min(bounds)

    # -------------------------------------------------------------------------------------------------- checking

    def _range(self, schema: Schema, low: str, high: str, at: str) -> tuple[int, int | None]:
        for keyword in (low, high):
            value = schema.get(keyword, 0)
            if not is_a(value, "integer") or not 0 <= value <= MAX_COUNT:
                self._fail(f"{at}/{keyword}", f"must be from 0 to {MAX_COUNT:,}")
        least, most = int(schema.get(low, 0)), int(schema[high]) if high in schema else None
        if most is not None and least > most:
            self._fail(f"{at}/{high}", f"must not be below {low}")
        return least, most

    def _mapping(self, schema: Schema, keyword: str, at: str) -> Schema:
        value = schema.get(keyword, {})
        if not isinstance(value, dict):
            self._fail(f"{at}/{keyword}", "must be an object")
        return dict(value)

    def _unsupported(self, at: str, keyword: str) -> NoReturn:
        raise GrammarError(f"The JSON schema uses {keyword} at {at}, which is not supported.", "Leave it out.")

    def _fail(self, at: str, what: str) -> NoReturn:
        at = at.encode(errors="replace").decode()[:200]
        raise GrammarError(f"In the JSON schema, {at} {what}.", "Correct the schema.")
