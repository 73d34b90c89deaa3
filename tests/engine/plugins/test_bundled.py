"""The plugins that come with Hearth, all of them, as backends get them without a host."""

import re
from pathlib import Path

import pytest

from engine.plugins.bundled import bundled_dir, bundled_registry, plugin_folders
from engine.plugins.manifest_reader import read_manifest

ROOT = Path(__file__).resolve().parents[3]


def test_they_are_found_where_they_are():
    assert bundled_dir() == ROOT / "plugins"
    names = {read_manifest(folder).id for folder in plugin_folders(bundled_dir())}
    assert names >= {"chat", "code", "classify", "detect", "embed", "read-text", "summarize", "compare"}


def test_all_of_them_load_once():
    registry = bundled_registry()
    assert registry is bundled_registry()
    assert {plugin for plugin, _ in registry.tasks()} >= {"summarize", "compare"}


@pytest.mark.parametrize("folder", plugin_folders(bundled_dir()), ids=lambda folder: folder.name)
def test_each_says_who_made_it_and_what_it_wants(folder: Path):
    manifest = read_manifest(folder)
    assert manifest.author
    assert manifest.licence
    assert re.search(r"[.!]$", manifest.summary)
    assert all(permission.reason.endswith(".") for permission in manifest.permissions)
