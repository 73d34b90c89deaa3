"""Tiny random-weight GGUF files, written once per test session."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import gguf
import numpy as np
import pytest

from engine.backends.base import LoadOptions, SequenceStep, TextModel
from engine.backends.llama import LlamaBackend
from engine.errors import RequestError
from engine.plugins.contract.models import Composition, ModelFacts, Recognition, Text, TextFormat
from engine.plugins.offers import Offers
from engine.plugins.registry import Registry
from engine.types import Accepts, FinishReason, GenerateRequest, ModelInfo, Sampling, TokenLogprob

DIM, FF, LAYERS, HEADS, KV_HEADS = 128, 256, 2, 4, 2
CONTEXT = 256
GREEDY = Sampling(temperature=0)
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ["<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|pre|>", "<|suf|>", "<|mid|>"]
# Every beginning of a word is a token as well: the tokenizer builds words by merging.
STEMS = sorted({"\u2581" + word[:length] for word in ("the", "cat", "sat", "on", "a", "mat") for length in range(4)})
WORDS = [*STEMS, "he", "ll", "lo", "wo", "wor"]


class Tokens:
    """Ids in the tiny vocabulary."""

    bos, eos = 1, 2
    first_byte = 3
    first_special = 259

    @classmethod
    def byte(cls, value: int) -> int:
        return cls.first_byte + value

    @classmethod
    def special(cls, text: str) -> int:
        return cls.first_special + SPECIAL.index(text)


def spm_vocabulary() -> tuple[list[bytes], list[float], list[int]]:
    tokens = [b"<unk>", b"<s>", b"</s>", *(f"<0x{value:02X}>".encode() for value in range(256))]
    types = [2, 3, 3, *[6] * 256]
    tokens += [text.encode() for text in SPECIAL]
    types += [3] * len(SPECIAL)
    words = WORDS + [chr(code) for code in range(97, 123)] + list('.,!?{}[]:"0123456789\n')
    tokens += [word.encode() for word in words]
    types += [1] * len(words)
    while len(tokens) % 32:
        tokens.append(f"\u2581w{len(tokens)}".encode())
        types.append(1)
    scores = [0.0] * 266 + [-float(index) for index in range(len(tokens) - 266)]
    return tokens, scores, types


def write_llama(
    path: Path,
    *,
    chat: bool = True,
    pooling: int | None = None,
    seed: int = 0,
    template: str = TEMPLATE,
    layers: int = LAYERS,
) -> Path:
    tokens, scores, types = spm_vocabulary()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(DIM)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(FF)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(DIM // HEADS)
    writer.add_vocab_size(len(tokens))
    if pooling is not None:
        writer.add_pooling_type(gguf.PoolingType(pooling))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_bos_token_id(Tokens.bos)
    writer.add_eos_token_id(Tokens.eos)
    writer.add_eot_token_id(Tokens.special("<|end|>"))
    writer.add_unk_token_id(0)
    if chat:
        writer.add_chat_template(template)
        for key, mark in (("fim_pre", "<|pre|>"), ("fim_suf", "<|suf|>"), ("fim_mid", "<|mid|>")):
            writer.add_uint32(f"tokenizer.ggml.{key}_token_id", Tokens.special(mark))
    add_llama_weights(writer, layers, len(tokens), seed)
    return finish(writer, path)


def add_llama_weights(writer: gguf.GGUFWriter, layers: int, vocabulary: int, seed: int) -> None:
    rng = np.random.default_rng(seed)

    def add(name: str, *shape: int, scale: float = 0.2) -> None:
        writer.add_tensor(name, (rng.standard_normal(shape) * scale).astype(np.float32))

    kv_dim = DIM // HEADS * KV_HEADS
    add("token_embd.weight", vocabulary, DIM, scale=1.0)
    add("output.weight", vocabulary, DIM)
    writer.add_tensor("output_norm.weight", np.ones(DIM, np.float32))
    for layer in range(layers):
        block = f"blk.{layer}."
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"{block}{name}.weight", np.ones(DIM, np.float32))
        add(f"{block}attn_q.weight", DIM, DIM)
        add(f"{block}attn_k.weight", kv_dim, DIM)
        add(f"{block}attn_v.weight", kv_dim, DIM)
        add(f"{block}attn_output.weight", DIM, DIM)
        add(f"{block}ffn_gate.weight", FF, DIM)
        add(f"{block}ffn_up.weight", FF, DIM)
        add(f"{block}ffn_down.weight", DIM, FF)


def write_bert(path: Path) -> Path:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(chr(code) for code in range(97, 123))]
    tokens = [word.encode() for word in words[:5]]
    tokens += [f"\u2581{word}".encode() for word in words[5:]] + [word.encode() for word in words[5:]]
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_name("tiny bert")
    writer.add_context_length(64)
    writer.add_embedding_length(DIM)
    writer.add_block_count(1)
    writer.add_feed_forward_length(FF)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_tokenizer_model("bert")
    writer.add_token_type_count(2)
    writer.add_token_list(tokens)
    writer.add_token_types([3] * 5 + [1] * (len(tokens) - 5))
    for key, token in (("padding", 0), ("unknown", 1), ("bos", 2), ("seperator", 3), ("mask", 4), ("cls", 2)):
        writer.add_uint32(f"tokenizer.ggml.{key}_token_id", token)
    rng = np.random.default_rng(1)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(name, (rng.standard_normal(shape) * 0.1).astype(np.float32))

    def add_norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(DIM, np.float32))
        writer.add_tensor(f"{name}.bias", np.zeros(DIM, np.float32))

    add("token_embd.weight", len(tokens), DIM)
    add("token_types.weight", 2, DIM)
    add("position_embd.weight", 64, DIM)
    add_norm("token_embd_norm")
    for name, rows, columns in (
        ("attn_q", DIM, DIM),
        ("attn_k", DIM, DIM),
        ("attn_v", DIM, DIM),
        ("attn_output", DIM, DIM),
        ("ffn_up", FF, DIM),
        ("ffn_down", DIM, FF),
    ):
        add(f"blk.0.{name}.weight", rows, columns)
        add(f"blk.0.{name}.bias", rows)
    add_norm("blk.0.attn_output_norm")
    add_norm("blk.0.layer_output_norm")
    return finish(writer, path)


def finish(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def info_for(path: Path) -> ModelInfo:
    return ModelInfo(
        id=path.stem,
        path=path,
        format="gguf",
        name=path.stem,
        architecture="llama",
        size_bytes=path.stat().st_size if path.is_file() else 0,
        plugins=("any",),
    )


def write_mamba(path: Path) -> Path:
    """A recurrent model: one state per sequence instead of a KV cache."""
    tokens, scores, types = spm_vocabulary()
    inner, state, rank = 2 * DIM, 16, 8
    writer = gguf.GGUFWriter(path, "mamba")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(DIM)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_block_count(2)
    writer.add_ssm_conv_kernel(4)
    writer.add_ssm_inner_size(inner)
    writer.add_ssm_state_size(state)
    writer.add_ssm_time_step_rank(rank)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_bos_token_id(Tokens.bos)
    writer.add_eos_token_id(Tokens.eos)
    rng = np.random.default_rng(2)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(name, (rng.standard_normal(shape) * 0.2).astype(np.float32))

    add("token_embd.weight", len(tokens), DIM)
    writer.add_tensor("output_norm.weight", np.ones(DIM, np.float32))
    for layer in range(2):
        block = f"blk.{layer}."
        writer.add_tensor(f"{block}attn_norm.weight", np.ones(DIM, np.float32))
        add(f"{block}ssm_in.weight", 2 * inner, DIM)
        add(f"{block}ssm_conv1d.weight", inner, 4)
        add(f"{block}ssm_conv1d.bias", inner)
        add(f"{block}ssm_x.weight", rank + 2 * state, inner)
        add(f"{block}ssm_dt.weight", inner, rank)
        add(f"{block}ssm_dt.bias", inner)
        writer.add_tensor(f"{block}ssm_a", -np.abs(rng.standard_normal((inner, state))).astype(np.float32))
        add(f"{block}ssm_d", inner)
        add(f"{block}ssm_out.weight", DIM, inner)
    return finish(writer, path)


class PlainFormat:
    """Takes every text as it is; tests replace methods of its instances."""

    def compose(self, request: GenerateRequest) -> Composition:
        text = request.prompt if request.prompt is not None else " ".join(m.content for m in request.messages)
        return Composition(parts=(Text(text),))

    def read_tool_calls(self, blocks: list[str]) -> tuple[()]:
        return ()

    def embedding_text(self, text: str, purpose: str) -> str:
        return text


class AnyFamily:
    """Knows every model as whatever a test says."""

    id = "any"

    def __init__(self, accepts: frozenset[Accepts], text_format: TextFormat) -> None:
        self._accepts = accepts
        self._format = text_format

    def recognise(self, facts: ModelFacts) -> Recognition:
        return Recognition(accepts=self._accepts, tasks=("test",), confidence=1.0)

    def open(self, facts: ModelFacts) -> TextFormat:
        return self._format


@pytest.fixture(scope="session")
def registry_of() -> Callable[..., Registry]:
    """A registry of one plugin, which knows every model by forms of request and a format."""

    def make(*accepted: Accepts, text_format: TextFormat | None = None) -> Registry:
        registry = Registry()
        family = AnyFamily(frozenset(accepted), PlainFormat() if text_format is None else text_format)
        registry.put("any", Offers(families=[family]))
        return registry

    return make


@pytest.fixture
def plain_format() -> PlainFormat:
    return PlainFormat()


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gguf")


@pytest.fixture(scope="session")
def write_model() -> Callable[..., Path]:
    return write_llama


@pytest.fixture(scope="session")
def tiny_path(model_dir: Path) -> Path:
    return write_llama(model_dir / "tiny.gguf")


@pytest.fixture(scope="session")
def plain_path(model_dir: Path) -> Path:
    """No chat template, no fill-in-the-middle."""
    return write_llama(model_dir / "plain.gguf", chat=False, seed=7)


@pytest.fixture(scope="session")
def mamba_path(model_dir: Path) -> Path:
    return write_mamba(model_dir / "mamba.gguf")


@pytest.fixture(scope="session")
def bert_path(model_dir: Path) -> Path:
    return write_bert(model_dir / "bert.gguf")


@pytest.fixture
def load() -> Iterator[Callable[..., TextModel]]:
    """Load a model, with the bundled plugins if no registry is given; closed at the end of the test."""
    opened = []

    def load_one(path: Path, registry: Registry | None = None, **options: int) -> TextModel:
        model = LlamaBackend(registry).load(info_for(path), LoadOptions(**options), lambda _fraction: True)
        opened.append(model)
        return model

    yield load_one
    for model in opened:
        model.close()


@pytest.fixture
def tiny(load: Callable[..., TextModel], tiny_path: Path) -> TextModel:
    return load(tiny_path, context_tokens=CONTEXT, max_sequences=4)


@dataclass
class Answer:
    """A finished answer, collected step by step."""

    text: str = ""
    deltas: list[str] = field(default_factory=list)
    tokens: int = 0
    logprobs: list[TokenLogprob] = field(default_factory=list)
    finish: FinishReason | None = None
    error: RequestError | None = None
    cached: int = 0
    steps: int = 0

    def add(self, step: SequenceStep) -> None:
        self.text += step.text
        self.deltas.append(step.text)
        self.tokens += step.token_count
        self.logprobs += step.logprobs
        self.finish, self.error = step.finish, step.error


@pytest.fixture(scope="session")
def tokens() -> type[Tokens]:
    return Tokens


@pytest.fixture(scope="session")
def answer() -> Callable[..., Answer]:
    """Answer one request alone."""

    def answer_one(model: TextModel, chunk: int = 512, **fields: object) -> Answer:
        prompt = model.prepare(GenerateRequest(model="tiny", **{"sampling": GREEDY, "max_tokens": 24} | fields))
        sequence = model.admit(prompt)
        assert sequence is not None
        result = Answer(cached=sequence.cached_tokens)
        while result.finish is None and result.error is None:
            result.steps += 1
            for step in model.step([sequence], chunk):
                result.add(step)
        model.release(sequence)
        return result

    return answer_one


@pytest.fixture(scope="session")
def answer_all() -> Callable[..., list[Answer]]:
    """Answer several requests together, all of them in every step."""

    def answer_them(model: TextModel, requests: list[dict[str, object]], chunk: int = 512) -> list[Answer]:
        prompts = [
            model.prepare(GenerateRequest(model="tiny", **{"sampling": GREEDY, "max_tokens": 24} | fields))
            for fields in requests
        ]
        running = {model.admit(prompt): Answer() for prompt in prompts}
        answers = list(running.values())
        while running:
            for step in model.step(list(running), chunk):
                running[step.sequence].add(step)
                if step.finish is not None:
                    model.release(step.sequence)
                    del running[step.sequence]
        return answers

    return answer_them
