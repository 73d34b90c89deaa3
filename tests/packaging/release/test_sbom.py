"""The list of components for machines."""

import hashlib
import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from release.sbom import write_sbom


@pytest.fixture
def said(frozen, tmp_path):
    frozen.install("rich", "15.0", metadata="Requires-Dist: plain", files=["rich/core.so"])
    frozen.install("plain", licence="License: somebody's own words")
    frozen.add("_internal/rich/core.so", b"library")

    def write():
        path = write_sbom(frozen.tree, frozen.packages, "linux", tmp_path / "dist")
        assert path.name.startswith("hearth-")
        assert path.name.endswith("-linux.cdx.json")
        return path.read_text(encoding="utf-8")

    return write


def component(text, name):
    return next(part for part in json.loads(text)["components"] if part["name"] == name)


def test_the_schema_accepts_it(said):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(said()) is None


def test_a_component_has_its_address_licence_and_the_hashes_of_its_files(said):
    text = said()
    rich = component(text, "rich")
    assert (rich["version"], rich["purl"]) == ("15.0", "pkg:pypi/rich@15.0")
    assert rich["licenses"] == [{"license": {"id": "MIT"}}]
    assert rich["components"][0]["name"] == "_internal/rich/core.so"
    assert rich["components"][0]["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(b"library").hexdigest()}]
    assert component(text, "plain")["licenses"] == [{"license": {"name": "somebody's own words"}}]
    assert component(text, "PyInstaller")["licenses"][0]["expression"].endswith("WITH Bootloader-exception")


def test_models_are_components_with_their_hashes(said):
    model = component(said(), "model starter")
    assert model["type"] == "machine-learning-model"
    hashes = {part["name"].rpartition("/")[2]: part["hashes"][0]["content"] for part in model["components"]}
    assert hashes["starter.gguf"] == hashlib.sha256(b"GGUF").hexdigest()


def test_dependencies_lead_from_hearth_to_everything_and_on(said):
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in json.loads(said())["dependencies"]}
    assert needs["pkg:pypi/rich@15.0"] == ["pkg:pypi/plain@1.0"]
    own = next(ref for ref in needs if ref.startswith("pkg:generic/hearth@"))
    assert {"pkg:pypi/rich@15.0", "pkg:pypi/llama-cpp-python@0.3.36"} <= set(needs[own])


def test_it_is_the_same_for_the_same_tree_and_another_one_for_another(said, frozen):
    first, second = said(), said()
    assert first == second
    assert json.loads(first)["metadata"]["timestamp"] == "2026-09-21T14:13:20+00:00"
    frozen.add("_internal/rich/core.so", b"another library")
    assert json.loads(said())["serialNumber"] != json.loads(first)["serialNumber"]
