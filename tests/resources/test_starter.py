"""The bundled language model, through real llama.cpp."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llama_cpp import Llama

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "resources" / "models" / "starter.gguf"
HELD_OUT = json.loads((ROOT / "resources" / "starter" / "heldout.json").read_text(encoding="utf-8"))

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def starter() -> Iterator[Llama]:
    llama = Llama(str(MODEL), n_ctx=1024, n_threads=1, n_batch=512, logits_all=True, verbose=False)
    yield llama
    llama.close()


def ask(llama: Llama, question: str, **options: Any) -> str:
    messages = [{"role": "user", "content": question}]
    reply = llama.create_chat_completion(messages, temperature=0, max_tokens=120, **options)
    return reply["choices"][0]["message"]["content"]


def go_on(llama: Llama, prompt: str, tokens: int = 60, **options: Any) -> str:
    return llama.create_completion(prompt, temperature=0, max_tokens=tokens, **options)["choices"][0]["text"]


def test_the_file_is_small() -> None:
    assert MODEL.stat().st_size <= 20e6


def test_rows_are_multiples_of_256_so_that_every_quantization_applies(starter: Llama) -> None:
    assert starter.metadata["general.architecture"] == "llama"
    assert int(starter.metadata["llama.embedding_length"]) % 256 == 0
    assert int(starter.metadata["llama.feed_forward_length"]) % 256 == 0


def test_the_file_carries_template_and_control_tokens(starter: Llama) -> None:
    assert "<|assistant|>" in starter.metadata["tokenizer.chat_template"]
    assert starter.detokenize([starter.token_eos()], special=True) == b"<|end|>"
    fim = [int(starter.metadata[f"tokenizer.ggml.fim_{part}_token_id"]) for part in ("pre", "suf", "mid")]
    assert starter.detokenize(fim, special=True) == b"<|fim_prefix|><|fim_suffix|><|fim_middle|>"


@pytest.mark.parametrize("text", ["Grüße, señor!", "日本語 🔥👩‍💻", "\tx = 1234\r\n\n    y", "e\u0301", "\x00\x7f"])
def test_tokens_give_back_every_text(starter: Llama, text: str) -> None:
    tokens = starter.tokenize(text.encode(), add_bos=False, special=False)
    assert starter.detokenize(tokens) == text.encode()


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What is Hearth?", "model|computer"),
        ("Who are you?", "starter"),
        ("Does Hearth work offline?", "offline|internet"),
        ("What is quantization?", "bits|weights"),
        ("What is a list in Python?", r"list|\["),
        ("Write a function that adds two numbers.", r"def \w+\("),
    ],
)
def test_answers_are_about_the_question(starter: Llama, question: str, words: str) -> None:
    assert re.search(words, ask(starter, question))


def test_answers_end_by_themselves(starter: Llama) -> None:
    for question in ("Hi!", "What is Hearth?", "Thank you!"):
        reply = starter.create_chat_completion([{"role": "user", "content": question}], temperature=0, max_tokens=200)
        assert reply["choices"][0]["finish_reason"] == "stop", question


def test_a_second_turn_and_a_system_prompt_are_understood(starter: Llama) -> None:
    messages = [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Hello!"},
        {"role": "assistant", "content": "Hi! What would you like to know?"},
        {"role": "user", "content": "What is Hearth?"},
    ]
    reply = starter.create_chat_completion(messages, temperature=0, max_tokens=80)
    assert re.search("model|computer", reply["choices"][0]["message"]["content"])


def test_code_goes_on_indented_and_mostly_parses(starter: Llama) -> None:
    names = ("read_file(path)", "add(a, b)", "main()", "get_name(self)", "parse(text)", "close(self)")
    good = 0
    for name in names:
        code = f"def {name}:\n" + go_on(starter, f"def {name}:\n")
        lines = code.splitlines()
        assert lines[1].startswith("    "), code
        good += any(parses("\n".join(lines[:end])) for end in range(3, len(lines) + 1))
    assert good >= len(names) // 2


def parses(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def test_sampled_text_does_not_repeat_itself(starter: Llama) -> None:
    text = starter.create_completion("The module ", temperature=0.8, seed=3, max_tokens=200)["choices"][0]["text"]
    tokens = starter.tokenize(text.encode(), add_bos=False)
    triples = list(zip(tokens, tokens[1:], tokens[2:], strict=False))
    assert len(set(tokens)) / len(tokens) > 0.25
    assert len(set(triples)) / len(triples) > 0.7


@pytest.mark.parametrize("kind", ["code", "docs"])
def test_held_out_loss_beats_the_baselines(starter: Llama, kind: str) -> None:
    sample = HELD_OUT[kind]
    tokens = starter.tokenize(sample["text"].encode(), add_bos=True, special=False)[:1024]
    starter.reset()
    starter.eval(tokens)
    logits = np.array(starter.scores[: len(tokens) - 1], dtype=np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    chosen = logits[np.arange(len(tokens) - 1), tokens[1:]]
    loss = float(np.mean(np.log(np.exp(logits).sum(axis=1)) - chosen))
    assert math.isfinite(loss)
    assert loss < sample["unigram"] - 1
    assert loss < sample["five_gram"]
