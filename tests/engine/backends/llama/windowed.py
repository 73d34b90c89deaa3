"""A small model of random weights, half of whose layers attend to the last few tokens only."""

from pathlib import Path

import gguf
import numpy as np

from tests.engine.backends.llama.conftest import CONTEXT, DIM, FF, HEADS, KV_HEADS, Tokens, finish, spm_vocabulary

WINDOW = 24
LAYERS = 4


def write_windowed(path: Path) -> Path:
    """Write it in the architecture of Gemma 2, where every other layer has a sliding window."""
    tokens, scores, types = spm_vocabulary()
    writer = gguf.GGUFWriter(path, "gemma2")
    writer.add_name("windowed")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(DIM)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FF)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_key_length(DIM // HEADS)
    writer.add_value_length(DIM // HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_sliding_window(WINDOW)
    writer.add_attn_logit_softcapping(50.0)
    writer.add_final_logit_softcapping(30.0)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_bos_token_id(Tokens.bos)
    writer.add_eos_token_id(Tokens.eos)
    rng = np.random.default_rng(5)

    def add(name: str, *shape: int, scale: float = 0.2) -> None:
        writer.add_tensor(name, (rng.standard_normal(shape) * scale).astype(np.float32))

    def add_norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(DIM, np.float32))

    kv_dim = DIM // HEADS * KV_HEADS
    add("token_embd.weight", len(tokens), DIM)
    add_norm("output_norm")
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        for name in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
            add_norm(block + name)
        add(f"{block}attn_q.weight", DIM, DIM)
        add(f"{block}attn_k.weight", kv_dim, DIM)
        add(f"{block}attn_v.weight", kv_dim, DIM)
        add(f"{block}attn_output.weight", DIM, DIM)
        add(f"{block}ffn_gate.weight", FF, DIM)
        add(f"{block}ffn_up.weight", FF, DIM)
        add(f"{block}ffn_down.weight", DIM, FF)
    return finish(writer, path)
