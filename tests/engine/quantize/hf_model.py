"""A small random model as Transformers keeps it, and what it computes, written down in numpy."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from engine.quantize.importances import read_text

LLAMA_CUT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
QWEN_CUT = LLAMA_CUT.replace("{1,3}", "")
WIDTH, FORWARD, LAYERS, HEADS, KV_HEADS, HEAD, THETA = 64, 96, 2, 4, 2, 16, 10_000.0


def tokenizer(cut: str | None) -> Tokenizer:
    """A byte-level one, trained on the calibration text."""
    words = Tokenizer(models.BPE())
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=cut is None)
    words.pre_tokenizer = (
        byte_level
        if cut is None
        else pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(cut), "isolated"), byte_level])
    )
    words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    words.train_from_iterator(read_text(None).split("\n\n"), trainer)
    words.add_special_tokens([AddedToken("<|begin|>", special=True), AddedToken("<|end|>", special=True)])
    return words


class HfModel:
    """A model in a folder.

    Attributes:
        folder: of its files.
        words: its tokenizer.
        weights: float32, by name.
    """

    def __init__(self, folder: Path, kind: str = "LlamaForCausalLM", cut: str | None = QWEN_CUT, dtype: str = "F32"):
        folder.mkdir()
        self.folder, self.words = folder, tokenizer(cut)
        self._is_biased, self._norms_heads = kind.startswith("Qwen2"), kind.startswith("Qwen3")
        self.weights = self._random()
        self.words.save(str(folder / "tokenizer.json"))
        self.config: dict[str, Any] = {
            "architectures": [kind], "hidden_size": WIDTH, "intermediate_size": FORWARD, "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "head_dim": HEAD, "rope_theta": THETA,
            "rms_norm_eps": 1e-5, "max_position_embeddings": 512, "vocab_size": 640, "hidden_act": "silu",
            "tie_word_embeddings": False,
        }  # fmt: skip
        settings = {"bos_token": "<|begin|>", "eos_token": {"content": "<|end|>"}, "add_bos_token": True,
                    "chat_template": "{% for m in messages %}{{ m.content }}{% endfor %}"}  # fmt: skip
        (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
        self.save(dtype)

    def save(self, dtype: str = "F32") -> None:
        """Write configuration and weights."""
        (self.folder / "config.json").write_text(json.dumps(self.config), encoding="utf-8")
        write_safetensors(self.folder / "model.safetensors", self.weights, dtype)

    def _random(self) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(3)

        def matrix(rows: int, columns: int) -> np.ndarray:
            return rng.normal(0, 0.15, (rows, columns)).astype(np.float16).astype(np.float32)

        def vector(size: int, middle: float) -> np.ndarray:
            return (middle + rng.normal(0, 0.2, size)).astype(np.float16).astype(np.float32)

        found = {"model.embed_tokens.weight": matrix(640, WIDTH), "lm_head.weight": matrix(640, WIDTH)}
        found["model.norm.weight"] = vector(WIDTH, 1)
        for layer in range(LAYERS):
            start = f"model.layers.{layer}."
            for part, rows in (("q", HEADS * HEAD), ("k", KV_HEADS * HEAD), ("v", KV_HEADS * HEAD)):
                found[f"{start}self_attn.{part}_proj.weight"] = matrix(rows, WIDTH)
                if self._is_biased:
                    found[f"{start}self_attn.{part}_proj.bias"] = vector(rows, 0)
                if self._norms_heads and part != "v":
                    found[f"{start}self_attn.{part}_norm.weight"] = vector(HEAD, 1)
            found[f"{start}self_attn.o_proj.weight"] = matrix(WIDTH, HEADS * HEAD)
            found[f"{start}mlp.gate_proj.weight"] = matrix(FORWARD, WIDTH)
            found[f"{start}mlp.up_proj.weight"] = matrix(FORWARD, WIDTH)
            found[f"{start}mlp.down_proj.weight"] = matrix(WIDTH, FORWARD)
            found[f"{start}input_layernorm.weight"] = vector(WIDTH, 1)
            found[f"{start}post_attention_layernorm.weight"] = vector(WIDTH, 1)
        return found

    def logits(self, tokens: list[int]) -> np.ndarray:
        """What Transformers would compute, shape (tokens, vocabulary)."""
        w, x = self.weights, self.weights["model.embed_tokens.weight"][tokens].astype(np.float64)
        for layer in range(LAYERS):
            start = f"model.layers.{layer}."
            x = x + self._attention(_norm(x, w[f"{start}input_layernorm.weight"]), f"{start}self_attn.")
            y = _norm(x, w[f"{start}post_attention_layernorm.weight"])
            gate = y @ w[f"{start}mlp.gate_proj.weight"].T
            up = y @ w[f"{start}mlp.up_proj.weight"].T
            x = x + (gate / (1 + np.exp(-gate)) * up) @ w[f"{start}mlp.down_proj.weight"].T
        return _norm(x, w["model.norm.weight"]) @ w["lm_head.weight"].T

    def _attention(self, x: np.ndarray, start: str) -> np.ndarray:
        parts = {}
        for part in "qkv":
            y = x @ self.weights[f"{start}{part}_proj.weight"].T + self.weights.get(f"{start}{part}_proj.bias", 0)
            y = y.reshape(len(x), -1, HEAD)
            if f"{start}{part}_norm.weight" in self.weights:
                y = _norm(y, self.weights[f"{start}{part}_norm.weight"])
            parts[part] = y if part == "v" else _rotated(y)
        q = parts["q"]
        k, v = (np.repeat(parts[part], HEADS // KV_HEADS, axis=1) for part in "kv")
        scores = np.einsum("thd,shd->hts", q, k) / np.sqrt(HEAD)
        scores[:, np.triu(np.ones(scores.shape[1:], bool), 1)] = -np.inf
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        return np.einsum("hts,shd->thd", shares, v).reshape(len(x), -1) @ self.weights[f"{start}o_proj.weight"].T


def _norm(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-5) * weight


def _rotated(x: np.ndarray) -> np.ndarray:
    angles = np.arange(len(x))[:, None] / THETA ** (np.arange(0, HEAD, 2) / HEAD)
    cos, sin = (np.concatenate([f(angles)] * 2, axis=-1)[:, None] for f in (np.cos, np.sin))
    first, second = np.split(x, 2, axis=-1)
    return x * cos + np.concatenate([-second, first], axis=-1) * sin


def write_safetensors(path: Path, weights: dict[str, np.ndarray], dtype: str) -> None:
    """Write a file as its authors do."""
    entries, body = {}, b""
    for name, values in weights.items():
        if dtype == "BF16":
            data = (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
        else:
            data = values.astype({"F32": np.float32, "F16": np.float16}[dtype]).tobytes()
        entries[name] = {
            "dtype": dtype,
            "shape": list(values.shape),
            "data_offsets": [len(body), len(body) + len(data)],
        }
        body += data
    head = json.dumps(entries).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + body)
