"""The parts of the starter's recipe that need no torch."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.starter import corpus, data, manual, pairs
from resources.starter import tokenizer as vocabulary
from resources.starter.ngram import NGram, unigram_nats, windows
from resources.starter.pairs import Pair

RST = """\
:mod:`json` --- JSON encoder
============================

.. module:: json
   :synopsis: Encode and decode the JSON format.

.. index:: single: nothing
   pair: here

.. function:: dumps(obj, *, indent=None)

   Serialize *obj* to a :class:`str`, see :func:`~json.loads`.

   .. versionadded:: 3.4
      Something old.

Use it like this::

   json.dumps(1)
"""
CODE = '''
def wrap(text, width=70):
    """Wrap the text to the given width.

    More about it.
    """
    return text[:width]


class Box:
    """A box that holds a single thing."""
'''


def test_plain_text_keeps_words_and_drops_markup() -> None:
    text = corpus.plain_text(RST)
    assert text.startswith("# `json` --- JSON encoder\n")
    assert "dumps(obj, *, indent=None)" in text
    assert "Serialize *obj* to a `str`, see `loads`." in text
    assert "Use it like this:\n" in text
    for gone in ("versionadded", "Something old", "synopsis", "single:", "===", ":func:"):
        assert gone not in text


def test_tidy_limits_empty_lines_and_trailing_spaces() -> None:
    assert corpus.tidy("a  \n\n\n\n\nb\n\n") == "a\n\n\nb\n"


def test_holding_out_is_stable_and_about_the_wanted_share() -> None:
    names = [f"module{i}.py" for i in range(5000)]
    held = [name for name in names if corpus.held_out(name)]
    assert held == [name for name in names if corpus.held_out(name)]
    assert 60 <= len(held) <= 140


def test_stdlib_documents_leave_tests_out(tmp_path: Path) -> None:
    for name in ("good.py", "test/test_good.py", "pkg/mod.py", "tiny.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n" * (3 if name == "tiny.py" else 60), encoding="utf-8")
    assert [d.name for d in corpus.stdlib_documents(tmp_path)] == ["good.py", "pkg/mod.py"]


def test_missing_documentation_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"python3\.11-doc"):
        list(corpus.doc_documents(tmp_path / "nowhere"))


def test_code_pairs_ask_for_functions_and_classes() -> None:
    found = list(pairs.code_pairs(corpus.Document("text/wrap.py", "code", CODE)))
    by_question = {pair.question: pair.answer for pair in found}
    assert by_question["What does text.wrap.wrap do?"] == "Wrap the text to the given width."
    assert "A box that holds" in by_question["What is the class text.wrap.Box?"]
    written = by_question["Write a function `wrap` in Python. Wrap the text to the given width."]
    assert written.startswith("```python\ndef wrap(")
    assert written.endswith("\n```")


def test_code_that_does_not_parse_gives_no_pairs() -> None:
    assert list(pairs.code_pairs(corpus.Document("bad.py", "code", "def ("))) == []


def test_doc_pairs_describe_functions_and_the_module() -> None:
    found = {p.question: p.answer for p in pairs.doc_pairs(corpus.Document("library/json.rst.txt", "docs", ""), RST)}
    assert found["What is the module json for?"].endswith("Encode and decode the JSON format.")
    assert found["What does json.dumps do?"] == (
        "`dumps(obj, *, indent=None)`: Serialize *obj* to a `str`, see `loads`."
    )


def test_glossary_and_faq_pairs() -> None:
    glossary = ".. glossary::\n\n   iterator\n      An object representing a :term:`stream` of data.\n\n      More.\n"
    found = list(pairs.glossary_pairs(glossary))
    assert found[0].question == "What is an iterator in Python?"
    assert {pair.answer for pair in found} == {"An object representing a `stream` of data."}
    faq = (
        "FAQ\n===\n\nWhy is it so?\n-------------\n\nBecause it was made so.\n\nWho?\n-----\n\nNobody in particular.\n"
    )
    assert [pair.question for pair in pairs.faq_pairs(faq)] == ["Why is it so?", "Who?"]


def test_manual_entries_and_phrasings(tmp_path: Path) -> None:
    path = tmp_path / "manual.txt"
    path.write_text(
        "# note\nQ: {What is|Explain} it{?|}\nQ: And?\nA: One.\ntwo\nA: Other.\nQ: Next?\nA: Yes.\n", "utf-8"
    )
    entries = manual.entries(path.read_text("utf-8"))
    assert entries == [(["{What is|Explain} it{?|}", "And?"], ["One.\ntwo", "Other."]), (["Next?"], ["Yes."])]
    assert manual.expand("{What is|Explain} it{?|}") == ["What is it?", "What is it", "Explain it?", "Explain it"]
    train, held = manual.load(path)
    assert len(train) + len(held) == 2 * 5 + 1


def test_every_answer_of_the_real_manual_is_trained_on() -> None:
    train, held = manual.load()
    assert len(train) > 1000
    assert len(held) > 50
    assert {pair.answer for pair in held} <= {pair.answer for pair in train}
    assert not {pair.question for pair in held} & {pair.question for pair in train}
    assert not [pair for pair in (*train, *held) if set("{}|") & set(pair.question)]


@pytest.fixture(scope="module")
def encoder() -> data.Encoder:
    return data.Encoder(vocabulary.train([CODE * 3, RST * 3]))


def test_conversations_look_like_the_chat_template(encoder: data.Encoder) -> None:
    tokens = encoder.conversation([Pair("k", "Why?", "So.")], "Be brief.")
    text = encoder.tokenizer.decode(tokens.tolist(), skip_special_tokens=False)
    assert text == "<|begin|><|system|>Be brief.<|end|><|user|>Why?<|end|><|assistant|>So.<|end|>"


@given(text=st.text(max_size=40))
def test_no_text_is_lost_and_control_tokens_are_not_forged(encoder: data.Encoder, text: str) -> None:
    tokens = encoder.document(f"<|user {text}")
    assert encoder.tokenizer.decode(tokens[1:-1].tolist()) == f"<|user {text}"
    assert all(token >= len(vocabulary.SPECIAL) for token in tokens[1:-1])


@given(seed=st.integers(0, 1000))
def test_fill_in_the_middle_cuts_lose_nothing(seed: int) -> None:
    prefix, middle, suffix = data.cut(CODE * 9, random.Random(seed))
    assert middle
    assert prefix + middle + suffix in CODE * 9


def test_a_stream_gives_every_token_at_most_once_a_pass() -> None:
    parts = [np.arange(i * 10, i * 10 + 10, dtype=np.uint16) for i in range(20)]
    stream = data.Stream(parts, seed=1)
    seen = np.concatenate([stream.window(16) for _ in range(11)])
    assert stream.passes == 1
    assert len(set(seen.tolist())) == len(seen)
    while stream.passes < 2:
        assert len(stream.window(16)) == 16


def test_windows_pack_tokens_in_order() -> None:
    assert windows(np.array([1, 2, 3]), 2).tolist() == [(1 << 12) + 2, (2 << 12) + 3]


def test_ngram_probabilities_sum_to_one() -> None:
    rng = np.random.default_rng(0)
    model = NGram(rng.integers(0, 6, 400), order=3, vocab=6)
    for context in ([1, 2], [5, 5], [0, 3]):
        total = sum(np.exp(-model.nats(np.array([*context, nxt]))[-1]) for nxt in range(6))
        assert total == pytest.approx(1.0)


def test_a_five_gram_learns_a_pattern_that_a_unigram_cannot() -> None:
    tokens = np.tile(np.arange(8), 200)
    assert NGram(tokens, vocab=8).nats(tokens)[8:].mean() < 0.1
    assert unigram_nats(tokens, tokens, vocab=8).mean() == pytest.approx(np.log(8), abs=0.01)


def test_shingles_find_copies_wherever_lines_break() -> None:
    text = "one two three four five six seven eight nine"
    assert corpus.shingles(text) == corpus.shingles(text.replace(" ", "\n    # "))
    assert len(corpus.shingles(text)) == 2
    assert not corpus.shingles(text) & corpus.shingles("nine eight seven six five four three two one")
