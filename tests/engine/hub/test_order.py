import json
from collections import namedtuple
from pathlib import Path

import pytest

from engine.background import JobKind
from engine.errors import HubError
from engine.finds import HubFile
from engine.hub import order as orders
from engine.hub.order import target_of
from engine.tasks.hub_desk import HubDesk
from resources import models_dir
from tests.engine.hub.conftest import Desk, MakeDesk
from tests.engine.hub.hub_server import COMMIT, HubServer, Repo, starter_repo

REPO = "hearth/starter-GGUF"
Usage = namedtuple("Usage", "total used free")


def test_a_download_names_a_commit_and_the_digest_of_each_file(desk: Desk, hub: HubServer) -> None:
    assert desk.download(REPO, revision="main") == 1
    ((kind, title, spec),) = desk.jobs
    assert (kind, title) == (JobKind.DOWNLOAD, "starter F16")
    assert isinstance(spec, dict)
    assert (spec["repo"], spec["revision"], spec["target"]) == (REPO, COMMIT, REPO)
    (file,) = spec["files"]
    assert file["url"] == f"{hub.url}/{REPO}/resolve/{COMMIT}/starter-F16.gguf"
    assert file["name"] == "starter-F16.gguf"
    assert file["size"] == (models_dir() / "starter.gguf").stat().st_size
    assert file["sha256"] == hub.repos[REPO].digest("starter-F16.gguf")


def test_a_graph_comes_with_what_belongs_to_it(desk: Desk, hub: HubServer) -> None:
    files: dict[str, bytes | Path] = {
        "onnx/model.onnx": b"x" * 200_000, "onnx/model.onnx_data": b"y" * 300_000, "tokenizer.json": b"{}",
    }  # fmt: skip
    hub.repos["hearth/graph"] = Repo(files=files)
    desk.download("hearth/graph", "model.onnx")
    spec = desk.jobs[0][2]
    assert isinstance(spec, dict)
    assert [file["name"] for file in spec["files"]] == ["model.onnx", "model.onnx_data", "tokenizer.json"]
    assert spec["files"][2]["sha256"] == ""
    assert spec["files"][2]["etag"] == hub.repos["hearth/graph"].digest("tokenizer.json")


@pytest.mark.parametrize("wanted", ["starter-F16.gguf", "F16", "f16", ""])
def test_a_file_is_named_by_its_name_or_its_type(desk: HubDesk, wanted: str) -> None:
    assert desk.order(REPO, wanted).file.name == "starter-F16.gguf"


@pytest.mark.parametrize("wanted", ["starter-Q4_0.gguf", "mmproj-starter-F16.gguf", "README.md"])
def test_what_is_no_model_file_is_not_fetched(desk: Desk, wanted: str) -> None:
    with pytest.raises(HubError, match="no model file") as error:
        desk.download(REPO, wanted)
    assert "starter-F16.gguf" in error.value.remedy
    assert desk.jobs == []


@pytest.mark.parametrize("revision", ["nothing", "deadbeef"])
def test_an_unknown_revision_gets_a_sentence(desk: HubDesk, revision: str) -> None:
    with pytest.raises(HubError, match="no such revision"):
        desk.download(REPO, revision=revision)


def test_a_revision_cannot_lead_elsewhere(desk: HubDesk, hub: HubServer) -> None:
    with pytest.raises(HubError, match="no revision"):
        desk.download(REPO, revision="?x=../../..")
    assert hub.seen == []


def test_a_disk_without_room_is_seen_first(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders.shutil, "disk_usage", lambda _path: Usage(10**12, 0, 205_000_000))
    with pytest.raises(HubError, match=r"takes 8\.5 MB, but the disk of .* has 205\.0 MB free") as error:
        desk.download(REPO)
    assert "smaller file" in error.value.remedy
    assert desk.jobs == []


def test_what_is_here_byte_for_byte_is_not_fetched_again(desk: Desk) -> None:
    place = desk.folder / REPO / "starter-F16.gguf"
    place.parent.mkdir(parents=True)
    data = bytearray((models_dir() / "starter.gguf").read_bytes())
    place.write_bytes(data)
    with pytest.raises(HubError, match="is here already, byte for byte"):
        desk.download(REPO)
    data[5_000_000] ^= 1
    place.write_bytes(data)
    assert desk.download(REPO) == 1, "one that looks the same but is not"


def test_what_is_gated_is_refused_before_a_job_is_made(desk: Desk, hub: HubServer) -> None:
    hub.repos[REPO] = starter_repo(gated=True)
    with pytest.raises(HubError, match="wants to know who takes it") as error:
        desk.download(REPO)
    assert f"{hub.url}/{REPO}" in error.value.remedy
    desk.set_token("hf_wrong")
    with pytest.raises(HubError, match="token has no access"):
        desk.download(REPO)
    desk.set_token(hub.token)
    assert desk.download(REPO) == 1
    assert hub.token not in json.dumps(desk.jobs, default=str)


def test_nothing_is_recommended_where_nothing_fits(make_desk: MakeDesk) -> None:
    desk = make_desk(memory_budget_bytes=1_000_000)
    assert desk.card(REPO).model.recommended == ""
    with pytest.raises(HubError, match=r"No file of .* fits this machine") as error:
        desk.download(REPO)
    assert "starter-F16.gguf" in error.value.remedy
    assert desk.download(REPO, "starter-F16.gguf") == 1, "who insists gets it"


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("m.gguf", "a/b"),
        ("Q4_K_M/m-00001-of-00002.gguf", "a/b"),
        ("model.onnx", "a/b"),
        ("onnx/model.onnx", "a/b"),
        ("cpu/int4/model.onnx", "a/b-cpu-int4"),
    ],
)
def test_graphs_of_one_name_go_to_folders_of_their_own(name: str, target: str) -> None:
    assert target_of("a/b", HubFile(name=name, parts=(name,), size_bytes=1)) == target


def test_a_recommended_file_that_is_called_otherwise_by_now_is_found_by_its_type(desk: HubDesk, hub: HubServer) -> None:
    listed = next(model for model in desk.catalogue() if any(file.quantization == "Q8_0" for file in model.files))
    hub.repos[listed.repo] = starter_repo()
    hub.repos[listed.repo].files = {"renamed-Q8_0.gguf": models_dir() / "starter.gguf"}
    old = next(file.name for file in listed.files if file.quantization == "Q8_0")
    assert desk.order(listed.repo, old).file.name == "renamed-Q8_0.gguf"
    with pytest.raises(HubError, match="no model file"):
        desk.order(listed.repo, "never-there-Q8_0.gguf")
