# ruff: noqa: E501  (grammars and schemas)
"""The grammar gate: what it accepts, llama.cpp compiles; what could hurt llama.cpp never gets there."""

import ctypes
import itertools
import json
import random
import time
from collections.abc import Iterator

import llama_cpp.llama_cpp as llama
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backends.llama.grammar import check_grammar, grammar_from_schema
from engine.backends.llama.integer_range import integer_range
from engine.backends.llama.native import ensure_initialised
from engine.errors import GrammarError

BYTE_BASE = 3  # the tiny vocabulary has the token of byte b at 3 + b
EOS = 2


class Matcher:
    """A grammar compiled by llama.cpp, fed with single bytes."""

    def __init__(self, vocab: llama.llama_vocab_p, grammar: str) -> None:
        self.sampler = llama.llama_sampler_init_grammar(vocab, grammar.encode(), b"root")
        assert self.sampler, grammar

    def allowed(self, tokens: list[int]) -> list[int]:
        """Those of the tokens that may come next."""
        data = (llama.llama_token_data * len(tokens))(*[llama.llama_token_data(token, 0.0, 0.0) for token in tokens])
        array = llama.llama_token_data_array(data, len(tokens), -1, False)
        llama.llama_sampler_apply(self.sampler, ctypes.byref(array))
        return [array.data[index].id for index in range(array.size) if array.data[index].logit > -1e30]

    def accept(self, token: int) -> None:
        llama.llama_sampler_accept(self.sampler, token)

    def matches(self, text: str) -> bool:
        for byte in text.encode():
            if not self.allowed([BYTE_BASE + byte]):
                return False
            self.accept(BYTE_BASE + byte)
        return bool(self.allowed([EOS]))

    def generate(self, rng: random.Random, most: int = 400) -> str | None:
        """A random answer in printable ASCII; None if it does not come to an end."""
        tokens = [EOS, *(BYTE_BASE + byte for byte in range(32, 127))]
        text = ""
        for step in range(most):
            allowed = self.allowed(tokens)
            if EOS in allowed and (len(allowed) == 1 or step > 40 or rng.random() < 0.2):
                return text
            closing = [token for token in allowed if chr(token - BYTE_BASE) in '"}],']
            choices = closing if closing and (step > 60 or rng.random() < 0.3) else [t for t in allowed if t != EOS]
            token = rng.choice(choices)
            self.accept(token)
            text += chr(token - BYTE_BASE)
        return None

    def close(self) -> None:
        llama.llama_sampler_free(self.sampler)


@pytest.fixture(scope="module")
def vocab(tiny_path) -> Iterator[llama.llama_vocab_p]:
    ensure_initialised()
    params = llama.llama_model_default_params()
    params.vocab_only = True
    model = llama.llama_model_load_from_file(str(tiny_path).encode(), params)
    yield llama.llama_model_get_vocab(model)
    llama.llama_model_free(model)


def matches(vocab, grammar: str, text: str) -> bool:
    matcher = Matcher(vocab, grammar)
    try:
        return matcher.matches(text)
    finally:
        matcher.close()


# --------------------------------------------------------------------------------------------------------- grammars

GOOD = {
    'root ::= "yes" | "no"': ("yes", "yess"),
    'root ::= [a-z]+ (" " [a-z]+)*  # words\n': ("some words", "Some"),
    "root ::= item{2,3}\nitem ::= [0-9] [.]?\n": ("1.2", "1"),
    'root ::= (\n  "a" |\n  "b"\n)+\n': ("abba", "abc"),
    'root ::= "[" root? "]"': ("[[]]", "[["),
    'root ::= [^\\x00-\\x1F"\\\\]{0,5} "\\"" [\\u00e9\\]\\-]': ('abc"é', 'abc"e'),
    'root ::= "" "a"* ("" | "b")': ("aab", "ba"),
    'root ::= .{3} "\\n"': ("héy\n", "hey"),
    'root ::= "a"{2000}': ("a" * 2000, "a" * 1999),
    "root::=a|b\na::=\"x\"b\nb::=\"y\"": ("xy", "x"),
}  # fmt: skip


@pytest.mark.parametrize("grammar", GOOD)
def test_a_good_grammar_passes_the_gate_and_works_in_llama_cpp(vocab, grammar):
    assert check_grammar(grammar) == grammar
    right, wrong = GOOD[grammar]
    assert matches(vocab, grammar, right)
    assert not matches(vocab, grammar, wrong)


BAD = {
    "": "no rule called root",
    'start ::= "a"': "no rule called root",
    "root ::= x": "uses x but does not define it",
    "[": "'[' at line 1, column 1",
    'root ::= "a" |\n| "b" )': "line 2, column 7",
    'root ::= "a': "closing quote",
    'root ::= "\\q"': "closing quote",
    "root ::= [a": "closing ]",
    'root ::= ("a"': "the end at line 1",
    "root ::= * ": "something to repeat",
    'root ::= "a"{0}*': "something to repeat",
    'root ::= "a"{x}': "least,most",
    'root ::= "a"\nroot ::= "b"': "defines root twice",
    "root := a": "where ::= is expected",
    'root ::= root "a"': "root can begin with itself",
    'root ::= a "x"\na ::= b\nb ::= "y" | root': "can begin with itself",
    'root ::= a root | "x"\na ::= b\nb ::= c\nc ::= ""': "root can begin with itself",  # llama.cpp does not see it
    'root ::= ("a"?)*': "repeats something that can be empty",
    'root ::= "a"{2001}': "at most 2,000",
    'root ::= "a"{0,1000000}': "at most 2,000",
    'root ::= "a"{5,2}': "Counts must rise",  # llama.cpp would count down from there
    'root ::= "a"{99999999999}': "least,most",
    'root ::= (("a" | "b"){0,1000}){0,1000}': "something complicated",
    "root ::= " + "(" * 65 + '"a"' + ")" * 65: "more than 64 brackets",
    "root ::= " + "(" * 20_000 + '"a"' + ")" * 20_000: "more than 64 brackets",
    'root ::= "' + "a" * 65_536 + '"': "longer than 64 KiB",
    'root ::= "' + "a" * 60_000 + '"{2000}': "too large once its repetitions",
    'root ::= "a\0"': "zero character",
    'root ::= "\ud800"': "surrogate",
    "root ::= <think>": "not supported",
    'root ::= "x" ' + "".join(f"r{n}\nr{n} ::= r{n + 1} | r{n + 1} | " for n in range(60)) + 'r60\nr60 ::= "a"': "too often",
    "root::=0\n" + "".join(f"{n}::={n + 1}\n" for n in range(4_500)) + '4500::="a"': "too often",
}  # fmt: skip


@pytest.mark.parametrize("grammar", BAD, ids=lambda grammar: grammar[:40])
def test_a_bad_grammar_is_refused_with_the_reason_and_soon(grammar):
    start = time.perf_counter()
    with pytest.raises(GrammarError) as caught:
        check_grammar(grammar)
    assert BAD[grammar] in str(caught.value)
    assert time.perf_counter() - start < 2


FRAGMENTS = ["root ::= ", "a ::= ", "b ::= ", '"x" ', "[a-c] ", "a ", "b ", "root ", "( ", ") ", "| ", "* ", "+ ", "? ",
             "{2} ", "{0,3} ", "{1,} ", ". ", '"" ', "\n", "# c\n", "\\"]  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), min_size=2, max_size=25))
def test_whatever_passes_the_gate_compiles_in_llama_cpp(vocab, parts):
    grammar = "root ::= " + "".join(parts)
    try:
        check_grammar(grammar)
    except GrammarError:
        return
    matcher = Matcher(vocab, grammar)
    rng = random.Random(0)
    tokens = [EOS, *(BYTE_BASE + byte for byte in b"abcx.")]
    for _ in range(12):
        allowed = [token for token in matcher.allowed(tokens) if token != EOS]
        if not allowed:
            break
        matcher.accept(rng.choice(allowed))
    matcher.close()


# ---------------------------------------------------------------------------------------------------------- schemas

PERSON = {
    "title": "Person",
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 5},
        "age": {"type": "integer", "minimum": 0, "maximum": 130},
        "email": {"type": "string", "format": "email"},
        "tags": {"type": "array", "items": {"enum": ["a", "b\n\"\\"]}, "minItems": 1, "maxItems": 2},
    },
    "required": ["name", "age"],
}  # fmt: skip
TREE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "value": {"type": "number"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["value"],
            "additionalProperties": False,
        }
    },
    "$ref": "#/$defs/node",
}
SHAPE = {
    "oneOf": [
        {"type": "object", "properties": {"kind": {"const": "dot"}}, "required": ["kind"]},
        {"type": "object", "properties": {"kind": {"const": "box"}, "side": {"type": "integer"}}, "required": ["kind"]},
    ]
}

SCHEMAS = [
    # schema, texts that match, texts that do not
    (PERSON, ['{"name":"Ann","age":42}', '{ "name": "Ann", "age": 42, "tags": ["a","b\\n\\"\\\\"] }'],
     ['{"name":"Ann"}', '{"name":"","age":1}', '{"name":"Annabel","age":1}', '{"name":"Ann","age":131}',
      '{"age":1,"name":"Ann"}', '{"name":"Ann","age":1,"tags":[]}', '{"name":"Ann","age":1,}']),
    (TREE, ['{"value":-1.5e3}', '{"value":1,"children":[{"value":2}]}'], ['{"children":[]}', '{"value":01}']),
    (SHAPE, ['{"kind":"dot"}', '{"kind":"box","side":3}'], ['{"kind":"dot","side":3}', '{"kind":"ring"}']),
    ({"type": ["string", "null"]}, ['"a"', "null"], ["1", ""]),
    ({}, ["1", '"a"', "[1, null, {}]", '{"a": {"b": [true]}}'], ["a", "[1,]"]),
    ({"const": {"a": [1, "é"]}}, ['{"a": [1, "é"]}'], ['{"a": [1, "e"]}']),
    ({"enum": [1, "1", None, True], "type": ["integer", "null"]}, ["1", "null"], ['"1"', "true"]),
    ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False}, ['[1,"a"]'], ["[1]", '["a",1]']),
    ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, ["[true, false, true]"], ["[true]", "[1,2]"]),
    ({"type": "array", "maxItems": 0}, ["[]"], ["[1]"]),
    ({"type": "object", "additionalProperties": {"type": "integer"}}, ["{}", '{"a": 1, "b":2}'], ['{"a":"b"}']),
    ({"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "required": ["b"]},
     ['{"b":1}', '{"a":1,"b":2}', '{"b":1,"c":2}', '{"a":1,"b":2,"c":3}'], ['{"a":1}', '{"a":1,"c":3}', "{}"]),
    ({"type": "object", "properties": {"a": {}, "b": {}}}, ["{}", '{"a":1}', '{"b":1}', '{"a":1,"b":2}'], ['{"c":1}', '{,"b":1}']),
    ({"type": "object", "properties": {}, "additionalProperties": False}, ["{}"], ['{"a":1}']),
    ({"properties": {"a": {"type": "null"}}, "required": ["a", "z"]}, ['{"a":null,"z":0}'], ['{"a":null}', "1"]),
    ({"type": "string", "format": "date"}, ['"2024-12-31"', '"2025-02-28"'], ['"2024-13-01"', '"2024-04-31"', '"x"']),
    ({"type": "string", "format": "date-time"}, ['"2024-12-31T23:59:59Z"', '"2024-01-01T00:00:00.5+01:00"'], ['"2024-12-31"']),
    ({"type": "string", "format": "uuid"}, ['"123e4567-e89b-12d3-a456-426614174000"'], ['"123e4567"']),
    ({"type": "string"}, ['"\\u00e9 \\n é"', '"\\\\"'], ['"\\ud800"', '"\n"', '"\\x"']),
    ({"type": "number", "minimum": 0}, ["0.5", "12e9"], ["-1"]),
    ({"exclusiveMinimum": 0, "type": "integer", "exclusiveMaximum": 3.5}, ["1", "3"], ["0", "4"]),
    ({"allOf": [{"type": "boolean"}], "description": "one part"}, ["true"], ["null"]),
    ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, ["1", "1.5"], ['"1"']),
    ({"$ref": "#/definitions/a~1b%", "definitions": {"a/b%": {"type": "null"}}}, ["null"], ["1"]),
    (True, ["1"], ["x"]),
]  # fmt: skip


@pytest.mark.parametrize("case", SCHEMAS, ids=lambda case: json.dumps(case[0])[:50])
def test_a_schema_becomes_a_grammar_that_keeps_it(vocab, case):
    schema, right, wrong = case
    grammar = grammar_from_schema(json.dumps(schema))
    for text in right:
        json.loads(text)
        assert matches(vocab, grammar, text), (text, grammar)
    for text in wrong:
        assert not matches(vocab, grammar, text), (text, grammar)


REFUSED = [
    ("{", "not valid JSON"),
    ("[" * 100_000, "longer than 64 KiB"),
    ("[" * 60_000, "not valid JSON"),
    ('{"const": NaN}', "NaN is not a JSON value"),
    ('{"const": 1e999}', "1e999 is not a JSON value"),
    ("3", "must be an object or true"),
    ({"not": {}}, "uses not at #"),
    ({"type": "string", "pattern": "^a$"}, "uses pattern at #"),
    ({"properties": {"a": {"type": "integer", "multipleOf": 2}}}, "uses multipleOf at #/properties/a"),
    ({"type": "object", "patternProperties": {"a": {}}}, "uses patternProperties"),
    ({"type": "array", "contains": {}}, "uses contains"),
    ({"type": "array", "uniqueItems": True}, "uses uniqueItems"),
    ({"type": "number", "maximum": 3}, "uses maximum"),
    ({"if": {}, "then": {}}, "uses if"),
    ({"type": "strin"}, 'is "strin", which is no type'),
    ({"type": "string", "maxLength": 1_000_000}, "must be from 0 to 2,000"),
    ({"type": "string", "minLength": -1}, "must be from 0 to 2,000"),
    ({"type": "string", "minLength": 3, "maxLength": 2}, "must not be below minLength"),
    ({"type": "array", "maxItems": "3"}, "must be from 0 to 2,000"),
    ({"type": "integer", "minimum": 3, "maximum": 2}, "leaves no integer"),
    ({"type": "integer", "minimum": 1e300}, "at most 15 digits"),
    ({"enum": []}, "must be a list of 1 to 10,000"),
    ({"enum": list(range(10_001))}, "must be a list of 1 to 10,000"),
    ({"enum": [1], "type": "string"}, "leaves no value"),
    ({"enum": ["a"], "minLength": 3}, "cannot be kept together with const or enum"),
    ({"anyOf": [{}], "type": "string"}, "cannot be kept together with anyOf"),
    ({"allOf": [{"type": "object"}, {"type": "object"}]}, "has several parts"),
    ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "use anyOf"),
    ({"$ref": "https://example.org/schema"}, "only places in the same schema"),
    ({"$ref": "#/nowhere"}, "which does not exist"),
    ({"$ref": "#"}, "can begin with itself"),
    ({"anyOf": [{"$ref": "#/anyOf/1"}, {"$ref": "#/anyOf/0"}]}, "can begin with itself"),
    ({"type": "object", "required": ["a"], "additionalProperties": False}, "which is not allowed"),
    ({"type": "object", "minProperties": 2}, "uses minProperties"),
    ({"type": "object", "properties": {"a": 3}}, "must be an object or true"),
    ({"type": "object", "properties": {f"p{number}": {} for number in range(501)}}, "has more than 500 properties"),
    (json.loads("[" * 65 + "]" * 65), "nested more than 64 levels"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case[1])
def test_a_schema_that_cannot_be_kept_is_refused_by_name(case):
    schema, reason = case
    text = schema if isinstance(schema, str) else json.dumps(schema)
    with pytest.raises(GrammarError) as caught:
        grammar_from_schema(text)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 2000, "maxLength": 2000},
        {"type": "string", "maxLength": 2000},
        {"type": "array", "items": {"type": "string"}, "minItems": 500, "maxItems": 600},
        {"enum": [f"value {number}" for number in range(3_000)]},
        {"type": "object", "properties": {f"p{number}": {"type": "null"} for number in range(500)}},
    ],
    ids=lambda schema: str(schema)[:40],
)
def test_the_largest_schemas_compile(vocab, schema):
    start = time.perf_counter()
    matcher = Matcher(vocab, grammar_from_schema(json.dumps(schema)))
    assert matcher.allowed([BYTE_BASE + ord(char) for char in '"[{'])
    matcher.close()
    assert time.perf_counter() - start < 5


def test_random_answers_to_a_schema_are_json_that_satisfies_it(vocab):
    rng = random.Random(1)
    finished = 0
    for _ in range(25):
        matcher = Matcher(vocab, grammar_from_schema(json.dumps(PERSON)))
        text = matcher.generate(rng)
        matcher.close()
        if text is None:
            continue
        finished += 1
        person = json.loads(text)
        assert list(person)[:2] == ["name", "age"]
        assert 1 <= len(person["name"]) <= 5
        assert 0 <= person["age"] <= 130
        assert 1 <= len(person.get("tags", ["a"])) <= 2
    assert finished >= 10


@given(st.integers(-3_000, 3_000), st.integers(0, 3_000))
@settings(max_examples=60, deadline=None)
def test_integer_ranges_are_exact_at_their_ends(vocab, low, width):
    high = low + width
    grammar = f"root ::= {integer_range(low, high, 15)}"
    for value in {low - 1, low, high, high + 1, (low + high) // 2, 0, -low, -high}:
        assert matches(vocab, grammar, str(value)) == (low <= value <= high), (value, grammar)


def test_small_integer_ranges_are_exact_everywhere(vocab):
    for low, high in itertools.combinations(range(-12, 122, 17), 2):
        grammar = f"root ::= {integer_range(low, high, 15)}"
        right = [value for value in range(-130, 131) if matches(vocab, grammar, str(value))]
        assert right == list(range(low, high + 1))
