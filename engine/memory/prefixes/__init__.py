"""The KV of prompts that were read before, on disk: found by the tokens they begin with."""

from engine.memory.prefixes.key import PrefixKey as PrefixKey
from engine.memory.prefixes.key import prefix_key as prefix_key
from engine.memory.prefixes.store import PrefixStore as PrefixStore
