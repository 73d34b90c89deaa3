"""Schemas of strangers' tools that would make Hearth work for ever, or reach out, are refused."""

import pytest

from engine.plugins.process.tool_schemas import MOST_SCHEMAS, check_schema


def doubling(steps):
    """Each step refers to the next one twice."""
    steps_of = {f"a{i}": {"allOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(steps)}
    return {"$defs": steps_of | {f"a{steps}": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/a0"}}}


def test_ordinary_schemas_are_taken():
    check_schema(doubling(4))
    check_schema({"type": "object", "properties": {"pattern": {"type": "string"}, "$ref": {"enum": [{"pattern": 1}]}}})
    check_schema({"definitions": {"a-b.c": {"type": "integer"}}, "items": {"$ref": "#/definitions/a-b.c"}})


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"pattern": "(a+)+$"}, "`pattern`"),
        ({"properties": {"a": {"propertyNames": {"patternProperties": {}}}}}, "`patternProperties`"),
        ({"anyOf": [{"unevaluatedProperties": False}]}, "`unevaluatedProperties`"),
        ({"$defs": {"a": {"$id": "http://a/b"}}}, r"`\$id`"),
        ({"$ref": "http://a/b"}, "its own"),
        ({"$ref": "#/$defs/missing"}, "its own"),
        # Data may look like anything, so nothing may refer to it.
        ({"$ref": "#/default/a", "default": {"a": {"pattern": "(a+)+$"}}}, "its own"),
        ({"$ref": "#"}, "its own"),
        ({"$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}, "leads back to itself"),
        (doubling(64), "more than 1,000"),
        ({"allOf": [{}] * MOST_SCHEMAS}, "more than 1,000"),
        (doubling(2_000), "lead on for so long"),
    ],
)
def test_what_is_refused(schema, why):
    with pytest.raises(ValueError, match=why):
        check_schema(schema)
