"""Templates of well-known families, for files that have lost theirs."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from engine.plugins.api import ModelFacts

FOLDER: Final = Path(__file__).parent / "templates"
_TRAINED_TO_CHAT: Final = re.compile(
    r"instruct|chat|assistant|\bit\b|zephyr|vicuna|alpaca|hermes|dolphin|orca|wizard|tulu|dpo|rlhf|sft|guanaco"
)


@dataclass(frozen=True, slots=True)
class KnownTemplate:
    """A template of a family; `stop` ends answers of models whose marks are no tokens."""

    source: str
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    """How a family is recognised; what is empty is not looked at.

    Attributes:
        template: name of the file.
        tokens: special tokens that the vocabulary must have.
        name: pattern in the model's name or its file's.
        architectures: any of them.
        model: kind of tokenizer.
        is_certain: whether only models trained to chat have all this; else the name must say so, too.
        stop: as in KnownTemplate.
    """

    template: str
    tokens: tuple[str, ...] = ()
    name: str = ""
    architectures: tuple[str, ...] = ()
    model: str = ""
    is_certain: bool = False
    stop: tuple[str, ...] = ()


FAMILIES: Final = (
    # by what is in the vocabulary
    _Family(template="phi-4", tokens=("<|im_start|>", "<|im_sep|>"), is_certain=True),
    _Family(template="zephyr", name=r"zephyr|tinyllama.*chat", is_certain=True, stop=("<|user|>",)),
    _Family(template="chatml", tokens=("<|im_start|>", "<|im_end|>")),
    _Family(template="llama-3", tokens=("<|start_header_id|>", "<|eot_id|>")),
    _Family(template="gemma", tokens=("<start_of_turn>", "<end_of_turn>")),
    _Family(template="phi-3", tokens=("<|user|>", "<|assistant|>", "<|end|>"), is_certain=True),
    _Family(template="granite", tokens=("<|start_of_role|>", "<|end_of_role|>")),
    _Family(template="command-r", tokens=("<|START_OF_TURN_TOKEN|>", "<|CHATBOT_TOKEN|>"), is_certain=True),
    _Family(template="deepseek", tokens=("<｜User｜>", "<｜Assistant｜>")),
    _Family(template="mistral-tekken", tokens=("[INST]", "[/INST]"), model="gpt2"),
    _Family(template="mistral", tokens=("[INST]", "[/INST]")),
    # by name alone
    _Family(template="llama-2", name=r"llama-?2.*chat|codellama.*instruct", is_certain=True),
    _Family(template="mistral", name=r"mi[sx]tral.*instruct", is_certain=True),
    _Family(template="openchat", name=r"openchat|starling", is_certain=True, stop=("<|end_of_turn|>",)),
    _Family(template="vicuna", name=r"vicuna|wizardlm|\bxwin", is_certain=True, stop=("USER:",)),
    _Family(template="deepseek-coder", name=r"deepseek-coder.*instruct", is_certain=True, stop=("<|EOT|>",)),
    _Family(template="alpaca", name=r"alpaca|wizardcoder|phind|mythomax", is_certain=True, stop=("### Instruction:",)),
)


def known_template(facts: ModelFacts) -> KnownTemplate | None:
    """The template of a model's family; None if it is in none, or was not trained to chat."""
    fields = (facts.metadata.get("general.basename", ""), facts.metadata.get("general.finetune", ""))
    label = re.sub(r"[\s_/]+", "-", " ".join(map(str, (facts.name, *fields, facts.file_name))).lower())
    for family in FAMILIES:
        if _fits(family, facts, label):
            return KnownTemplate(_read(family.template), family.stop)
    return None


def _fits(family: _Family, facts: ModelFacts, label: str) -> bool:
    if family.architectures and facts.architecture not in family.architectures:
        return False
    if family.model and facts.metadata.get("tokenizer.ggml.model") != family.model:
        return False
    if family.name and not re.search(family.name, label):
        return False
    if not all(token in facts.special_tokens for token in family.tokens):
        return False
    return family.is_certain or _TRAINED_TO_CHAT.search(label) is not None


@cache
def _read(name: str) -> str:
    return (FOLDER / f"{name}.jinja").read_text(encoding="utf-8")
