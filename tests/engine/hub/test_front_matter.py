import random
import time

import pytest

from engine.hub.front_matter import split_card

CARD = """---
license: apache-2.0
license_name: "our own # licence"   # a remark
base_model:
- hearth/one
- 'hearth/two'
tags: [a, "b", c]
language:
  - en
model-index:
- name: x
  results: []
nested: {a: b}
empty:
---

# Title

---
text
"""


def test_what_a_card_states_is_taken_off_its_text() -> None:
    fields, text = split_card(CARD)
    assert text == "# Title\n\n---\ntext\n"
    assert fields == {
        "license": ("apache-2.0",),
        "license_name": ("our own # licence",),
        "base_model": ("hearth/one", "hearth/two"),
        "tags": ("a", "b", "c"),
        "language": ("en",),
    }


@pytest.mark.parametrize("text", ["", "# Title\n", "---\nno end: ever\n", "--- \nx: y\n---\n"])
def test_a_card_that_states_nothing_is_all_text(text: str) -> None:
    assert split_card(text) == ({}, text)


def test_line_ends_of_other_systems_are_read_too() -> None:
    assert split_card("---\r\nlicense: mit\r\n---\r\nText\r\n") == ({"license": ("mit",)}, "Text\n")


def test_no_card_takes_long_or_brings_the_reader_down() -> None:
    nasty = [
        "---\n" + "a: &x [*x, *x]\n" * 2_000 + "---\n",
        "---\n" + "- " * 30_000 + "\n---\n",
        "---\n" + "a: " + "[" * 60_000 + "\n---\n",
        "---\n" + "x" * 60_000 + ": y\n---\n",
        "---\n" + "a:\n" + "- b\n" * 10_000 + "---\n",
        "---\na: " + " " * 50_000 + "#\n---\n",
        "---\na: " + "-" * 50_000 + "\n---\n",
    ]
    seeded = random.Random(7)
    letters = "---\n: []{}#'\"ab\t\\&*!|>%@`\x00\u2028é"
    nasty += ["---\n" + "".join(seeded.choices(letters, k=400)) + "\n---\ntext" for _ in range(500)]
    began_s = time.monotonic()
    for text in nasty:
        fields, _ = split_card(text)
        assert all(len(value) <= 500 and value.isprintable() for values in fields.values() for value in values)
        assert all(len(values) <= 101 for values in fields.values())
    assert time.monotonic() - began_s < 5
