"""Traces: what is read, what is refused, and what ships."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bench.random_traces import BUDGET_BYTES, MACHINE, random_trace
from engine.bench.traces import Trace, TracedModel, TracedRequest, read_trace, write_trace
from engine.errors import InvalidRequestError
from engine.requests import Urgency

SHIPPED = Path(__file__).resolve().parents[2] / "benchmarks" / "traces"
HEAD = {"models": {"a": {"shape": "100m", "type": "q8_0"}, "p": {"shape": "picture"}}, "memory_budget_bytes": 10}
ASKED = {"at": 0.5, "model": "a", "client": "c", "class": "batch", "prompt_tokens": 9, "max_tokens": 3}


def written(path: Path, *lines: object) -> Path:
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    return path


def test_a_trace_is_read(tmp_path):
    image = {"at": 2, "model": "p", "class": "normal", "prompt_tokens": 1, "max_tokens": 1, "image": True}
    path = written(tmp_path / "t", HEAD, ASKED, "", {**ASKED, "at": 1, "shared_prefix": 4}, image)
    trace = read_trace(path)
    assert trace.models == {"a": TracedModel(shape="100m", type="q8_0"), "p": TracedModel(shape="picture")}
    assert trace.memory_budget_bytes == 10
    first, second, third = trace.requests
    assert first == TracedRequest(at_s=0.5, model="a", client="c", urgency=Urgency.BATCH, prompt_tokens=9, max_tokens=3)
    assert (second.shared_prefix, third.is_image, third.client) == (4, True, "")
    assert (trace.context_tokens, trace.output_tokens) == (12, 6)
    assert trace.cut(1).models.keys() == {"a"}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((HEAD,), "holds no requests"),
        (("{", ASKED), "line 1: it is not JSON"),
        (("[]", ASKED), "line 1: it is not a JSON object"),
        (({"models": {}}, ASKED), "line 1: the first line has `models` and `memory_budget_bytes`"),
        (({**HEAD, "models": {}}, ASKED), "names at least one model"),
        (({**HEAD, "memory_budget_bytes": 0}, ASKED), "`memory_budget_bytes` is a whole number above 0"),
        (({**HEAD, "models": {"a": 1}}, ASKED), "model 'a' needs a `shape`"),
        (({**HEAD, "models": {"a": {"shape": "2b", "type": "q8_0"}}}, ASKED), "line 1: model 'a': There is no shape"),
        (({**HEAD, "models": {"a": {"shape": "1b", "size": 1}}}, ASKED), "there is no field 'size'"),
        ((HEAD, {**ASKED, "model": "b"}), "line 2: there is no model 'b'"),
        ((HEAD, {**ASKED, "class": "soon"}), "`class` is one of interactive, normal, batch"),
        ((HEAD, {**ASKED, "at": "0"}), "line 2: `at` is a number"),
        ((HEAD, {**ASKED, "at": -1}), "`at` is seconds from the start"),
        ((HEAD, {**ASKED, "max_tokens": True}), "`max_tokens` is a whole number"),
        ((HEAD, {**ASKED, "max_tokens": 0}), "at least 1"),
        ((HEAD, {**ASKED, "shared_prefix": 10}), "`shared_prefix` is a part of"),
        ((HEAD, {**ASKED, "image": True}), "model 'a' takes text"),
        ((HEAD, {**ASKED, "model": "p"}), "model 'p' takes pictures"),
        ((HEAD, {"at": 0}), "`model` is missing"),
        ((HEAD, ASKED, {**ASKED, "at": 0.1}), "line 3: it arrives before the line above"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, lines, said):
    with pytest.raises(InvalidRequestError) as caught:
        read_trace(written(tmp_path / "t", *lines))
    assert said in caught.value.cause
    assert caught.value.cause.count("\n") == 0


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InvalidRequestError, match="cannot be read"):
        read_trace(tmp_path / "none")


requests = st.builds(
    TracedRequest,
    at_s=st.integers(0, 10**6).map(lambda number: number / 1000),
    model=st.just("a"),
    client=st.text(max_size=4),
    urgency=st.sampled_from(Urgency),
    prompt_tokens=st.integers(5, 999),
    max_tokens=st.integers(1, 999),
    shared_prefix=st.integers(0, 5),
)


@settings(deadline=None)
@given(asked=st.lists(requests, min_size=1, max_size=5), seed=st.integers(0, 3))
def test_what_is_written_is_read_again(asked, seed, tmp_path_factory):
    asked.sort(key=lambda request: request.at_s)
    trace = Trace(
        models={"a": TracedModel(shape="1b", type="q4_k_m", seed=seed), "p": TracedModel(shape="picture")},
        memory_budget_bytes=5,
        requests=tuple(asked),
    )
    path = tmp_path_factory.getbasetemp() / "written.jsonl"
    write_trace(path, trace)
    assert read_trace(path) == trace


@pytest.mark.parametrize("name", ["office_hour", "burst", "flood"])
def test_traces_that_ship_are_sound(name):
    trace = read_trace(SHIPPED / f"{name}.jsonl")
    assert len(trace.requests) > 50
    assert len({request.client for request in trace.requests}) >= 3
    assert {request.model for request in trace.requests} == set(trace.models)


def test_random_traces_depend_on_their_seed_alone():
    assert random_trace(3, 1.0) == random_trace(3, 1.0)
    assert random_trace(3, 1.0) != random_trace(4, 1.0)


@pytest.mark.parametrize("flood", [0.0, 0.5])
def test_random_traces_have_the_load_that_they_are_asked_for(flood):
    trace = random_trace(1, load=2.0, duration_s=200.0, flood=flood)
    work_s = sum(MACHINE.alone_s(request) for request in trace.requests)
    assert work_s == pytest.approx(400.0, rel=0.2)
    flooded_s = sum(MACHINE.alone_s(request) for request in trace.requests if request.client == "flood")
    assert flooded_s == pytest.approx(400.0 * flood, rel=0.2)
    assert sum(rates.size_bytes for rates in MACHINE.models.values()) > BUDGET_BYTES
