from urllib.parse import parse_qs, urlsplit

import pytest

from engine.errors import InvalidRequestError
from engine.finds import HubQuery, Sort
from engine.footprint import Fit
from engine.tasks.hub_desk import HubDesk
from tests.engine.hub.conftest import MakeDesk
from tests.engine.hub.hub_server import HubServer, Repo


def gguf(parameters: float, *kinds: str, **settings: object) -> Repo:
    files = {f"m-{kind}.gguf": b"GGUF" for kind in kinds}
    said = {"total": int(parameters), "architecture": "llama", "context_length": 8192}
    return Repo(**{"files": files, "gguf": said, "tags": ("conversational",), **settings})  # type: ignore[arg-type]


@pytest.fixture
def hub(hub: HubServer) -> HubServer:
    """A hub with models of several kinds."""
    hub.repos = {
        "a/large-GGUF": gguf(70e9, "Q4_K_M", "Q8_0", downloads=900, likes=1),
        "a/small-GGUF": gguf(1e9, "Q4_K_M", "Q8_0", downloads=500, likes=90, modified="2026-05-01T00:00:00.000Z"),
        "a/coder-GGUF": gguf(1e9, "Q4_K_M", downloads=400, tags=("code",), licence="mit"),
        "a/vectors-GGUF": gguf(0.1e9, "F16", downloads=300, pipeline_tag="feature-extraction", tags=()),
        "b/eyes": Repo(
            files={"onnx/model.onnx": b"", "onnx/model_quantized.onnx": b"", "config.json": b"{}"},
            pipeline_tag="image-classification",
            downloads=200,
        ),
        "b/weights": Repo(files={"model.safetensors": b""}, downloads=10_000),
    }
    return hub


def names(desk: HubDesk, **query: object) -> list[str]:
    return [model.repo for model in desk.search(HubQuery(**query))]  # type: ignore[arg-type]


@pytest.mark.usefixtures("hub")
def test_only_what_can_be_run_is_found_in_the_order_that_was_asked_for(desk: HubDesk) -> None:
    assert names(desk) == ["a/large-GGUF", "a/small-GGUF", "a/coder-GGUF", "a/vectors-GGUF", "b/eyes"]
    assert names(desk, sort=Sort.LIKES)[0] == "a/small-GGUF"
    assert names(desk, sort=Sort.NEWEST)[0] == "a/small-GGUF"
    assert names(desk, limit=2) == ["a/large-GGUF", "a/small-GGUF"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"text": "coder"}, ["a/coder-GGUF"]),
        ({"format": "onnx"}, ["b/eyes"]),
        ({"format": "gguf", "task": "classify"}, []),
        ({"task": "classify"}, ["b/eyes"]),
        ({"task": "classification"}, ["b/eyes"]),
        ({"task": "embed"}, ["a/vectors-GGUF"]),
        ({"task": "code"}, ["a/coder-GGUF"]),
        ({"licence": "MIT"}, ["a/coder-GGUF"]),
        ({"quantization": "q8_0"}, ["a/large-GGUF", "a/small-GGUF"]),
        ({"quantization": "int8"}, ["b/eyes"]),
        ({"most_bytes": 700_000_000}, ["a/small-GGUF", "a/coder-GGUF", "a/vectors-GGUF"]),
        ({"most_bytes": 300_000_000}, ["a/vectors-GGUF"]),
        ({"text": "nothing like this"}, []),
    ],
)
@pytest.mark.usefixtures("hub")
def test_filters(desk: HubDesk, query: dict[str, object], found: list[str]) -> None:
    assert names(desk, **query) == found


@pytest.mark.usefixtures("hub")
def test_what_does_not_fit_this_machine_is_left_out_if_asked(make_desk: MakeDesk) -> None:
    desk = make_desk(memory_budget_bytes=3_000_000_000)
    found = {model.repo: model for model in desk.search(HubQuery(fits_only=True))}
    assert {"a/small-GGUF", "a/vectors-GGUF"} <= found.keys()
    assert "a/large-GGUF" not in found
    assert all(file.fit in {Fit.FITS, Fit.PAGING} for model in found.values() for file in model.files)


@pytest.mark.usefixtures("hub")
def test_sizes_in_a_list_are_about_and_say_so(desk: HubDesk) -> None:
    small = desk.search(HubQuery(text="small"))[0]
    assert [file.quantization for file in small.files] == ["Q4_K_M", "Q8_0"]
    assert [file.size_bytes for file in small.files] == [610_000_000, 1_100_000_000]
    assert all(file.sha256 == () for file in small.files)
    assert (small.parameters, small.context_tokens, small.tasks) == (1_000_000_000, 8192, ("chat",))
    assert small.recommended


def test_as_little_as_possible_is_asked_for(desk: HubDesk, hub: HubServer) -> None:
    desk.search(HubQuery(text="small", format="gguf", limit=7))
    (request,) = hub.seen
    query = parse_qs(urlsplit(request.target).query)
    assert query["limit"] == ["7"]
    assert query["filter"] == ["gguf"]
    assert query["search"] == ["small"]


@pytest.mark.parametrize(
    "query", [{"task": "dance"}, {"format": "pickle"}, {"limit": 0}, {"limit": 101}], ids=lambda query: str(query)
)
def test_a_query_that_makes_no_sense_is_refused(desk: HubDesk, hub: HubServer, query: dict[str, object]) -> None:
    with pytest.raises(InvalidRequestError):
        names(desk, **query)
    assert hub.seen == []
