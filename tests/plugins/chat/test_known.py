# ruff: noqa: E501  (the prompts)
"""Models whose file has no chat template."""

import pytest

from engine.plugins.api import Accepts, CapabilityError, GenerateRequest, assistant, system, user
from plugins.chat.family import ChatFamily
from plugins.chat.known import FAMILIES, FOLDER, known_template

TALK = (system("Be brief."), user("Hi"), assistant("Hello."), user("Why?"))
MODELS = {
    "chatml": ("Dolphin 2.9", ("<|im_start|>", "<|im_end|>"), {}),
    "llama-3": ("Meta Llama 3 8B Instruct", ("<|start_header_id|>", "<|eot_id|>"), {}),
    "llama-2": ("Llama-2-7b-chat-hf", (), {}),
    "mistral": ("Mistral-7B-Instruct-v0.1", (), {}),
    "mistral-tekken": ("Ministral 8B Instruct", ("[INST]", "[/INST]"), {"tokenizer.ggml.model": "gpt2"}),
    "gemma": ("gemma-2b-it", ("<start_of_turn>", "<end_of_turn>"), {}),
    "phi-3": ("Phi-3-mini-4k", ("<|user|>", "<|assistant|>", "<|end|>"), {}),
    "phi-4": ("phi-4", ("<|im_start|>", "<|im_sep|>", "<|im_end|>"), {}),
    "zephyr": ("zephyr-7b-beta", (), {}),
    "vicuna": ("vicuna-13b-v1.5", (), {}),
    "alpaca": ("alpaca-lora-7b", (), {}),
    "command-r": ("c4ai-command-r", ("<|START_OF_TURN_TOKEN|>", "<|CHATBOT_TOKEN|>"), {}),
    "deepseek": ("DeepSeek-V2.5-Chat", ("<｜User｜>", "<｜Assistant｜>"), {}),
    "deepseek-coder": ("deepseek-coder-6.7b-instruct", (), {}),
    "granite": ("granite-3.0-2b-instruct", ("<|start_of_role|>", "<|end_of_role|>"), {}),
    "openchat": ("openchat-3.5", (), {}),
}
PROMPTS = {
    "chatml": "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>"
    "\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n",
    "llama-2": "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello. </s><s>[INST] Why? [/INST]",
    "mistral": "<s>[INST] Be brief.\n\nHi [/INST] Hello.</s>[INST] Why? [/INST]",
    "mistral-tekken": "<s>[INST]Be brief.\n\nHi[/INST]Hello.</s>[INST]Why?[/INST]",
    "gemma": "<s><start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\nHello.<end_of_turn>\n"
    "<start_of_turn>user\nWhy?<end_of_turn>\n<start_of_turn>model\n",
    "phi-4": "<|im_start|>system<|im_sep|>Be brief.<|im_end|><|im_start|>user<|im_sep|>Hi<|im_end|><|im_start|>assistant"
    "<|im_sep|>Hello.<|im_end|><|im_start|>user<|im_sep|>Why?<|im_end|><|im_start|>assistant<|im_sep|>",
    "vicuna": "<s>Be brief.\n\nUSER: Hi\nASSISTANT: Hello.</s>\nUSER: Why?\nASSISTANT:",
    "alpaca": "Be brief.\n\n### Instruction:\nHi\n\n### Response:\nHello.\n\n### Instruction:\nWhy?\n\n### Response:\n",
    "zephyr": "<|system|>\nBe brief.</s>\n<|user|>\nHi</s>\n<|assistant|>\nHello.</s>\n<|user|>\nWhy?</s>\n<|assistant|>\n",
}


def facts_of(name, make_facts):
    label, tokens, metadata = MODELS[name]
    return make_facts(
        name=label, metadata=metadata, special_tokens={token: place for place, token in enumerate(tokens)}
    )


@pytest.mark.parametrize("name", MODELS)
def test_a_family_is_known_by_its_tokens_or_its_name(name, make_facts):
    facts = facts_of(name, make_facts)
    known = known_template(facts)
    assert known is not None
    assert known.source == (FOLDER / f"{name}.jinja").read_text(encoding="utf-8")
    recognition = ChatFamily().recognise(facts)
    assert recognition is not None
    assert recognition.accepts == {Accepts.MESSAGES, Accepts.PROMPT}


@pytest.mark.parametrize("name", MODELS)
def test_nothing_of_a_conversation_is_lost(name, make_facts):
    composition = ChatFamily().open(facts_of(name, make_facts)).compose(GenerateRequest(model="m", messages=TALK))
    text = "".join(part.text for part in composition.parts)
    assert all(part in text for part in ("Be brief.", "Hi", "Hello.", "Why?"))
    assert text == PROMPTS.get(name, text)


def test_every_template_has_a_model():
    assert {path.stem for path in FOLDER.iterdir()} == {family.template for family in FAMILIES} == set(MODELS)


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("Llama 3 8B", ("<|start_header_id|>", "<|eot_id|>")),
        ("Qwen2.5 7B", ("<|im_start|>", "<|im_end|>")),
        ("gemma-2b", ("<start_of_turn>", "<end_of_turn>")),
        ("Llama-2-7b", ()),
        ("starcoder2-3b", ("<fim_prefix>",)),
    ],
)
def test_a_model_that_was_not_trained_to_chat_only_continues(name, tokens, make_facts):
    facts = make_facts(name=name, special_tokens=dict.fromkeys(tokens, 1))
    recognition = ChatFamily().recognise(facts)
    assert recognition is not None
    assert (recognition.accepts, recognition.tasks) == ({Accepts.PROMPT}, ("completion",))
    with pytest.raises(CapabilityError, match="has no chat template"):
        ChatFamily().open(facts).compose(GenerateRequest(model="m", messages=TALK))


def test_marks_that_are_no_tokens_end_the_answer(make_facts):
    opened = ChatFamily().open(facts_of("vicuna", make_facts))
    assert "USER:" in opened.compose(GenerateRequest(model="m", messages=TALK)).stop
