"""VectorCache: vectors are kept text by text, so that of a request only the texts that are missing are computed."""

import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from engine.caching import Cached, CacheTier
from engine.memory.answers.key import vector_keys
from engine.memory.answers.policy import keeps, takes
from engine.memory.answers.values import Kept, KeptVector
from engine.tasks.answer_desk import AnswerDesk, Found, Slot
from engine.tasks.flight import SharedResult
from engine.types import EmbedRequest, EmbedResult, Usage

Embed = Callable[[EmbedRequest], Awaitable[EmbedResult]]

_FARTHEST: Final = (CacheTier.MEMORY, CacheTier.DISK, CacheTier.FLIGHT)


class _Looked:
    """What a look at the cache said of a request.

    Attributes:
        keys: of its texts, in their order.
        found: what is kept, by key.
        missing: texts that are not, by key.
    """

    def __init__(self, keys: Sequence[bytes], texts: Sequence[str], found: Mapping[bytes, Found[KeptVector]]) -> None:
        self.keys = keys
        self.found = found
        self.missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}


class VectorCache:
    """Takes vectors that are known, and computes the others, once for all who ask.

    Thread: the event loop's.
    """

    def __init__(self, desk: AnswerDesk) -> None:
        self._desk = desk
        self._flights: dict[Slot, SharedResult[EmbedResult]] = {}

    async def embed(self, request: EmbedRequest, embed: Embed) -> EmbedResult:
        """Turn texts into vectors.

        Args:
            request: with the texts.
            embed: computes those that are missing.

        Raises:
            EngineError: any of the tree.
        """
        looked = await self._desk.look(lambda: self._look(request))
        if looked is None or not looked.keys:
            return await embed(request)
        saved_s = sum(found.kept.saved_s for found in looked.found.values())
        self._desk.count(request.cache, saved_s, is_hit=not looked.missing)
        vectors = {key: found.kept for key, found in looked.found.items()}
        if not looked.missing:
            return _all_known(looked, vectors)
        computed, has_joined = await self._compute(request, looked, embed)
        vectors |= _kept(looked.missing, computed)
        if len({kept.vector.shape for kept in vectors.values()}) > 1:  # a name stands for a model of another shape now
            return await embed(request)
        cached = self._desk.joined(computed.timings.total_s) if has_joined else None
        return replace(_joined(looked, vectors), timings=computed.timings, placement=computed.placement, cached=cached)

    def _look(self, request: EmbedRequest) -> _Looked:
        keys = vector_keys(self._desk.grounds.of(request.model), request)
        found: dict[bytes, Found[KeptVector]] = {}
        if takes(request.cache):
            for key in dict.fromkeys(keys):
                if (kept := self._desk.find(key, KeptVector)) is not None:
                    found[key] = kept
        return _Looked(keys, request.texts, found)

    async def _compute(self, request: EmbedRequest, looked: _Looked, embed: Embed) -> tuple[EmbedResult, bool]:
        missing = replace(request, texts=tuple(looked.missing.values()))

        async def work() -> EmbedResult:
            self._desk.check_open()
            result = await embed(missing)
            if keeps(result.placement):
                kept: Mapping[bytes, Kept] = _kept(looked.missing, result)
                self._desk.keep(lambda: kept)
            return result

        key = hashlib.sha256(b"".join(looked.missing)).digest()
        return await self._desk.share(self._flights, (key, request.urgency, request.level), request.cache, work)


def _kept(texts: Mapping[bytes, str], result: EmbedResult) -> dict[bytes, KeptVector]:
    """Each text's vector, with its share of what was computed for all of them."""
    letters = [len(text) for text in texts.values()]
    tokens, before, ends = result.usage.prompt_tokens, 0, np.cumsum(letters).tolist()
    saved_s, now = result.timings.total_s / len(letters), time.time()
    kept = {}
    for key, end, vector in zip(texts, ends, result.vectors, strict=True):
        upto = tokens * end // max(1, ends[-1])
        kept[key] = KeptVector(now, saved_s, vector, upto - before, result.timings, result.placement)
        before = upto
    return kept


def _joined(looked: _Looked, vectors: Mapping[bytes, KeptVector]) -> EmbedResult:
    """All vectors in the order of the request."""
    first = next(iter(vectors.values()))
    return EmbedResult(
        vectors=np.stack([vectors[key].vector for key in looked.keys]),
        usage=Usage(
            prompt_tokens=sum(vectors[key].tokens for key in looked.keys),
            cached_tokens=sum(vectors[key].tokens for key in looked.keys if key in looked.found),
        ),
        timings=first.timings,
        placement=first.placement,
    )


def _all_known(looked: _Looked, vectors: Mapping[bytes, KeptVector]) -> EmbedResult:
    all_said = [found.cached for found in looked.found.values()]
    cached = Cached(
        tier=max((said.tier for said in all_said), key=_FARTHEST.index),
        stored_at=min(said.stored_at for said in all_said),
        saved_s=sum(said.saved_s for said in all_said),
    )
    return replace(_joined(looked, vectors), cached=cached)
