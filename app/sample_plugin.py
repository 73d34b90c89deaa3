"""A small plugin, written to disk for the pictures of the Plugins page."""

from pathlib import Path

PLUGIN_ID = "tide-table"

_MANIFEST = """id = "tide-table"
name = "Tide table"
version = "1.2.0"
api = "1.0"
summary = "Says when the tide turns, and how high it is now."
provides = ["telemetry:tide", "tool:high-tide"]
author = "Mo Marsh"
licence = "MIT"
homepage = "https://example.org/tide-table"

[[permissions]]
kind = "network"
reason = "Asks a harbour for today's tides."
hosts = ["harbour.example.org"]

[[permissions]]
kind = "read"
reason = "Reads the list of your harbours."
folders = ["~/Harbours"]

[[settings]]
name = "harbour"
title = "Harbour"
help = "The one whose tides are shown."
default = "Husum"
"""
_MODULE = '''"""Tides that are always the same."""

from engine.plugins.api import Sample, ToolSpec


class Tide:
    id = "tide"
    title = "Tide"
    period_s = 0.5

    def sample(self):
        return (Sample("Height of the tide", 1.75, "m"), Sample("Until high tide", 42.0, "min"))


class HighTide:
    spec = ToolSpec(name="high-tide", description="Says when the next high tide is.", parameters={"type": "object"})
    permission = "network"

    def call(self, arguments):
        return "17:42"


def register(registrar):
    registrar.add_telemetry(Tide())
    registrar.add_tool(HighTide())
'''


def write_sample_plugin(into: Path) -> Path:
    """Write the plugin into a folder and return where it lies."""
    folder = into / "tide_table"
    folder.mkdir(parents=True)
    (folder / "plugin.toml").write_text(_MANIFEST, encoding="utf-8")
    (folder / "__init__.py").write_text(_MODULE, encoding="utf-8")
    return folder
