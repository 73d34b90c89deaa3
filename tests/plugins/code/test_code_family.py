"""Which models can fill a gap, and how each wants to see it."""

import pytest

from engine.plugins.api import Accepts, CapabilityError, GenerateRequest, ModelFacts, Text, Token
from plugins.code.family import CodeFamily
from plugins.code.marks import STYLES

QWEN = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
STAR = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
# name, tokens in the order in which they get the ids 1, 2, 3..., what stands in the prompt
MODELS = {
    "Qwen2.5-Coder": (QWEN, [1, "pre", 2, "suf", 3]),
    "CodeGemma": (QWEN, [1, "pre", 2, "suf", 3]),
    "StarCoder2": (STAR, [1, "pre", 2, "suf", 3]),
    "Granite Code": (STAR, [1, "pre", 2, "suf", 3]),
    "Stable Code": (STAR, [1, "pre", 2, "suf", 3]),
    "Mellum-4b": (STAR, [2, "suf", 1, "pre", 3]),
    "SantaCoder": (("<fim-prefix>", "<fim-suffix>", "<fim-middle>"), [1, "pre", 2, "suf", 3]),
    "Seed-Coder": (("<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"), [2, "suf", 1, "pre", 3]),
    "DeepSeek-Coder": (("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"), [1, "pre", 2, "suf", 3]),
    "CodeLlama": (("▁<PRE>", "▁<SUF>", "▁<MID>"), [1, "pre", 2, "suf", 3]),
    "GLM-4": (("<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"), [1, "pre", 2, "suf", 3]),
    "Codestral-22B": (("[PREFIX]", "[SUFFIX]", "[MIDDLE]"), [2, "suf", 1, "pre"]),
}


def facts_of(name: str, tokens: tuple[str, ...], **changes: object) -> ModelFacts:
    special = {token: place for place, token in enumerate(tokens, 1)}
    fields = {"file_name": "m.gguf", "format": "gguf", "name": name, "architecture": "llama", "special_tokens": special}
    return ModelFacts(**{**fields, **changes})  # type: ignore[arg-type]


def prompt_of(facts: ModelFacts) -> list[int | str]:
    request = GenerateRequest(model="m", prompt="pre", suffix="suf")
    parts = CodeFamily().open(facts).compose(request).parts
    assert not any(isinstance(part, Text) and part.special for part in parts)  # code names no special token
    return [part.id if isinstance(part, Token) else part.text for part in parts]


@pytest.mark.parametrize("name", MODELS)
def test_a_gap_is_marked_as_the_model_has_learned_it(name):
    tokens, prompt = MODELS[name]
    facts = facts_of(name, tokens)
    recognition = CodeFamily().recognise(facts)
    assert recognition is not None
    assert (recognition.accepts, recognition.tasks) == ({Accepts.SUFFIX}, ("infill",))
    assert prompt_of(facts) == prompt


def test_every_style_is_tried():
    seen = {tokens[0] for tokens, _ in MODELS.values()}
    assert seen | {"<|fim▁begin|>", "<PRE>", "<|fim_begin|>"} == {style.prefix for style in STYLES}


@pytest.mark.parametrize("keys", [("fim_pre", "fim_suf", "fim_mid"), ("prefix", "suffix", "middle")])
def test_marks_that_the_file_names_come_first(keys):
    metadata = {f"tokenizer.ggml.{key}_token_id": place for place, key in enumerate(keys, 7)}
    assert prompt_of(facts_of("New", (), metadata=metadata)) == [7, "pre", 8, "suf", 9]
    assert prompt_of(facts_of("Qwen", QWEN, metadata=metadata)) == [7, "pre", 8, "suf", 9]


@pytest.mark.parametrize(
    "facts",
    [
        facts_of("Llama 3", ("<|begin_of_text|>",)),
        facts_of("Half", QWEN[:2]),
        facts_of("Mistral Nemo", ("[PREFIX]", "[SUFFIX]", "[MIDDLE]")),  # in the vocabulary, but never learned
        facts_of("Qwen3 Embedding", QWEN, architecture="qwen3", metadata={"qwen3.pooling_type": 3}),
        facts_of("Reranker", QWEN, architecture="qwen3", metadata={"qwen3.pooling_type": 4}),
        facts_of("Graph", QWEN, format="onnx"),
    ],
    ids=lambda facts: facts.name,
)
def test_other_models_are_left_alone(facts):
    assert CodeFamily().recognise(facts) is None


def test_only_marks_of_the_model_itself_end_the_answer():
    composed = (
        CodeFamily()
        .open(facts_of("Qwen", (*QWEN, "<|file_sep|>")))
        .compose(GenerateRequest(model="m", prompt="a", suffix=""))
    )
    assert composed.stop == ("<|file_sep|>", *QWEN)


def test_a_model_without_marks_cannot_be_opened():
    with pytest.raises(CapabilityError, match="cannot fill in the middle"):
        CodeFamily().open(facts_of("Llama 3", ()))


def test_an_empty_gap_has_all_marks():
    composed = CodeFamily().open(facts_of("Qwen", QWEN)).compose(GenerateRequest(model="m", prompt="", suffix=""))
    assert composed.parts == (Token(1), Text(""), Token(2), Text(""), Token(3))
