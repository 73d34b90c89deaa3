# ruff: noqa: E501  (tables)
"""Ways to damage a GGUF file: blindly, at its numbers, and in its parts with all else put right again."""

import random
import struct
from collections.abc import Callable
from copy import copy

from engine.models.ggml import TENSOR_TYPES
from tests.engine.gates.fuzz.gguf_draft import ARRAY, CODES, TEXT, Draft, TensorDraft

NUMBERS = [0, 1, 2, 7, 31, 255, 256, 65_535, 65_536, 1 << 31, (1 << 31) - 1, (1 << 32) - 1, 1 << 32, (1 << 63) - 8, 1 << 63,
           (1 << 64) - 1]  # fmt: skip
FLOATS = [0.0, -1.0, 1e-45, 1e38, float("inf"), float("-inf"), float("nan")]
TEXTS = [
    b"", b"a", b" ", b"\n", b"<0x00>", b"<0x-1>", b"<0xGG>", b"\xe2\x96\x81", b"[EMPTY_1]", b"</s>", b"<unk>", b"<|im_end|>",
    b"x" * 300, b"\xf0\x9f\x98\x80", b"\xff", b"llama", b"qwen2", b"qwen3", b"gemma2", b"gemma3", b"phi3", b"mamba", b"mamba2",
    b"rwkv6", b"t5", b"bert", b"nomic-bert", b"clip", b"deepseek2", b"llama4", b"gpt2", b"falcon", b"mpt", b"plamo2", b"jina-bert-v2",
    b"rwkv", b"none", b"no_vocab", b"default", b"llama3", b"deepseek-llm", b"tekken", b"gpt-4o", b"superbpe", b"adapter",
]  # fmt: skip
KEYS = [
    ("rope.scaling.type", TEXT, b"yarn"), ("rope.scaling.factor", 6, 0.0), ("rope.freq_base", 6, 0.0), ("expert_count", 4, 8),
    ("expert_used_count", 4, 9), ("attention.sliding_window", 4, 0), ("attention.key_length", 4, 1),
    ("attention.value_length", 4, 3), ("attention.head_count", ARRAY, (4, [4, 0])), ("attention.head_count_kv", ARRAY, (4, [2])),
    ("feed_forward_length", ARRAY, (4, [256, 1])), ("pooling_type", 4, 4), ("pooling_type", 4, 99), ("attention.causal", 7, False),
    ("vocab_size", 4, 1), ("tensor_data_layout", TEXT, b"Meta AI original pth"), ("rope.dimension_count", 4, 33),
    ("rope.dimension_sections", ARRAY, (5, [1, 2, 3])), ("attention.layer_norm_rms_epsilon", 6, -1.0),
    ("attention.max_alibi_bias", 6, 8.0), ("attention.clamp_kqv", 6, 1.0), ("logit_scale", 6, 0.0), ("ssm.conv_kernel", 4, 0),
    ("ssm.state_size", 4, 0), ("ssm.inner_size", 4, 1), ("ssm.time_step_rank", 4, 0), ("context_length", 4, 0),
]  # fmt: skip
TOKENIZER_KEYS = [
    ("tokenizer.ggml.add_bos_token", 7, True), ("tokenizer.ggml.add_eos_token", 7, True), ("tokenizer.ggml.add_sep_token", 7, True),
    ("tokenizer.ggml.add_space_prefix", 7, True), ("tokenizer.ggml.remove_extra_whitespaces", 7, True),
    ("tokenizer.ggml.precompiled_charsmap", ARRAY, (0, [255] * 40)), ("tokenizer.ggml.precompiled_charsmap", ARRAY, (1, [1, 0, 0, 0, 9])),
    ("tokenizer.ggml.eot_token_id", 4, 3), ("tokenizer.ggml.seperator_token_id", 4, 1 << 31), ("tokenizer.ggml.mask_token_id", 4, 3),
    ("tokenizer.ggml.cls_token_id", 4, 99_999), ("tokenizer.ggml.eom_token_id", 4, 0), ("tokenizer.ggml.fim_pad_token_id", 4, 5),
    ("general.type", TEXT, b"adapter"), ("general.alignment", 4, 64), ("split.count", 4, 2), ("split.no", 4, 1),
    ("tokenizer.ggml.merges", ARRAY, (TEXT, [b"", b" ", b"a", b"a  b"])),
]  # fmt: skip


def mutate(rng: random.Random, draft: Draft) -> bytes:
    """One damaged file."""
    draft = Draft(list(draft.keys), list(draft.tensors))
    if rng.random() < 0.6:
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            rng.choice(PARTS)(rng, draft)
        return draft.build()
    data = bytearray(draft.build())
    head = len(data) - sum(-(-len(tensor.data) // 32) * 32 for tensor in draft.tensors)
    rng.choice((_flip, _flip, _number, _number, _number, _insert, _delete, _cut))(rng, data, head, draft)
    return bytes(data)


def _flip(rng: random.Random, data: bytearray, head: int, draft: Draft) -> None:
    for _ in range(rng.randint(1, 8)):
        data[rng.randrange(head)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))


def _number(rng: random.Random, data: bytearray, head: int, draft: Draft) -> None:
    for _ in range(rng.randint(1, 2)):
        at, code = rng.choice(draft.places)
        size = struct.calcsize("<" + code)
        data[at : at + size] = (rng.choice(NUMBERS) & (1 << 8 * size) - 1).to_bytes(size, "little")


def _insert(rng: random.Random, data: bytearray, head: int, draft: Draft) -> None:
    data[rng.randrange(head) : 0] = rng.randbytes(rng.choice((1, 4, 8, 32)))


def _delete(rng: random.Random, data: bytearray, head: int, draft: Draft) -> None:
    at = rng.randrange(head)
    del data[at : at + rng.choice((1, 4, 8, 32))]


def _cut(rng: random.Random, data: bytearray, head: int, draft: Draft) -> None:
    del data[rng.randrange(len(data)) :]


def _change_value(rng: random.Random, draft: Draft) -> None:
    index = rng.randrange(len(draft.keys))
    name, kind, value = draft.keys[index]
    draft.keys[index] = (name, kind, _other(rng, kind, value))


def _change_type(rng: random.Random, draft: Draft) -> None:
    index = rng.randrange(len(draft.keys))
    name, _, _ = draft.keys[index]
    kind = rng.choice([*CODES, TEXT, ARRAY])
    inner = rng.choice([*CODES, TEXT])
    items = [_other(rng, inner, 0) for _ in range(rng.choice((0, 1, 4)))]
    draft.keys[index] = (name, kind, (inner, items) if kind == ARRAY else _other(rng, kind, 0))


def _drop_key(rng: random.Random, draft: Draft) -> None:
    if draft.keys:
        del draft.keys[rng.randrange(len(draft.keys))]


def _add_key(rng: random.Random, draft: Draft) -> None:
    architecture = next((value for name, _, value in draft.keys if name == "general.architecture"), b"llama")
    prefix = architecture.decode(errors="replace") if isinstance(architecture, bytes) else "llama"
    name, kind, value = rng.choice(KEYS + TOKENIZER_KEYS)
    if not name.startswith(("tokenizer.", "general.", "split.")):
        name = f"{prefix}.{name}"
    draft.keys[:] = [key for key in draft.keys if key[0] != name]
    draft.keys.append((name, kind, value))


def _rename_model(rng: random.Random, draft: Draft) -> None:
    """Another architecture, with the keys and tensors of this one."""
    new = rng.choice(TEXTS[15:36])
    old = next((value for name, _, value in draft.keys if name == "general.architecture"), None)
    if not isinstance(old, bytes):
        return
    prefix = old.decode(errors="replace") + "."
    for index, (name, kind, value) in enumerate(draft.keys):
        if name == "general.architecture":
            draft.keys[index] = (name, TEXT, new)
        elif name.startswith(prefix):
            draft.keys[index] = (f"{new.decode()}.{name.removeprefix(prefix)}", kind, value)


def _change_vocabulary(rng: random.Random, draft: Draft) -> None:
    names = ("tokens", "scores", "token_type", "merges")
    found = [at for at, key in enumerate(draft.keys) if key[0].rpartition(".")[2] in names and key[1] == ARRAY]
    if not found:
        return
    index = rng.choice(found)
    name, kind, (inner, items) = draft.keys[index]
    items = list(items)
    for _ in range(rng.choice((1, 1, 3, 50))):
        if items:
            items[rng.randrange(len(items))] = _other(rng, inner, 0)
    draft.keys[index] = (name, kind, (inner, items))


def _other_tokenizer(rng: random.Random, draft: Draft) -> None:
    for index, (name, _, _) in enumerate(draft.keys):
        if name == "tokenizer.ggml.model":
            kinds = (b"llama", b"gpt2", b"bert", b"t5", b"rwkv", b"plamo2", b"no_vocab", b"none", b"gemma4", b"x")
            draft.keys[index] = (name, TEXT, rng.choice(kinds))


def _change_tensor(rng: random.Random, draft: Draft) -> None:
    if not draft.tensors:
        return
    index = rng.randrange(len(draft.tensors))
    tensor = copy(draft.tensors[index])
    how = rng.randrange(5)
    if how == 0:
        tensor.name = rng.choice(draft.tensors).name + rng.choice(("", "x", ".bias"))
    elif how == 1:
        tensor.dims = tensor.dims[::-1]
    elif how == 2:
        tensor.dims = tuple(max(1, dim + rng.choice((-32, -1, 0, 1, 32))) for dim in tensor.dims)
    elif how == 3:
        tensor.dims = (*tensor.dims, *[1] * rng.randint(1, 3))[:4]
    else:
        tensor.type = rng.choice(list(TENSOR_TYPES))
    draft.tensors[index] = _filled(tensor)


def _drop_tensor(rng: random.Random, draft: Draft) -> None:
    if draft.tensors:
        del draft.tensors[rng.randrange(len(draft.tensors))]


def _spoil_weights(rng: random.Random, draft: Draft) -> None:
    if draft.tensors:
        index = rng.randrange(len(draft.tensors))
        tensor = copy(draft.tensors[index])
        tensor.data = rng.choice((b"\xff", b"\x00\x7c", b"\x00\x00\xc0\x7f", b"\x01")) * len(tensor.data)
        draft.tensors[index] = _filled(tensor)


def _filled(tensor: TensorDraft) -> TensorDraft:
    """With as much data as it says that it has."""
    kind = TENSOR_TYPES[tensor.type]
    elements = 1
    for dim in tensor.dims:
        elements *= dim
    size = elements // kind.block_elements * kind.block_bytes
    tensor.data = (tensor.data * (size // max(1, len(tensor.data)) + 1))[:size]
    return tensor


def _other(rng: random.Random, kind: int, value: object) -> object:
    """Another value of a type."""
    if kind == TEXT:
        if isinstance(value, bytes) and rng.random() < 0.3:
            return value[: rng.randint(0, len(value))]
        return rng.choice(TEXTS)
    if kind == ARRAY:
        inner, items = value
        items = list(items)
        changes = (items.pop, items.clear, items.reverse, lambda: items.append(_other(rng, inner, 0)))
        if items:
            rng.choice(changes)()
        return inner, items
    if kind in {6, 12}:
        return rng.choice(FLOATS)
    if kind == 7:
        return rng.random() < 0.5
    bits = 8 * struct.calcsize("<" + CODES[kind])
    number = rng.choice(NUMBERS) & (1 << bits) - 1
    return number - (1 << bits) if CODES[kind].islower() and number >= 1 << bits - 1 else number


PARTS: list[Callable[[random.Random, Draft], None]] = [
    _change_value, _change_value, _change_type, _drop_key, _add_key, _add_key, _rename_model, _change_vocabulary,
    _change_vocabulary, _other_tokenizer, _change_tensor, _change_tensor, _drop_tensor, _spoil_weights,
]  # fmt: skip
