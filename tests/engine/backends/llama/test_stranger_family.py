"""A stranger's model family, in a process of its own, over a real, tiny model."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from engine.backends.llama import LlamaBackend
from engine.engine import Engine
from engine.errors import PluginError
from engine.plugins.bundled import bundled_registry
from engine.plugins.manifest import Manifest, OfferKind
from engine.plugins.process.process import PluginProcess
from engine.plugins.registry import Registry
from engine.types import EmbedRequest, GenerateRequest, Sampling, TextDelta, ToolCall, ToolSpec, user
from tests.computing import computing

SOURCE = """
import time

from engine.plugins.api import Accepts, Composition, InvalidRequestError, Recognition, Span, Text, Token, ToolCall


class Tiny:
    id = "tiny"

    def recognise(self, facts):
        accepts = frozenset({Accepts.MESSAGES, Accepts.PROMPT})
        return Recognition(accepts=accepts, tasks=("answers",), confidence=0.9) if facts.name == "tiny" else None

    def open(self, facts):
        return TinyFormat(facts)


class TinyFormat:
    def __init__(self, facts):
        self.end = facts.special_tokens["<|end|>"]

    def compose(self, request):
        said = request.messages[-1].content if request.messages else request.prompt
        if said == "hang":
            time.sleep(60)
        if said == "break":
            raise ZeroDivisionError("broken")
        if said == "nonsense":
            return Composition(parts=(Token(-1),))
        spans = (Span("tool", "<c>", "</c>"),)
        parts = (Text(said), Token(self.end))
        return Composition(parts=parts, spans=spans, begins_in="tool" if request.tools else None)

    def read_tool_calls(self, blocks):
        return [ToolCall("note", {"block": block}) for block in blocks]

    def embedding_text(self, text, purpose):
        return text


def register(registrar):
    registrar.add_family(Tiny())
"""
FEW = {"max_tokens": 8, "sampling": Sampling(temperature=0)}
NOTE = ToolSpec("note", "Takes a note.", {"type": "object"})


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("plugins") / "tiny"
    folder.mkdir()
    (folder / "__init__.py").write_text(SOURCE, encoding="utf-8")
    manifest = Manifest(
        id="tiny", name="Tiny", version="1.0.0", api="1.0", summary="Talks to one model.",
        provides=((OfferKind.FAMILY, "tiny"),),
    )  # fmt: skip
    process = PluginProcess(folder, manifest, {}, lambda: None)
    registry = Registry()
    registry.put("tiny", process.start(), is_stranger=True)
    yield registry
    process.stop()


async def ask(engine, path, said, **fields):
    request = GenerateRequest(model=str(path), messages=(user(said),), **(FEW | fields))
    async with aclosing(engine.generate(request)) as events:
        found = [event async for event in events]
    return "".join(event.text for event in found if isinstance(event, TextDelta)), found[-1].result


async def test_a_model_is_talked_to_through_another_process(registry, tiny_path, tmp_path):
    config = computing(home=tmp_path, context_tokens=256, max_sequences=2)
    async with Engine(config, backends={"gguf": LlamaBackend(registry)}) as engine:
        text, result = await ask(engine, tiny_path, "the cat")
        assert text == result.text != ""
        assert result.usage.prompt_tokens == 4  # BOS, two words, the mark
        text, result = await ask(engine, tiny_path, "the cat", tools=(NOTE,))
        assert (text, result.text) == ("", "")
        assert result.tool_calls == (ToolCall("note", {"block": result.tool_calls[0].arguments["block"]}),)


async def test_a_stranger_that_fails_is_named_and_fails_only_its_requests(registry, tiny_path, tmp_path):
    config = computing(home=tmp_path, context_tokens=256, max_sequences=2)
    async with Engine(config, backends={"gguf": LlamaBackend(registry)}) as engine:
        for said in ("break", "nonsense"):
            with pytest.raises(PluginError):
                await ask(engine, tiny_path, said)
        assert (await ask(engine, tiny_path, "the cat"))[1].text


async def test_a_stranger_that_hangs_holds_up_nobody(registry, tiny_path, bert_path, tmp_path):
    """While one request waits for it in vain, the bundled plugins' models answer."""

    class Both:
        """The stranger's model by it, all others by the bundled plugins."""

        name, version = "llama.cpp", "0"

        def load(self, info, options, progress):
            chosen = registry if info.path == tiny_path else bundled_registry()
            return LlamaBackend(chosen).load(info, options, progress)

    config = computing(home=tmp_path, context_tokens=256, max_sequences=2)
    async with Engine(config, backends={"gguf": Both()}) as engine:
        await ask(engine, tiny_path, "the cat")
        await engine.embed(EmbedRequest(model=str(bert_path), texts=("a b",)))
        began = time.monotonic()
        hanging = asyncio.ensure_future(ask(engine, tiny_path, "hang"))
        for _ in range(5):
            await engine.embed(EmbedRequest(model=str(bert_path), texts=("a b",)))
        assert not hanging.done()
        with pytest.raises(PluginError):
            await hanging
        assert time.monotonic() - began < 30
