"""Keys of answers: SHA-256 over everything that can change an answer, written down in one way only.

Why of the request and not of the tokens that it is rendered to: tokens need the loaded model, and a hit needs none.
What renders them is in the key all the same: the model's file, the inference library, the plugins that serve it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any, Final

import msgspec

from engine.requests import EmbedRequest, GenerateRequest, RecognizeRequest, Sampling

FORMAT: Final = 1
"""Version of the keys and of the values. A later one finds nothing of an earlier one, and leaves it to grow old."""

NOT_IN_KEY: Final = frozenset({"model", "urgency", "client", "title", "level", "deadline_s", "cache"})
"""Fields of requests that cannot change an answer. The model counts by what is in its file. Any other field counts,
so that a new one cannot be forgotten."""


@dataclass(frozen=True, slots=True)
class ServingPlugin:
    """A plugin that renders or reads for a model: its id, its version, the digest of its files, its settings."""

    id: str
    version: str = ""
    digest: str = ""
    settings: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ModelGround:
    """What a model's answers rest on.

    Attributes:
        fingerprint: of its files.
        library: what runs it, with its version.
        plugins: that serve it.
        sampling: what its author recommends.
    """

    fingerprint: bytes
    library: str
    plugins: tuple[ServingPlugin, ...]
    sampling: Sampling


@dataclass(frozen=True, slots=True)
class Ground:
    """What answers rest on, beside the request.

    Attributes:
        models: every model that the name in the request may stand for; one of them will answer.
        context_tokens: of the settings.
        program: version of Hearth, which renders prompts too.
    """

    models: tuple[ModelGround, ...]
    context_tokens: int
    program: str = ""

    def samplings(self, request: GenerateRequest) -> Sequence[Sampling]:
        """How tokens would be drawn, for each model that may answer."""
        return [model.sampling if request.sampling is None else request.sampling for model in self.models]


def text_key(ground: Ground, request: GenerateRequest) -> bytes:
    """Key of an answer.

    Raises:
        TypeError, ValueError: something in the request cannot be written down, so it has no key.
    """
    samplings = [_sampling(it) for it in ground.samplings(request)]
    return _digest(["text", _plain_ground(ground), samplings, _facts(request, NOT_IN_KEY | {"sampling"})])


def image_key(ground: Ground, request: RecognizeRequest, image: bytes) -> bytes:
    """Key of what is seen in an image.

    Args:
        ground: what the answer rests on.
        request: what is asked.
        image: digest of the image's file.

    Raises:
        TypeError, ValueError: as above.
    """
    return _digest(["image", _plain_ground(ground), image, _facts(request, NOT_IN_KEY | {"image"})])


def vector_keys(ground: Ground, request: EmbedRequest) -> list[bytes]:
    """Key of each text's vector, in their order.

    Raises:
        TypeError, ValueError: as above.
    """
    common = _written(["vector", _plain_ground(ground), _facts(request, NOT_IN_KEY | {"texts"})])
    beginning = hashlib.sha256(common)
    keys = []
    for text in request.texts:
        digest = beginning.copy()
        digest.update(_written(text))
        keys.append(digest.digest())
    return keys


def _plain_ground(ground: Ground) -> object:
    models = [[it.fingerprint, it.library, it.plugins] for it in ground.models]
    return [FORMAT, ground.program, ground.context_tokens, models]


def _facts(request: object, left_out: frozenset[str]) -> object:
    """Fields by name. A mapping keeps its order: that of a schema is the order in which the model reads it."""
    assert isinstance(request, GenerateRequest | RecognizeRequest | EmbedRequest)
    return [[it.name, getattr(request, it.name)] for it in fields(request) if it.name not in left_out]


def _sampling(sampling: Sampling) -> object:
    facts: list[object] = []
    for it in fields(sampling):
        value = getattr(sampling, it.name)
        if it.name == "logit_bias":  # here the order says nothing
            value = sorted((int(token), float(bias)) for token, bias in value.items())
        elif it.type is float:  # 0 and 0.0 ask for the same
            value = float(value)
        facts.append([it.name, value])
    return facts


def _digest(value: object) -> bytes:
    return hashlib.sha256(_written(value)).digest()


def _written(value: object) -> bytes:
    """Bytes that no other value has: msgpack says of every part how long it is, and of what kind."""
    return msgspec.msgpack.encode(value, enc_hook=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    raise TypeError(f"{type(value).__name__} cannot be part of a key")
