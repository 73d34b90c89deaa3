"""Traces: who asks which model for what, and when. JSON lines, read strictly.

The first line says what there is, every other one is a request, in the order of arrival:

    {"models": {"a": {"shape": "100m", "type": "q8_0"}}, "memory_budget_bytes": 800000000}
    {"at": 0.5, "model": "a", "client": "c1", "class": "interactive", "prompt_tokens": 40, "max_tokens": 20,
     "shared_prefix": 30, "image": false}

A model has a `shape` and a `type` as `hearth bench` names them; a `seed` makes it another file of the same kind. The
shape `picture` is a classifier of random weights; requests with `"image": true` are for such a model.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine.bench.random_model import check_model
from engine.errors import InvalidRequestError
from engine.requests import Urgency

PICTURE: Final = "picture"
_LARGEST_BYTES: Final = 64 << 20
_HEAD: Final = frozenset({"models", "memory_budget_bytes"})
_MODEL: Final = {"shape": str, "type": str, "seed": int}
_ASKED: Final = {
    "at": float, "model": str, "client": str, "class": str, "prompt_tokens": int, "max_tokens": int,
    "shared_prefix": int, "image": bool,
}  # fmt: skip
_OPTIONAL: Final = frozenset({"seed", "type", "shared_prefix", "image", "client"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedModel:
    """A model of a trace.

    Attributes:
        shape: of its layers, or `picture`.
        type: of its weights; empty for a picture model.
        seed: tells models of the same shape and type apart.
    """

    shape: str
    type: str = ""
    seed: int = 0

    @property
    def takes_images(self) -> bool:
        """Whether it looks at pictures."""
        return self.shape == PICTURE


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedRequest:
    """A request of a trace.

    Attributes:
        at_s: when it arrives, from the start of the trace.
        model: its name in the trace.
        client: who asks.
        urgency: its class.
        prompt_tokens: of its prompt; of an image 1.
        max_tokens: that its answer comes to; of an image 1.
        shared_prefix: of its prompt: the first tokens that all requests of this client for this model have in common.
        is_image: whether it is a picture.
    """

    at_s: float
    model: str
    client: str = ""
    urgency: Urgency = Urgency.INTERACTIVE
    prompt_tokens: int = 1
    max_tokens: int = 1
    shared_prefix: int = 0
    is_image: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What is replayed.

    Attributes:
        models: by name.
        memory_budget_bytes: most memory that all models together may take.
        requests: by arrival.
    """

    models: Mapping[str, TracedModel]
    memory_budget_bytes: int
    requests: Sequence[TracedRequest]

    @property
    def context_tokens(self) -> int:
        """Longest prompt and answer."""
        return max((request.prompt_tokens + request.max_tokens for request in self.requests), default=1)

    @property
    def output_tokens(self) -> int:
        """Of all answers."""
        return sum(request.max_tokens for request in self.requests if not request.is_image)

    def cut(self, most: int) -> "Trace":
        """The first requests only, and the models that they need."""
        requests = tuple(self.requests[:most])
        needed = {request.model for request in requests}
        return Trace(
            models={name: model for name, model in self.models.items() if name in needed},
            memory_budget_bytes=self.memory_budget_bytes,
            requests=requests,
        )


def read_trace(path: Path) -> Trace:
    """Read a trace.

    Raises:
        InvalidRequestError: the file cannot be read, or a line is wrong; says which.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise InvalidRequestError(f"{path} has more than {_LARGEST_BYTES >> 20} MiB, too much for a trace.")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"The trace {path} cannot be read: {error}.") from error
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if len(numbered) < 2:
        raise InvalidRequestError(f"{path} holds no requests.", "The first line names the models, the others ask.")
    number, head = numbered[0]
    models, budget = _head(_object(head, path, number), path, number)
    requests: list[TracedRequest] = []
    for number, line in numbered[1:]:
        request = _request(_object(line, path, number), models, path, number)
        if requests and request.at_s < requests[-1].at_s:
            raise _wrong(path, number, "it arrives before the line above")
        requests.append(request)
    return Trace(models=models, memory_budget_bytes=budget, requests=tuple(requests))


def write_trace(path: Path, trace: Trace) -> None:
    """Write a trace as `read_trace` reads it.

    Raises:
        OSError: the file cannot be written.
    """
    models: dict[str, dict[str, object]] = {}
    for name, model in trace.models.items():
        models[name] = {"shape": model.shape}
        if model.type:
            models[name]["type"] = model.type
        if model.seed:
            models[name]["seed"] = model.seed
    lines: list[dict[str, object]] = [{"models": models, "memory_budget_bytes": trace.memory_budget_bytes}]
    lines += map(_fields, trace.requests)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


def _fields(request: TracedRequest) -> dict[str, object]:
    return {
        "at": round(request.at_s, 3),
        "model": request.model,
        "client": request.client,
        "class": str(request.urgency),
        "prompt_tokens": request.prompt_tokens,
        "max_tokens": request.max_tokens,
        "shared_prefix": request.shared_prefix,
        "image": request.is_image,
    }


def _head(fields: Mapping[str, Any], path: Path, number: int) -> tuple[dict[str, TracedModel], int]:
    if fields.keys() != _HEAD:
        raise _wrong(path, number, "the first line has `models` and `memory_budget_bytes`, and nothing else")
    budget, table = fields["memory_budget_bytes"], fields["models"]
    if type(budget) is not int or budget < 1:
        raise _wrong(path, number, "`memory_budget_bytes` is a whole number above 0")
    if not isinstance(table, dict) or not table:
        raise _wrong(path, number, "`models` names at least one model")
    models: dict[str, TracedModel] = {}
    for name, facts in table.items():
        if not isinstance(facts, dict):
            raise _wrong(path, number, f"model {name!r} needs a `shape` and a `type`")
        _check(facts, _MODEL, path, number)
        models[name] = TracedModel(**facts)
        try:
            if not models[name].takes_images:
                check_model(models[name].shape, models[name].type)
        except InvalidRequestError as error:
            raise _wrong(path, number, f"model {name!r}: {error.cause.rstrip('.')}") from error
    return models, budget


def _request(fields: Mapping[str, Any], models: Mapping[str, TracedModel], path: Path, number: int) -> TracedRequest:
    _check(fields, _ASKED, path, number)
    model = models.get(fields["model"])
    if model is None:
        raise _wrong(path, number, f"there is no model {fields['model']!r} in the first line")
    is_image = fields.get("image", False)
    if model.takes_images != is_image:
        raise _wrong(path, number, f"model {fields['model']!r} takes {'pictures' if model.takes_images else 'text'}")
    try:
        urgency = Urgency(fields["class"])
    except ValueError:
        raise _wrong(path, number, f"`class` is one of {', '.join(Urgency)}") from None
    at_s, shared = float(fields["at"]), fields.get("shared_prefix", 0)
    if not (math.isfinite(at_s) and at_s >= 0):
        raise _wrong(path, number, "`at` is seconds from the start, 0 or more")
    if fields["prompt_tokens"] < 1 or fields["max_tokens"] < 1:
        raise _wrong(path, number, "`prompt_tokens` and `max_tokens` are at least 1")
    if not 0 <= shared <= fields["prompt_tokens"]:
        raise _wrong(path, number, "`shared_prefix` is a part of `prompt_tokens`")
    return TracedRequest(
        at_s=at_s,
        model=fields["model"],
        client=fields.get("client", ""),
        urgency=urgency,
        prompt_tokens=fields["prompt_tokens"],
        max_tokens=fields["max_tokens"],
        shared_prefix=shared,
        is_image=is_image,
    )


def _object(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise _wrong(path, number, f"it is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise _wrong(path, number, "it is not a JSON object")
    return fields


def _check(fields: Mapping[str, Any], types: Mapping[str, type], path: Path, number: int) -> None:
    """Refuse fields that are unknown, missing or of the wrong type."""
    for name, value in fields.items():
        wanted = types.get(name)
        if wanted is None:
            raise _wrong(path, number, f"there is no field {name!r}")
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise _wrong(path, number, f"`{name}` is a {_TYPES[wanted]}")
    for name in types:
        if name not in fields and name not in _OPTIONAL:
            raise _wrong(path, number, f"`{name}` is missing")


_TYPES: Final = {float: "number", str: "text", int: "whole number", bool: "true or false"}


def _wrong(path: Path, number: int, why: str) -> InvalidRequestError:
    return InvalidRequestError(f"{path}, line {number}: {why}.")
