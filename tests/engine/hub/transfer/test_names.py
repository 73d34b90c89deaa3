"""Names, numbers and addresses from the network: only harmless ones are taken."""

import pytest

from engine.errors import HubError
from engine.hub.transfer import DownloadWork, Network, RemoteFile, Throttle, TransferSettings, download_spec
from engine.hub.transfer.names import safe_parts
from engine.hub.transfer.remote import Wanted

UNSAFE = [
    "", ".", "..", "../x", "a/../b", "a/./b", "/etc/passwd", "a//b", "a/", "C:\\x", "C:/x", "a\\b", "a\x00b", "a\nb",
    "CON", "nul.gguf", "Com1.txt", "LPT9", "x:stream", "a.", "a ", " a", ".ssh/config", ".gitattributes", "~/x\x7f",
    "a*b", "a?b", "a|b", "a<b", 'a"b', "\ud800", "\u202egguf.exe", "x" * 201, "é" * 101, "/".join("abcdefghi"),
    "model.gguf.part", "model.gguf.part.json", "model.lock", "jobs.json.new",
]  # fmt: skip

SAFE = ["model.gguf", "Q4_K_M/model-00001-of-00003.gguf", "onnx/model.onnx_data", "a b (1).gguf", "模型.gguf",
        "console.gguf", "~tilde", "x" * 200, "a/b/c/d/e/f/g/h"]  # fmt: skip


def remote(name: str = "model.gguf", **changes: object) -> RemoteFile:
    return RemoteFile(**{"url": "https://hub.example/o/n/resolve/main/f", "name": name, **changes})


@pytest.mark.parametrize("name", UNSAFE)
def test_names_that_lead_elsewhere_are_refused(name: str, tmp_path):
    with pytest.raises(HubError, match="not safe to write"):
        download_spec("owner/model", "main", "owner--model", [remote(name)])
    with pytest.raises(HubError, match="not safe to write"):
        download_spec("owner/model", "main", name, [remote()])
    spec = {"repo": "o/n", "target": "t", "files": [{"url": "https://hub.example/f", "name": name}]}
    work = DownloadWork(tmp_path / "models", TransferSettings(), Throttle(), Network(), lambda *_: None)
    work.discard(spec)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", SAFE)
def test_honest_names_are_taken(name: str, tmp_path):
    assert "/".join(safe_parts(name)) == name
    wanted = Wanted.of(download_spec("owner/model", "main", "owner--model", [remote(name)]))
    (path,) = wanted.paths(tmp_path)
    assert path == tmp_path / "owner--model" / name


@pytest.mark.parametrize(
    "change",
    [
        {"url": "file:///etc/passwd"},
        {"url": "ftp://host/f"},
        {"url": "https://host/a b"},
        {"url": "https://host/\r\nX: y"},
        {"size_bytes": -1},
        {"size_bytes": 1 << 60},
        {"sha256": "abc"},
        {"sha256": "sha256:" + "0" * 64},
        {"sha256": "../" + "0" * 61},
    ],
)
def test_numbers_and_addresses_that_cannot_be_right_are_refused(change: dict[str, object]):
    with pytest.raises(HubError) as caught:
        download_spec("owner/model", "main", "owner--model", [remote(**change)])
    assert caught.value.remedy


def test_a_digest_in_capitals_is_the_same_digest():
    spec = download_spec("owner/model", "main", "owner--model", [remote(sha256="AB" * 32)])
    assert Wanted.of(spec).remotes()[0].sha256 == "ab" * 32


def test_one_name_twice_is_refused():
    with pytest.raises(HubError, match="two files called"):
        download_spec("owner/model", "main", "owner--model", [remote("model.gguf"), remote("Model.GGUF")])


def test_nothing_to_fetch_is_refused():
    with pytest.raises(HubError, match="has no file to fetch"):
        download_spec("owner/model", "main", "owner--model", [])


@pytest.mark.parametrize("spec", [{}, {"repo": 3}, {"repo": "o/n", "target": "t", "files": [{"name": "x"}]}])
def test_a_spec_that_was_damaged_is_said_in_a_sentence(spec: dict[str, object]):
    with pytest.raises(HubError, match="cannot be understood"):
        Wanted.of(spec)
