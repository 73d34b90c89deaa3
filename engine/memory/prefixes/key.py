"""PrefixKey: what must be the same for a state to be understood."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from engine.backends.base import Backend, TextModel


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixKey:
    """What must be the same for a state to be understood: else a model does not find what it has left.

    Attributes:
        path: of the model's file.
        size_bytes: of the file.
        changed_ns: when it was written last.
        context_tokens: that the model was loaded with.
        library: what wrote the states, with its version.
        layout: how they are laid out; that depends on where the model runs.
    """

    path: str
    size_bytes: int
    changed_ns: int
    context_tokens: int
    library: str
    layout: str

    @property
    def digest(self) -> str:
        """What the names of its files begin with."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def prefix_key(model: TextModel, backends: Mapping[str, Backend]) -> PrefixKey | None:
    """The key of a loaded model's states; None if its file is gone."""
    info = model.info
    try:
        stat = os.stat(info.path)
    except OSError:
        return None
    return PrefixKey(
        path=str(info.path),
        size_bytes=stat.st_size,
        changed_ns=stat.st_mtime_ns,
        context_tokens=model.context_tokens,
        library=f"{model.backend} {backends[info.format].version}",
        layout=f"f16 {model.whereabouts.interface}",
    )
