"""The circle of chunks, with a real file and real memory, and layers that only look at their weights."""

import ctypes
import mmap
import os
import random
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.backends.llama.paging.mappings import mapped_at
from engine.backends.llama.paging.pager import Pager
from engine.backends.llama.paging.posix import PosixPages
from engine.errors import EngineError
from engine.models.page_plan import PagePlan, Span, WeightLayout, plan_pages

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what can be laid over a mapping was run on Linux only")

LAYERS, LAYER_BYTES = 12, 100_000


@dataclass
class Model:
    """A file that is mapped, and a pager behind it."""

    path: Path
    base: int
    layout: WeightLayout
    content: bytes
    pager: Pager

    def sweep(self, tokens: int = 1) -> None:
        """One step: every layer finds exactly its bytes."""
        self.pager.begin_step()
        for number, layer in enumerate(self.layout.layers):
            assert ctypes.string_at(self.base + layer.start, layer.size_bytes) == self.content[layer.start : layer.end]
            if self.pager.watches(number):
                assert self.pager.reached(number)
        self.pager.end_step()
        self.pager.meter.note_tokens(tokens)


@pytest.fixture
def layout(tmp_path: Path) -> WeightLayout:
    position = 777
    layers = []
    for _ in range(LAYERS):
        layers.append(Span(0, position, position + LAYER_BYTES))
        position += LAYER_BYTES + 32
    return WeightLayout((tmp_path / "weights",), tuple(layers), (Span(0, position, position + 5_000),), ())


def opened(layout: WeightLayout, room: int) -> Iterator[Model]:
    path = layout.files[0]
    content = random.Random(7).randbytes(layout.others[-1].end + 50)
    path.write_bytes(content)
    with path.open("rb") as stream:
        view = mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ)
    (base,) = mapped_at(path)
    plan = plan_pages(layout, room)
    assert plan is not None
    pager = Pager(plan, PosixPages(layout.files, {0: base}))
    assert pager.pin(lambda _fraction: True)
    pager.start()
    yield Model(path, base, layout, content, pager)
    pager.close()
    view.close()


@pytest.fixture(params=[700_000, 900_000, 1_150_000])
def model(request: pytest.FixtureRequest, layout: WeightLayout) -> Iterator[Model]:
    yield from opened(layout, request.param)


def test_every_layer_finds_its_weights_in_every_step(model: Model):
    for _ in range(20):
        model.sweep()
    info = model.pager.meter.info()
    assert info.streamed_bytes == model.pager.plan.streamed_bytes > 0
    # What was read ahead for the next step counts as well, in the step in which it was read.
    assert info.bytes_per_token == pytest.approx(info.streamed_bytes, rel=0.25)
    assert info.sweep_s > 0
    assert info.tokens_per_s > 0


def test_several_tokens_share_a_step(model: Model):
    for _ in range(20):
        model.sweep(tokens=4)
    info = model.pager.meter.info()
    assert info.bytes_per_token == pytest.approx(info.streamed_bytes / 4, rel=0.25)


def test_no_more_chunks_than_buffers_are_in_memory(model: Model):
    for _ in range(3):
        model.sweep()
    model.pager.begin_step()  # now all buffers are filled or about to be
    deadline = time.monotonic() + 10
    while len(model.pager._ready) < model.pager.plan.buffers and time.monotonic() < deadline:
        time.sleep(0.001)  # while one is on its way it may be seen at both places
    assert held(model) == model.pager.plan.buffers


def held(model: Model) -> int:
    chunks = [chunk for chunk in model.pager.plan.chunks if chunk is not None]
    return sum(any(ctypes.string_at(model.base + chunk.start, chunk.size_bytes)) for chunk in chunks)


def test_a_disk_that_fails_ends_the_step_with_a_sentence(model: Model):
    def step_blindly() -> None:
        model.pager.begin_step()
        for number in range(LAYERS):
            if model.pager.watches(number):
                model.pager.reached(number)
        model.pager.end_step()

    model.sweep()
    os.truncate(model.path, 0)
    steps = [step_blindly] * 3  # some chunks may have come before
    with pytest.raises(EngineError, match=r"cannot be read: .*shorter.* Check the disk"):
        [step() for step in steps]


def test_closing_ends_the_threads_whatever_they_do(layout: WeightLayout):
    for model in opened(layout, 700_000):
        model.pager.begin_step()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("hearth-pages")]


def test_pinning_can_be_cancelled(layout: WeightLayout, tmp_path: Path):
    for model in opened(layout, 900_000):
        other = Pager(model.pager.plan, PosixPages(layout.files, {0: model.base}))
        model.pager.close()
        assert not other.pin(lambda _fraction: False)
        other.close()


def test_only_layers_beside_a_chunk_are_watched():
    chunks = (None, Span(0, 0, 4096), None, None, Span(0, 8192, 12288))
    plan = PagePlan((), chunks, 4096, 1)
    pager = Pager(plan, PosixPages([], {}))
    assert [pager.watches(layer) for layer in range(5)] == [True, True, False, True, True]
    pager.close()
