"""Right GGUF files of several kinds, small enough to be loaded in milliseconds: what mutations begin with."""

from dataclasses import replace
from pathlib import Path

from resources import models_dir
from tests.engine.backends.llama.conftest import write_bert, write_llama, write_mamba
from tests.engine.gates.fuzz.gguf_draft import ARRAY, TEXT, Draft, TensorDraft, take_apart

Q8_0 = 8


def write_seeds(folder: Path) -> dict[str, Path]:
    """SentencePiece, byte pairs, WordPiece; attention and states; plain weights and quantized ones."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {
        "llama": write_llama(folder / "llama.gguf"),
        "bert": write_bert(folder / "bert.gguf"),
        "mamba": write_mamba(folder / "mamba.gguf"),
        "pairs": folder / "pairs.gguf",
        "quantized": folder / "quantized.gguf",
    }
    plain = take_apart(found["llama"])
    found["pairs"].write_bytes(_with_pairs(plain).build())
    found["quantized"].write_bytes(replace(plain, tensors=[_quantized(tensor) for tensor in plain.tensors]).build())
    return found


def _with_pairs(plain: Draft) -> Draft:
    """The same model with the vocabulary of the bundled one, as much of it as there are rows."""
    starter = {name: value for name, _, value in take_apart(models_dir() / "starter.gguf").keys}
    count = plain.tensors[0].dims[1]
    tokens = starter["tokenizer.ggml.tokens"][1][:count]
    known = set(tokens)
    merges = [merge for merge in starter["tokenizer.ggml.merges"][1] if merge.replace(b" ", b"") in known]
    keys = [key for key in plain.keys if not key[0].startswith("tokenizer.")]
    keys += [
        ("tokenizer.ggml.model", TEXT, b"gpt2"),
        ("tokenizer.ggml.pre", TEXT, b"qwen2"),
        ("tokenizer.ggml.tokens", ARRAY, (TEXT, tokens)),
        ("tokenizer.ggml.token_type", ARRAY, (5, starter["tokenizer.ggml.token_type"][1][:count])),
        ("tokenizer.ggml.merges", ARRAY, (TEXT, merges)),
        ("tokenizer.ggml.bos_token_id", 4, 0),
        ("tokenizer.ggml.eos_token_id", 4, 1),
        ("tokenizer.ggml.add_bos_token", 7, True),
        ("tokenizer.chat_template", TEXT, starter["tokenizer.chat_template"]),
    ]
    return Draft(keys, plain.tensors)


def _quantized(tensor: TensorDraft) -> TensorDraft:
    """Weights as Q8_0 blocks of noise; norms stay as they are."""
    if len(tensor.dims) == 1:
        return tensor
    blocks = tensor.dims[0] * tensor.dims[1] // 32
    block = b"\x00\x20" + bytes(range(32))
    return replace(tensor, type=Q8_0, data=block * blocks)
