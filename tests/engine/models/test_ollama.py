"""Ollama's store: manifests are read for digests only, and nothing else in them is believed."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from engine.cards import Origin
from engine.models.library import ModelLibrary
from engine.models.ollama import MAX_MANIFEST_BYTES, OllamaStore
from engine.models.places import ForeignPrograms, Surroundings

MODEL, LICENCE, TEMPLATE = (f"application/vnd.ollama.image.{kind}" for kind in ("model", "license", "template"))


class Store:
    """A store as Ollama makes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs").mkdir(parents=True)

    def blob(self, data: bytes) -> str:
        """Put a blob there and return its digest."""
        digest = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs" / f"sha256-{digest}").write_bytes(data)
        return f"sha256:{digest}"

    def manifest(self, layers: Any, name: str = "registry.ollama.ai/library/small/latest") -> Path:
        path = self.folder / "manifests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = layers if isinstance(layers, str) else json.dumps({"schemaVersion": 2, "layers": layers})
        path.write_text(text)
        return path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "ollama")


def layer(kind: str, digest: object) -> dict[str, object]:
    return {"mediaType": kind, "digest": digest, "size": 1}


def test_a_model_has_the_name_that_ollama_calls_it_by(store, write_gguf):
    data = write_gguf("x.gguf").read_bytes()
    layers = [
        layer("application/vnd.docker.container.image.v1+json", store.blob(b"{}")),
        layer(MODEL, store.blob(data)),
        layer(LICENCE, store.blob(b"\n  MIT   License\n\nPermission is hereby granted")),
        layer(TEMPLATE, store.blob(b"{{ .Prompt }}")),
    ]
    store.manifest(layers)
    library = ModelLibrary([OllamaStore(store.folder)])
    (entry,) = library.entries()
    assert (entry.info.id, entry.found.origin, entry.info.format) == ("small:latest", Origin.OLLAMA, "gguf")
    assert entry.info.path.name == f"sha256-{hashlib.sha256(data).hexdigest()}"
    assert entry.info.licence == "MIT License"
    assert library.templates()[entry.known.row.template] == "{{ .Prompt }}"
    assert library.find("SMALL:latest") == entry.info
    assert library.find(str(entry.info.path)) == entry.info


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("registry.ollama.ai/library/small/8b", "small:8b"),
        ("registry.ollama.ai/owner/small/8b", "owner/small:8b"),
        ("hf.co/owner/Small-GGUF/Q4_K_M", "hf.co/owner/small-gguf:q4_k_m"),
    ],
)
def test_names_say_owner_and_host_where_they_are_not_the_usual_ones(store, write_gguf, place, name):
    store.manifest([layer(MODEL, store.blob(write_gguf("x.gguf").read_bytes()))], place)
    assert [it.id for it in ModelLibrary([OllamaStore(store.folder)]).scan()] == [name]


def test_two_names_of_one_blob_are_one_model_and_a_renamed_one_is_noticed(store, write_gguf):
    layers = [layer(MODEL, store.blob(write_gguf("x.gguf").read_bytes()))]
    first = store.manifest(layers, "registry.ollama.ai/library/a/1")
    store.manifest(layers, "registry.ollama.ai/library/b/1")
    library = ModelLibrary([OllamaStore(store.folder)])
    assert [it.id for it in library.scan()] == ["a:1"]
    first.unlink()
    assert [it.id for it in library.scan()] == ["b:1"]


HOSTILE: list[Any] = [
    [layer(MODEL, "sha256:../../../../etc/passwd")],
    [layer(MODEL, "../outside.gguf")],
    [layer(MODEL, "/etc/passwd")],
    [layer(MODEL, "sha256:" + "A" * 64)],
    [layer(MODEL, "sha256:" + "a" * 63 + "/")],
    [layer(MODEL, "sha256:" + "a" * 64 + "\n")],
    [layer(MODEL, ["sha256:" + "a" * 64])],
    [layer(MODEL, None)],
    [None, 3, "x"],
    "not json",
    "[]",
    "null",
    '{"layers": 7}',
    '{"layers": {"a": 1}}',
    "[" * 100_000,
    "\x00" * 100,
    " " * (MAX_MANIFEST_BYTES + 1),
]


@pytest.mark.parametrize("layers", HOSTILE)
def test_a_hostile_manifest_names_no_model_and_hides_no_other(store, write_gguf, tmp_path, layers):
    write_gguf("outside.gguf", folder=tmp_path)
    store.manifest(layers)
    store.manifest([layer(MODEL, store.blob(write_gguf("y.gguf").read_bytes()))], "registry.ollama.ai/library/good/1")
    library = ModelLibrary([OllamaStore(store.folder)])
    assert [it.id for it in library.scan()] == ["good:1"]
    assert library.broken == ()


def test_a_blob_that_is_missing_or_no_gguf_is_no_model(store):
    store.manifest([layer(MODEL, "sha256:" + "a" * 64)])
    store.manifest([layer(MODEL, store.blob(b"safetensors?"))], "registry.ollama.ai/library/other/1")
    library = ModelLibrary([OllamaStore(store.folder)])
    assert library.scan() == ()
    assert ["is not a GGUF model" in why for _, why in library.broken] == [True]


@pytest.mark.parametrize("folder", [".ollama/models", "root/usr/share/ollama/.ollama/models", "named"])
def test_the_store_is_found_where_it_may_be(tmp_path, write_gguf, folder):
    store = Store(tmp_path / folder)
    store.manifest([layer(MODEL, store.blob(write_gguf("x.gguf").read_bytes()))])
    around = Surroundings(tmp_path, {"OLLAMA_MODELS": str(tmp_path / "named")}, "linux", root=tmp_path / "root")
    found = ModelLibrary([], others=ForeignPrograms(("ollama",), around).used).scan()
    assert [it.id for it in found] == ["small:latest"]
