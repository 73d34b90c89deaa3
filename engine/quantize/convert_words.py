"""The vocabulary of a model in safetensors, as GGUF keeps it: tokens, which pairs are joined, special ones."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from engine.errors import CapabilityError, ModelFileError
from engine.models.gguf_writer import MetadataValue

MAX_JSON_BYTES: Final = 64 << 20
MAX_TOKENS: Final = 1 << 20
_NORMAL, _CONTROL, _USER, _UNUSED = 1, 3, 4, 5
_ROLES: Final = ("bos", "eos", "unk", "pad")
_KEYS: Final = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}


def read_json(path: Path) -> Any:
    """Read a JSON file; None if there is none.

    Raises:
        ModelFileError: it is too large, or no JSON.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_JSON_BYTES + 1)
        if len(data) > MAX_JSON_BYTES:
            raise ModelFileError(f"{path.name} is larger than {MAX_JSON_BYTES >> 20} MiB.", "Get the model again.")
        return json.loads(data)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path.name} is no JSON.", "Get the model again.") from error


def vocabulary_of(
    folder: Path, config: Mapping[str, Any], vocabulary_size: int, cuts: Mapping[str, str]
) -> dict[str, MetadataValue]:
    """What a GGUF file says of its words.

    Args:
        folder: with `tokenizer.json`, and `tokenizer_config.json` if there is one.
        config: the model's own.
        vocabulary_size: rows of its table of words.
        cuts: pattern by which a text is cut first -> llama.cpp's name for it.

    Raises:
        CapabilityError: it cuts texts in a way that Hearth does not know.
        ModelFileError: a file is missing or damaged.
    """
    words = read_json(folder / "tokenizer.json")
    if words is None:
        raise ModelFileError(f"There is no tokenizer.json in {folder}.", "Get all files of the model.")
    settings = read_json(folder / "tokenizer_config.json") or {}
    try:
        return {
            "tokenizer.ggml.model": "gpt2",
            "tokenizer.ggml.pre": _cut(words, cuts),
            **_tokens(words, vocabulary_size),
            **_roles(words, settings, config),
            **_template(folder, settings),
        }
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelFileError(f"The tokenizer.json in {folder} makes no sense.", "Get the model again.") from error


def _cut(words: Mapping[str, Any], cuts: Mapping[str, str]) -> str:
    """llama.cpp's name for how a text is cut."""
    steps = words.get("pre_tokenizer") or {}
    steps = steps.get("pretokenizers", [steps])
    kinds = [step.get("type") for step in steps]
    pattern: str | None = None
    if kinds == ["ByteLevel"] and steps[0].get("use_regex", True):
        pattern = ""
    elif kinds == ["Split", "ByteLevel"] and not steps[1].get("use_regex", True):
        pattern = steps[0]["pattern"].get("Regex")
    is_known = words["model"].get("type") == "BPE" and not words["model"].get("byte_fallback")
    has_prefix = any(step.get("add_prefix_space") for step in steps)
    normalizer = (words.get("normalizer") or {}).get("type")
    if pattern is None or pattern not in cuts or not is_known or has_prefix or normalizer not in {None, "NFC"}:
        raise CapabilityError(
            "This model cuts texts into tokens in a way that Hearth does not convert.",
            "Look for a GGUF file of it with `hearth models search`.",
        )
    return cuts[pattern]


def _tokens(words: Mapping[str, Any], vocabulary_size: int) -> dict[str, MetadataValue]:
    ids: dict[str, int] = words["model"]["vocab"]
    added = words.get("added_tokens") or []
    known = {number: text for text, number in ids.items()}
    kinds = dict.fromkeys(known, _NORMAL)
    for entry in added:
        known[entry["id"]] = entry["content"]
        kinds[entry["id"]] = _CONTROL if entry.get("special") else _USER
    size = max(vocabulary_size, max(known) + 1)
    if size > MAX_TOKENS or size > vocabulary_size or min(known) < 0:
        raise ModelFileError(
            f"The vocabulary has {size:,} tokens, but the model has {vocabulary_size:,}.", "Get the model again."
        )
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in words["model"]["merges"]]
    return {
        "tokenizer.ggml.tokens": [known.get(number, f"[PAD{number}]") for number in range(size)],
        "tokenizer.ggml.token_type": [kinds.get(number, _UNUSED) for number in range(size)],
        "tokenizer.ggml.merges": merges,
    }


def _roles(
    words: Mapping[str, Any], settings: Mapping[str, Any], config: Mapping[str, Any]
) -> dict[str, MetadataValue]:
    """Which tokens begin and end a text, and whether one is put before it."""
    ids = {entry["content"]: entry["id"] for entry in words.get("added_tokens") or []}
    found: dict[str, MetadataValue] = {}
    for role in _ROLES:
        token = settings.get(f"{role}_token")
        text = token.get("content") if isinstance(token, dict) else token
        number = ids.get(text) if text in ids else config.get(f"{role}_token_id")
        number = number[0] if isinstance(number, list) and number else number
        if type(number) is int and number >= 0:
            found[f"tokenizer.ggml.{_KEYS[role]}_token_id"] = number
    begins = _begins(words, settings)
    if "tokenizer.ggml.bos_token_id" in found:
        found["tokenizer.ggml.add_bos_token"] = begins
    return found


def _begins(words: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    """Whether a text begins with a token that says so."""
    if isinstance(settings.get("add_bos_token"), bool):
        return bool(settings["add_bos_token"])
    after = words.get("post_processor") or {}
    for step in after.get("processors", [after]):
        if step.get("type") == "TemplateProcessing":
            return "SpecialToken" in (step.get("single") or [{}])[0]
    return False


def _template(folder: Path, settings: Mapping[str, Any]) -> dict[str, MetadataValue]:
    template = settings.get("chat_template")
    if isinstance(template, list):
        template = next((it.get("template") for it in template if it.get("name") == "default"), None)
    file = folder / "chat_template.jinja"
    if not isinstance(template, str) and file.is_file():
        template = file.read_text(encoding="utf-8", errors="replace")
    return {"tokenizer.chat_template": template} if isinstance(template, str) else {}
