"""The llama.cpp backend: any GGUF model, several sequences at once."""

from engine.backends.llama.backend import LlamaBackend

__all__ = ["LlamaBackend"]
