"""What the composer's two pickers say about the choices."""

from collections.abc import Sequence

from app.chat.choices import ModelChoices
from app.chat.composer import Composer
from app.chat.composer.picker_button import Option
from app.chat.presets import PRESETS, THINKING
from engine import ToolInfo
from engine.types import Accepts, ModelInfo

_MOST_HINT = 60


def fill_pickers(composer: Composer, choices: ModelChoices) -> None:
    """Show the chosen model with its state, the preset, and what could be chosen instead."""
    current = choices.current
    if current is None:
        composer.model.show_choice("No model", "", "text-muted", is_ring=True)
    else:
        device = choices.loaded_device
        where = f"on {device.upper()}" if device else "on disk"
        composer.model.show_choice(current.id, where, "success" if device else "text-muted", is_ring=not device)
    options = [Option(info.id, info.id, _detail(info)) for info in choices.models]
    composer.model.offer(options, current.id if current else "")
    thinking = next(name for name, value in THINKING.items() if value is choices.thinking)
    composer.preset.show_choice(f"Preset: {choices.preset.name}", "" if choices.thinking is None else thinking.lower())
    composer.preset.also_offer([Option(name, name, "") for name in THINKING], thinking)
    composer.preset.offer([Option(preset.name, preset.name, preset.hint) for preset in PRESETS], choices.preset.name)
    continues = f"{current.id} continues a text; it was not made to chat." if current else ""
    composer.show_hint(continues if choices.only_continues else "")


def fill_tools(composer: Composer, tools: Sequence[ToolInfo], on: frozenset[str], choices: ModelChoices) -> None:
    """Show the tools that the model may call; none where it cannot hold a conversation."""
    can_call = choices.current is not None and Accepts.MESSAGES in choices.current.accepts
    options = [Option(info.spec.name, info.spec.name, _first_sentence(info.spec.description)) for info in tools]
    composer.tools.show_tools(options if can_call else [], on)


def _first_sentence(text: str) -> str:
    words = " ".join(text.split())
    end = words.find(". ")
    sentence = words if end < 0 else words[: end + 1]
    return sentence if len(sentence) <= _MOST_HINT else f"{sentence[: _MOST_HINT - 1]}…"


def _detail(info: ModelInfo) -> str:
    size = info.size_bytes / 1e9
    parts = [info.quantization or "", f"{size:.1f} GB" if size >= 0.1 else f"{info.size_bytes / 1e6:.0f} MB"]
    if Accepts.MESSAGES not in info.accepts:
        parts.append("continues text")
    return ", ".join(part for part in parts if part)
