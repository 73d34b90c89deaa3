"""Which weights stay and which stream."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bench.random_model import write_random_gguf
from engine.models.gguf import read_header
from engine.models.gguf_writer import TensorSpec, WeightType, write_gguf
from engine.models.page_plan import BUFFERS, PAGE_BYTES, PagePlan, Span, WeightLayout, layout_of, least_plan, plan_pages

MB = 1 << 20


@st.composite
def layouts(draw: st.DrawFn) -> WeightLayout:
    sizes = draw(st.lists(st.integers(1, 3 * MB), min_size=2, max_size=12))
    position = draw(st.integers(0, 100_000))
    others = [Span(0, position, position + draw(st.integers(1, MB)))]
    position = others[0].end
    layers = []
    for size in sizes:
        position += draw(st.integers(0, 64))
        layers.append(Span(0, position, position + size))
        position += size
    return WeightLayout((Path("m"),), tuple(layers), tuple(others), ())


def covered(plan: PagePlan) -> list[Span]:
    return sorted([*plan.pinned, *(chunk for chunk in plan.chunks if chunk is not None)])


def is_covered(span: Span, by: list[Span]) -> bool:
    position = span.start
    for part in by:
        if part.start <= position < part.end:
            position = part.end
    return position >= span.end


@given(layouts(), st.integers(0, 48 * MB))
def test_a_plan_keeps_within_its_room_and_loses_nothing(layout: WeightLayout, room: int):
    plan = plan_pages(layout, room)
    if plan is None:
        return
    assert plan.memory_bytes <= room
    spans = covered(plan)
    assert all(first.end <= second.start for first, second in pairwise(spans))
    assert all(is_covered(span, spans) for span in (*layout.layers, *layout.others))
    assert all(span.start % PAGE_BYTES == 0 and span.end % PAGE_BYTES == 0 for span in spans)
    for layer, chunk in zip(layout.layers, plan.chunks, strict=True):
        if chunk is not None:
            assert chunk.size_bytes == plan.chunk_bytes
            assert layer.start <= chunk.start
            assert chunk.end <= layer.end
    streamed = [chunk for chunk in plan.chunks if chunk is not None]
    assert len(streamed) != 1
    assert plan.buffers == (min(BUFFERS, len(streamed) - 1) if streamed else 0)


@given(layouts(), st.integers(0, 48 * MB), st.integers(0, 8 * MB))
def test_more_room_never_streams_more(layout: WeightLayout, room: int, more: int):
    smaller, larger = plan_pages(layout, room), plan_pages(layout, room + more)
    if smaller is None:
        return
    assert larger is not None
    assert larger.streamed_bytes <= smaller.streamed_bytes


def test_with_room_for_all_nothing_streams():
    layout = WeightLayout((Path("m"),), (Span(0, 0, MB), Span(0, MB, 2 * MB)), (), ())
    plan = plan_pages(layout, 2 * MB)
    assert plan is not None
    assert (plan.streamed_bytes, plan.buffer_bytes, plan.pinned_bytes) == (0, 0, 2 * MB)


def test_equal_layers_give_chunks_that_are_as_short_as_room_allows():
    layers = tuple(Span(0, start * MB, (start + 1) * MB) for start in range(32))
    plan = plan_pages(WeightLayout((Path("m"),), layers, (), ()), 24 * MB)
    assert plan is not None
    assert plan.buffers == BUFFERS
    # pinned + buffers = 32 (1 - c) + 3 c = 24, so c = 8/29
    assert plan.chunk_bytes == pytest.approx(8 / 29 * MB, abs=PAGE_BYTES)


def test_too_little_room_gives_no_plan():
    layers = tuple(Span(0, start * MB, (start + 1) * MB) for start in range(8))
    assert plan_pages(WeightLayout((Path("m"),), layers, (Span(0, 8 * MB, 9 * MB),), ()), 3 * MB) is None


def test_of_a_file_layers_head_and_tables_are_told_apart(tmp_path: Path):
    path = tmp_path / "m.gguf"
    write_random_gguf(path, "tiny", "q8_0")
    tensors = {tensor.name: tensor for tensor in read_header(path).tensors}
    layout = layout_of(path)
    assert layout is not None
    assert layout.files == (path,)
    assert len(layout.layers) == 2
    embedding, head = tensors["token_embd.weight"], tensors["output.weight"]
    assert layout.looked_up == (Span(0, embedding.offset, embedding.offset + embedding.size_bytes),)
    assert Span(0, head.offset, head.offset + head.size_bytes) in layout.others
    total = sum(span.size_bytes for span in (*layout.layers, *layout.others, *layout.looked_up))
    assert total == pytest.approx(path.stat().st_size, rel=0.05)


@given(layouts())
def test_the_least_plan_is_what_is_made_of_the_least_room(layout: WeightLayout):
    least = least_plan(layout)
    assert plan_pages(layout, least.memory_bytes) is not None
    assert plan_pages(layout, least.memory_bytes - 1) is None


def written(path: Path, *names: str, **metadata: int) -> Path:
    tensors = [TensorSpec(name, (64, 64), WeightType.F32) for name in names]
    with path.open("wb") as stream:
        known = {"general.architecture": "llama", "llama.block_count": 2, **metadata}
        write_gguf(stream, known, tensors, lambda tensor: [bytes(tensor.size_bytes)])
    return path


LAYERS = ("blk.0.attn_q.weight", "blk.1.attn_q.weight")


def test_an_embedding_that_is_the_head_as_well_is_needed_in_every_step(tmp_path: Path):
    tied = layout_of(written(tmp_path / "tied.gguf", "token_embd.weight", *LAYERS))
    apart = layout_of(written(tmp_path / "apart.gguf", "token_embd.weight", "output.weight", *LAYERS))
    assert tied is not None
    assert apart is not None
    assert (len(tied.others), len(tied.looked_up)) == (1, 0)
    assert (len(apart.others), len(apart.looked_up)) == (1, 1)


@pytest.mark.parametrize("head", [(), ("output.weight",)])
def test_layers_and_head_may_be_in_different_files(tmp_path: Path, head: tuple[str, ...]):
    first, second = (tmp_path / f"m-0000{number}-of-00002.gguf" for number in (1, 2))
    split = {"split.count": 2}
    written(first, "token_embd.weight", LAYERS[0], **split, **{"split.no": 0})
    written(second, LAYERS[1], *head, **split, **{"split.no": 1})
    layout = layout_of(first)
    assert layout is not None
    assert layout.files == (first, second)
    assert [span.file for span in layout.layers] == [0, 1]
    assert [span.file for span in layout.others] == ([1] if head else [0])
    assert len(layout.looked_up) == len(head)
