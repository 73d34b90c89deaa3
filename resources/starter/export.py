"""From a checkpoint to a GGUF file that llama.cpp runs, with its vocabulary and chat template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGUFWriter, LlamaFileType, TokenType
from numpy.typing import NDArray
from tokenizers import Tokenizer

from resources.starter import tokenizer as vocabulary
from resources.starter.model import Shape, Starter

TEMPERATURE = 0.2
"""Recommended in the file: a model this small loses its thread when less likely words are drawn."""
LICENCE = "MIT; trained on text under the Python Software Foundation License Version 2"


def load_model(checkpoint: Path) -> tuple[Starter, dict[str, Any]]:
    """The network of a checkpoint with its matrices rounded to 16 bits as in the file, and what else was saved."""
    saved = torch.load(checkpoint, weights_only=True)
    model = Starter(Shape(**saved["shape"]))
    model.load_state_dict(saved["model"])
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.copy_(parameter.half().float())
    return model.eval(), saved


def write_gguf(model: Starter, tokenizer: Tokenizer, path: Path) -> None:
    """Write ``model`` and ``tokenizer`` to ``path``; matrices in float16, norms in float32."""
    part = path.with_suffix(".part")
    writer = GGUFWriter(str(part), "llama")
    _write_shape(writer, model.shape)
    _write_vocabulary(writer, tokenizer)
    for name, array in tensors(model).items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.replace(path)


def _write_shape(writer: GGUFWriter, shape: Shape) -> None:
    writer.add_name("starter")
    writer.add_description("The small language model that comes with Hearth: answers about Hearth and basic Python.")
    writer.add_license(LICENCE)
    writer.add_languages(["en"])
    writer.add_float32("general.sampling.temp", TEMPERATURE)
    writer.add_file_type(LlamaFileType.MOSTLY_F16)
    writer.add_vocab_size(shape.vocab)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(shape.norm_eps)
    writer.add_rope_dimension_count(shape.head_size)
    writer.add_rope_freq_base(shape.rope_theta)


def _write_vocabulary(writer: GGUFWriter, tokenizer: Tokenizer) -> None:
    tokens = [tokenizer.id_to_token(number) for number in range(tokenizer.get_vocab_size())]
    control = set(vocabulary.SPECIAL)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(vocabulary.PRE_TOKENIZER)
    writer.add_token_list(tokens)
    writer.add_token_types([TokenType.CONTROL if token in control else TokenType.NORMAL for token in tokens])
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_bos_token_id(tokens.index(vocabulary.BEGIN))
    writer.add_eos_token_id(tokens.index(vocabulary.END))
    writer.add_pad_token_id(tokens.index(vocabulary.END))
    writer.add_add_bos_token(True)
    writer.add_chat_template(vocabulary.CHAT_TEMPLATE)
    for part, token in (
        ("pre", vocabulary.FIM_PREFIX),
        ("suf", vocabulary.FIM_SUFFIX),
        ("mid", vocabulary.FIM_MIDDLE),
    ):
        writer.add_uint32(f"tokenizer.ggml.fim_{part}_token_id", tokens.index(token))


def tensors(model: Starter) -> dict[str, NDArray[Any]]:
    """The weights under llama.cpp's names; the output matrix is left out because it is the embedding."""
    shape = model.shape
    out = {"token_embd.weight": _half(model.embedding.weight), "output_norm.weight": _single(model.norm.weight)}
    for number, block in enumerate(model.blocks):
        attention = block.attention
        prefix = f"blk.{number}."
        out |= {
            prefix + "attn_norm.weight": _single(block.attention_norm.weight),
            prefix + "ffn_norm.weight": _single(block.feed_norm.weight),
            prefix + "attn_q.weight": interleave(_half(attention.q.weight), shape.heads),
            prefix + "attn_k.weight": interleave(_half(attention.k.weight), shape.kv_heads),
            prefix + "attn_v.weight": _half(attention.v.weight),
            prefix + "attn_output.weight": _half(attention.o.weight),
            prefix + "ffn_gate.weight": _half(block.gate.weight),
            prefix + "ffn_up.weight": _half(block.up.weight),
            prefix + "ffn_down.weight": _half(block.down.weight),
        }
    return out


def interleave(weight: NDArray[Any], heads: int) -> NDArray[Any]:
    """Reorder the rows of a query or key matrix: llama.cpp turns neighbours ``(2i, 2i + 1)``, we turn halves."""
    rows, columns = weight.shape
    halves = weight.reshape(heads, 2, rows // heads // 2, columns)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(rows, columns))


def _half(tensor: torch.Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.detach().numpy().astype(np.float16)
    return array


def _single(tensor: torch.Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.detach().numpy().astype(np.float32)
    return array
