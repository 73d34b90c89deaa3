"""Names of tensors in GGUF files: llama.cpp's own, which are the same for every architecture."""

import re
from typing import Final

LAYER: Final = re.compile(r"blk\.(\d+)\.")
"""How the name of a layer's tensor begins, with the number of the layer."""
EMBEDDING: Final = "token_embd.weight"
HEAD: Final = "output.weight"
"""Where there is none, the embedding is the head as well."""
LOOKED_UP: Final = frozenset({EMBEDDING, "per_layer_token_embd.weight", "position_embd.weight", "token_types.weight"})
"""Tables of which a step reads single rows."""
