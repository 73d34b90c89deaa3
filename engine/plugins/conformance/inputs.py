"""Made-up inputs: model files, requests, pictures, values of fields, arguments of tools. The same ones every time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.plugins.contract.models import ModelFacts, TensorFacts
from engine.plugins.contract.values import Field, InputFile, Json, Kind, Value, Values
from engine.requests import Accepts, GenerateRequest, Message, ToolCall, ToolSpec, assistant, system, user
from engine.types import ModelInfo

CHATML: Final = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEXTS: Final = ("", "Hello", "Ünïcödé 🙂 \u202e\u0000\ud7ff", "<|im_end|>{{ 7 * 7 }}</s>", "line\n" * 400)
SPECIAL_TOKENS: Final = {
    text: 5 + place
    for place, text in enumerate(
        ("<|im_start|>", "<|im_end|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<tool_call>", "<think>")
    )
}
_ARCHITECTURES: Final = ("llama", "qwen2", "gemma3", "phi3", "mistral3", "deepseek2", "bert", "nomic-bert", "unknown")
_CARD_TASKS: Final = ("classification", "detection", "reading", "segmentation", "embedding", "features", "unknown")
TOOL: Final = ToolSpec(
    "add", "Adds.", {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}}
)


def model_facts() -> Iterator[ModelFacts]:
    """Model files of many kinds, broken ones among them."""
    yield ModelFacts(file_name="empty.gguf", format="gguf")
    yield ModelFacts(file_name="empty.onnx", format="onnx")
    for architecture in _ARCHITECTURES:
        for template in ("", CHATML, "{{ broken"):
            metadata: dict[str, str | int | float | bool] = {"general.architecture": architecture}
            metadata |= {"tokenizer.chat_template": template} if template else {}
            yield ModelFacts(
                file_name=f"{architecture}.gguf", format="gguf", name=architecture, architecture=architecture,
                metadata=metadata, special_tokens=SPECIAL_TOKENS,
                bos="<s>", eos="</s>",
            )  # fmt: skip
    for task in _CARD_TASKS:
        for shape in ((None, 3, 224, 224), (None, 3, None, None), (1, 1, 32, None), ()):
            yield graph_facts({"task": task, "labels": ["cat", "dog"]}, shape)
    yield graph_facts({"task": 7, "labels": "cat", "size": -1}, (None, 3, 224, 224))
    yield graph_facts({"task": "detection", "labels": ["cat", "dog"]}, (None, 3, 64, 64), (None, 6, 84))
    reader: dict[str, Json] = {"charset": "abc", "size": [32, None], "channels": "L", "mean": [0.5], "std": [0.5]}
    yield graph_facts({"task": "reading", **reader}, (None, 1, 32, None), (None, None, 4))


def graph_facts(
    card: Mapping[str, Json], shape: tuple[int | None, ...], output: tuple[int | None, ...] = (None, 2)
) -> ModelFacts:
    """An image graph with one input and one output of these shapes."""
    return ModelFacts(
        file_name="graph.onnx", format="onnx", architecture="onnx", card=card,
        inputs=(TensorFacts("input", shape, "float32"),), outputs=(TensorFacts("output", output, "float32"),),
    )  # fmt: skip


def text_requests(accepts: frozenset[Accepts]) -> Iterator[GenerateRequest]:
    """Requests of the forms that a model takes, every field of a request used by some."""
    if Accepts.MESSAGES in accepts:
        call = ToolCall("add", {"a": 1, "b": [None, {"c": "d"}]})
        asked = Message("assistant", "", tool_calls=(call,))
        for text in TEXTS:
            yield GenerateRequest(model="m", messages=(user(text),))
            yield GenerateRequest(model="m", messages=(system(text), user("Hi"), assistant(text), user(text)))
        for thinking in (None, True, False):
            yield GenerateRequest(model="m", messages=(user("Hi"),), thinking=thinking, tools=(TOOL,))
        yield GenerateRequest(
            model="m", messages=(user("1 + 1?"), asked, Message("tool", "2", tool_name="add")), tools=(TOOL, TOOL)
        )
        yield GenerateRequest(
            model="m", messages=tuple(user("a") if i % 2 == 0 else assistant("b") for i in range(101))
        )
    if Accepts.PROMPT in accepts:
        for text in TEXTS[1:]:
            yield GenerateRequest(model="m", prompt=text, stop=("\n",), json_schema="{}", max_tokens=None, logprobs=2)
    if Accepts.SUFFIX in accepts:
        for text in TEXTS[1:]:
            yield GenerateRequest(model="m", prompt=text, suffix=text)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Inputs of a task; `is_plain` where nothing about them is odd."""

    values: Values
    is_plain: bool


def task_inputs(fields: Sequence[Field], models: Sequence[ModelInfo], picture: bytes) -> Iterator[Inputs]:
    """Plain inputs, then inputs at the edges of what each field allows, one field at a time."""
    plain = {field.name: _plain_value(field, models, picture) for field in fields}
    yield Inputs(plain, is_plain=True)
    if optional := {field.name for field in fields if not field.required and field.default is None}:
        yield Inputs({name: value for name, value in plain.items() if name not in optional}, is_plain=True)
    for field in fields:
        for value in _edge_values(field, models):
            yield Inputs({**plain, field.name: value}, is_plain=False)


def _plain_value(field: Field, models: Sequence[ModelInfo], picture: bytes) -> Value:
    if field.default not in (None, "", ()):
        return field.default
    fitting = [info.id for info in models if not field.accepts or field.accepts in info.accepts]
    least = field.least if field.least is not None else min(1.0, 1.0 if field.most is None else field.most)
    values: dict[Kind, Value] = {
        Kind.INTEGER: round(least),
        Kind.NUMBER: float(least),
        Kind.FLAG: False,
        Kind.CHOICE: field.choices[0] if field.choices else "",
        Kind.FILE: InputFile(f"notes{field.suffixes[0] if field.suffixes else '.txt'}", b"First line.\nSecond line.\n"),
        Kind.IMAGE: InputFile("picture.png", picture),
        Kind.MODEL: fitting[0] if fitting else "model",
        Kind.MODELS: tuple(fitting[:2]) or ("model",),
    }
    return values.get(field.kind, "Some text of a few words.")


def _edge_values(field: Field, models: Sequence[ModelInfo]) -> Iterator[Value]:
    match field.kind:
        case Kind.TEXT:
            most = 100_000 if field.most is None else int(field.most)
            texts = ("a", "Ünïcödé 🙂\u202e", "word " * 4000, *(() if not field.multiline else ("\n\n a \r\n",)))
            yield from (text[:most] for text in texts)
        case Kind.INTEGER | Kind.NUMBER:
            make = int if field.kind is Kind.INTEGER else float
            yield from (make(bound) for bound in (field.least, field.most) if bound is not None)
        case Kind.FLAG:
            yield from (True, False)
        case Kind.CHOICE:
            yield from field.choices
        case Kind.FILE:
            yield from (InputFile("empty", b""), InputFile("odd ü.bin", bytes(range(256)) * 400))
        case Kind.IMAGE:
            yield from (InputFile("empty.png", b""), InputFile("broken.png", b"\x89PNG\r\n\x1a\n broken"))
        case Kind.MODELS:
            yield from ((info.id,) for info in models[:1])
        case _:
            return


def arguments_for(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Json]]:
    """Arguments that satisfy the JSON schema of a tool: with all properties, with the required ones, with edges."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    required = set(schema.get("required", ()))
    examples = {name: list(_examples(kind)) for name, kind in properties.items()}
    yield {name: values[0] for name, values in examples.items()}
    yield {name: values[0] for name, values in examples.items() if name in required}
    for name, values in examples.items():
        for value in values[1:]:
            yield {other: others[0] for other, others in examples.items()} | {name: value}


def _examples(schema: Mapping[str, Any]) -> Iterator[Json]:
    if "enum" in schema:
        yield from schema["enum"]
        return
    kind = schema.get("type", "string")
    match kind[0] if isinstance(kind, list) else kind:
        case "integer" | "number":
            low, high = schema.get("minimum", 1), schema.get("maximum", schema.get("minimum", 1))
            yield from (low, high, *(() if "maximum" in schema else (max(low, 10**9),)))
        case "boolean":
            yield from (True, False)
        case "array":
            least = schema.get("minItems", 0)
            yield [next(_examples(schema.get("items", {})))] * max(1, least)
            yield from ([],) if not least else ()
        case "object":
            yield next(iter(arguments_for(schema)))  # type: ignore[misc]  # a mapping here, a dict in JSON
        case "null":
            yield None
        case _:
            least, most = schema.get("minLength", 0), schema.get("maxLength", 2000)
            yield from (text[:most].ljust(least, "a") for text in ("text", "Ünïcödé 🙂\u202e", "a" * 2000))
