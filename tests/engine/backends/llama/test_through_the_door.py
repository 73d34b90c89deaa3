"""The engine's door over real, tiny models and plugins: thoughts, calls of tools, vectors."""

from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

import pytest

from engine.backends.llama import LlamaBackend
from engine.engine import Engine
from engine.errors import InvalidRequestError
from engine.plugins.contract.models import Composition, Span, Text
from engine.types import (
    Accepts,
    EmbedRequest,
    Finished,
    GenerateRequest,
    Message,
    Sampling,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolSpec,
    assistant,
    user,
)
from tests.computing import computing

ADD = ToolSpec("add", "Adds two numbers.", {"type": "object", "properties": {"a": {"type": "number"}}})
THINKING_TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|><think>\n{% endif %}"
)
FEW = {"max_tokens": 12, "sampling": Sampling(temperature=0)}


@pytest.fixture
def opened(tmp_path):
    """An open engine over llama.cpp, with given plugins or the bundled ones."""

    @asynccontextmanager
    async def open_(registry=None):
        config = computing(home=tmp_path, context_tokens=256, max_sequences=2)
        async with Engine(config, backends={"gguf": LlamaBackend(registry)}) as engine:
            yield engine

    return open_


async def ask(engine, path, **fields):
    """Deltas of the answer, and the result."""
    request = GenerateRequest(model=str(path), **(FEW | fields))
    async with aclosing(engine.generate(request)) as events:
        found = [event async for event in events]
    assert isinstance(found[-1], Finished)
    return [event for event in found if isinstance(event, TextDelta | ThinkingDelta)], found[-1].result


async def test_an_answer_that_begins_in_thought_is_thought(opened, write_model, tmp_path):
    path = write_model(tmp_path / "thinker.gguf", template=THINKING_TEMPLATE)
    async with opened() as engine:
        deltas, result = await ask(engine, path, messages=(user("the cat"),))
        assert all(isinstance(delta, ThinkingDelta) for delta in deltas)
        assert result.text == ""
        assert result.thinking == "".join(delta.text for delta in deltas) != ""
        assert sum(delta.token_count for delta in deltas) == result.usage.output_tokens
        _, quick = await ask(engine, path, messages=(user("the cat"),), thinking=False)
        assert quick.thinking == ""
        assert quick.text


async def test_a_grammar_rules_an_answer_that_would_begin_in_thought(opened, write_model, tmp_path):
    path = write_model(tmp_path / "thinker.gguf", template=THINKING_TEMPLATE)
    async with opened() as engine:
        _, result = await ask(engine, path, messages=(user("the cat"),), grammar='root ::= "yes"')
    assert (result.text, result.thinking) == ("yes", "")


async def test_calls_reach_the_caller_and_their_results_the_model(opened, tiny_path, registry_of, plain_format):
    asked = []

    def compose(request):
        asked.append(request)
        return Composition(parts=(Text("the cat"),), spans=(Span("tool", "<c>", "</c>"),), begins_in="tool")

    plain_format.compose = compose
    plain_format.read_tool_calls = lambda blocks: [ToolCall("add", {"block": block}) for block in blocks]
    async with opened(registry_of(Accepts.MESSAGES, text_format=plain_format)) as engine:
        deltas, result = await ask(engine, tiny_path, messages=(user("1+2?"),), tools=(ADD,))
        (call,) = result.tool_calls
        assert call.arguments["block"] != ""
        assert "".join(delta.text for delta in deltas) == result.text == ""
        answer = replace(assistant(""), tool_calls=result.tool_calls)
        messages = (user("1+2?"), answer, Message("tool", "3", tool_name="add"))
        await ask(engine, tiny_path, messages=messages, tools=(ADD,))
    assert asked[0].tools == (ADD,)
    assert asked[1].messages == messages


async def test_calls_that_nobody_can_read_are_given_out_as_text(opened, tiny_path, registry_of, plain_format):
    def refuse(blocks):
        raise InvalidRequestError("That is no call.")

    plain_format.compose = lambda request: Composition(parts=(Text("the cat"),), begins_in="tool")
    plain_format.read_tool_calls = refuse
    async with opened(registry_of(Accepts.MESSAGES, text_format=plain_format)) as engine:
        deltas, result = await ask(engine, tiny_path, messages=(user("1+2?"),), tools=(ADD,))
    assert result.tool_calls == ()
    assert result.text == "".join(delta.text for delta in deltas) != ""


async def test_a_stranger_s_format_answers_from_other_threads(opened, tiny_path, registry_of, plain_format):
    plain_format.is_remote = True
    async with opened(registry_of(Accepts.MESSAGES, text_format=plain_format)) as engine:
        _, result = await ask(engine, tiny_path, messages=(user("the cat"),))
        assert result.usage.output_tokens == 12
        assert await engine.count_tokens(str(tiny_path), "the cat") == 2


async def test_queries_and_documents_are_told_apart(opened, bert_path, registry_of, plain_format):
    plain_format.embedding_text = lambda text, purpose: f"a {text}" if purpose == "query" else text
    async with opened(registry_of(Accepts.TEXTS, text_format=plain_format)) as engine:
        document = await engine.embed(EmbedRequest(model=str(bert_path), texts=("a b",)))
        query = await engine.embed(EmbedRequest(model=str(bert_path), texts=("b",), purpose="query"))
    assert query.vectors == pytest.approx(document.vectors, abs=1e-4)
