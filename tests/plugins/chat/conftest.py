"""Models of the common chat families, by short templates in the manner of the real ones."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.plugins.api import Composition, GenerateRequest, ModelFacts, TextFormat
from plugins.chat.family import ChatFamily

TEMPLATES = Path(__file__).parent / "templates"

Compose = Callable[..., Composition]


def facts_with(template: str = "", **changes: object) -> ModelFacts:
    metadata = {"tokenizer.chat_template": template} if template else {}
    fields = {
        "file_name": "m.gguf",
        "format": "gguf",
        "name": "M",
        "architecture": "llama",
        "metadata": metadata,
        "special_tokens": {"<|im_end|>": 7, "</s>": 2, "[INST]": 3},
        "bos": "<s>",
        "eos": "</s>",
    }
    return ModelFacts(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture
def make_facts() -> Callable[..., ModelFacts]:
    return facts_with


@pytest.fixture
def open_family() -> Callable[..., TextFormat]:
    """Opens a model by the name of a template file."""

    def open_(name: str, **changes: object) -> TextFormat:
        source = (TEMPLATES / f"{name}.jinja").read_text(encoding="utf-8")
        return ChatFamily().open(facts_with(source, **changes))

    return open_


@pytest.fixture
def compose(open_family) -> Compose:
    """Composes a request for a family."""
    return lambda name, **request: open_family(name).compose(GenerateRequest(model="m", **request))


@pytest.fixture
def prompt_of(compose) -> Callable[..., str]:
    """The whole prompt of a request."""
    return lambda name, **request: "".join(part.text for part in compose(name, **request).parts)
