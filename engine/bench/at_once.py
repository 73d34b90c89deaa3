"""Text and pictures: all on one device, one after the other, against both at once on two lanes.

How much work is done per second is told by what the same work would have taken in turn:

    gain = (tokens / tokens_per_s_alone + images / images_per_s_alone) / seconds at once

with the single device that would be done first. One lane that is kept waiting by the other shows as a gain below 1.
"""

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import numpy as np
from PIL import Image

from engine.backends.onnx.measuring import GraphSize, write_measured_graph
from engine.bench.measure import GREEDY, BenchOptions, letters
from engine.bench.random_model import cached_random_model
from engine.devices.calibrate import LLAMA
from engine.devices.probe import is_software
from engine.engine import Engine
from engine.errors import EngineError
from engine.hardware import DeviceInfo, DeviceKind
from engine.types import GenerateRequest, RecognizeRequest, TextDelta

ONNX: Final = "onnxruntime"
AUTOMATIC: Final = ""
_PROMPT_TOKENS: Final = 16
_TOKENS: Final = 4000  # more than are written before the time is up
_IMAGES_AT_ONCE: Final = 4
_PICTURE: Final = GraphSize(side=64, channels=64, layers=6)

Where = tuple[str, str]
"""Devices for text and for pictures."""


@dataclass(slots=True)
class Sides:
    """What was measured, per round.

    Attributes:
        tokens_per_s: by device, alone.
        images_per_s: by device, alone.
        at_once: by devices: tokens per second and images per second.
    """

    tokens_per_s: dict[str, list[float]] = field(default_factory=dict)
    images_per_s: dict[str, list[float]] = field(default_factory=dict)
    at_once: dict[Where, list[tuple[float, float]]] = field(default_factory=dict)

    def gain(self, where: Where) -> float | None:
        """Work done per second at once, against the best single device; None if no device can do both."""
        single = [device for device in self.tokens_per_s if device in self.images_per_s]
        if not single or not self.at_once.get(where):
            return None
        return median(
            min(tokens / self.tokens_per_s[device][number] + images / self.images_per_s[device][number]
                for device in single)
            for number, (tokens, images) in enumerate(self.at_once[where])
        )  # fmt: skip


async def compare(options: BenchOptions) -> tuple[Sides, Sequence[DeviceInfo]]:
    """Measure all devices alone and together, in turns; returns what was found, and the devices that were used.

    Raises:
        EngineError: text or pictures do not run on the processor.
    """
    text = cached_random_model(options.folder, options.shape or "1b", options.kind)
    model, image = picture_model(options.folder), picture()
    limit_s, rounds = (0.3, 1) if options.quick else (4.0, 3)
    sides = Sides()
    async with Engine(options.config) as engine:
        devices = [device for device in await engine.find_devices() if device.is_usable]
        workload = _Workload(engine, str(text), str(model), image, limit_s)
        able = {
            backend: await workload.able(backend, [device.id for device in devices if device.route(backend)])
            for backend in (LLAMA, ONNX)
        }
        pairs = [*product(able[LLAMA], able[ONNX]), (AUTOMATIC, AUTOMATIC)]
        for _ in range(rounds):
            for device in able[LLAMA]:
                tokens, _ = await workload.run(device, None)
                sides.tokens_per_s.setdefault(device, []).append(tokens)
            for device in able[ONNX]:
                _, images = await workload.run(None, device)
                sides.images_per_s.setdefault(device, []).append(images)
            for pair in pairs:
                sides.at_once.setdefault(pair, []).append(await workload.run(*pair))
    return sides, devices


def figures(sides: Sides, devices: Sequence[DeviceInfo]) -> tuple[dict[str, float | None], dict[str, Sequence[float]]]:
    """Figures and samples for the report.

    `combined_gain`, which has a target, is what the dispatcher itself reaches, and is there only where two devices
    are: a driver that computes on the processor is none, nor is a server on the same machine.
    """
    found: dict[str, float | None] = {}
    samples: dict[str, Sequence[float]] = {}
    for device, values in sides.tokens_per_s.items():
        found[f"tokens_per_s_{device}"], samples[f"tokens_per_s_{device}"] = median(values), values
    for device, values in sides.images_per_s.items():
        found[f"images_per_s_{device}"], samples[f"images_per_s_{device}"] = median(values), values
    real = [device for device in devices if is_real(device)]
    for where, pairs in sides.at_once.items():
        if where == (AUTOMATIC, AUTOMATIC):
            name = "dispatcher"
            if len(real) > 1:
                found["combined_gain"] = sides.gain(where)
        else:
            name = "+".join(where)
        samples[f"tokens_per_s_at_once_{name}"] = [tokens for tokens, _ in pairs]
        samples[f"images_per_s_at_once_{name}"] = [images for _, images in pairs]
        found[f"tokens_per_s_at_once_{name}"] = median(tokens for tokens, _ in pairs)
        found[f"images_per_s_at_once_{name}"] = median(images for _, images in pairs)
        found[f"combined_gain_{name}"] = sides.gain(where)
    return found, samples


def is_real(device: DeviceInfo) -> bool:
    """Whether it computes with something of its own."""
    is_server = any(route.interface == "RPC" for route in device.routes)
    return device.kind is DeviceKind.CPU or not (is_server or is_software(device.name))


@dataclass(frozen=True, slots=True)
class _Workload:
    """Text and pictures without end, for a limited time."""

    engine: Engine
    text: str
    picture_model: str
    picture: bytes
    limit_s: float

    async def able(self, backend: str, devices: Sequence[str]) -> list[str]:
        """The devices that can do their part; the models are loaded there, and warm, afterwards.

        Raises:
            EngineError: the processor cannot.
        """
        found = []
        for device in devices:
            try:
                if backend == LLAMA:
                    await self._write(device, perf_counter(), 0)
                else:
                    await self._recognize(device)
            except EngineError:
                if device == "cpu":
                    raise
                continue
            found.append(device)
        return found

    async def run(self, text_on: str | None, pictures_on: str | None) -> tuple[float, float]:
        """Do both on these devices, or only one; returns tokens per second and images per second."""
        until_s = perf_counter() + self.limit_s
        began_s = perf_counter()
        work = [self._write(text_on, until_s, 1)] if text_on is not None else []
        if pictures_on is not None:
            work += [self._recognize_until(pictures_on, until_s) for _ in range(_IMAGES_AT_ONCE)]
        done = await asyncio.gather(*work)
        seconds = perf_counter() - began_s
        tokens = done.pop(0) if text_on is not None else 0
        return tokens / seconds, sum(done) / seconds

    async def _write(self, device: str, until_s: float, salt: int) -> int:
        """Let the text model write until the time is up; returns tokens."""
        request = GenerateRequest(
            model=self.text, prompt=letters(_PROMPT_TOKENS, salt), sampling=GREEDY, max_tokens=_TOKENS, device=device
        )
        tokens = 0
        events = self.engine.generate(request)
        try:
            async for event in events:
                if isinstance(event, TextDelta):
                    tokens += event.token_count
                    if perf_counter() >= until_s:
                        break
        finally:
            await events.aclose()
        return tokens

    async def _recognize_until(self, device: str, until_s: float) -> int:
        """Recognise one picture after the other until the time is up; returns how many."""
        images = 0
        while perf_counter() < until_s:
            await self._recognize(device)
            images += 1
        return images

    async def _recognize(self, device: str) -> None:
        await self.engine.recognize(RecognizeRequest(model=self.picture_model, image=self.picture, device=device))


def picture_model(folder: Path) -> Path:
    """A classifier of random weights, in the cache folder."""
    path = folder / "random-picture.onnx"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        write_measured_graph(path, _PICTURE)
    path.with_suffix(".json").write_text('{"task": "classification"}', encoding="utf-8")
    return path


def picture() -> bytes:
    """A picture of the graph's own size, so that little else than the graph takes time."""
    pixels = np.random.default_rng(0).integers(0, 256, (_PICTURE.side, _PICTURE.side, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "BMP")
    return stream.getvalue()
