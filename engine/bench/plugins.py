"""`hearth bench plugins`: what the plugin layer costs per request, and how long finding plugins takes."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

from engine.bench.measure import BenchOptions
from engine.bench.report import BenchReport, machine_facts
from engine.errors import EngineError
from engine.plugins.contract.models import ModelFacts, TextFormat
from engine.plugins.discovery import discover
from engine.plugins.guard import Guard, guarded
from engine.plugins.loader import load, unload
from engine.plugins.manifest import Manifest
from engine.plugins.manifest_reader import read_manifest
from engine.plugins.process.process import PluginProcess
from engine.plugins.registry import Registry
from engine.types import Accepts, GenerateRequest, assistant, user

MANY = 200
_FACTS = ModelFacts(file_name="bench.gguf", format="gguf", architecture="bench")
_TURNS = tuple(turn for number in range(4) for turn in (user(f"Question {number}?"), assistant(f"Answer {number}.")))
_REQUEST = GenerateRequest(model="bench", messages=(*_TURNS, user("And now?")))

_MANIFEST = """\
id = "{id}"
name = "Bench {id}"
version = "1.0.0"
api = "1.0"
summary = "Talks to models of an architecture that does not exist."
provides = ["family:bench"]
author = "Hearth"
licence = "MIT"

[[permissions]]
kind = "models"
reason = "To be like others."

[[settings]]
name = "greeting"
title = "Greeting"
default = "Hello"
"""

_CODE = """\
from engine.plugins.api import Accepts, Composition, Recognition, Span, Text


class Format:
    def compose(self, request):
        turns = "".join(f"<{turn.role}>{turn.content}</{turn.role}>" for turn in request.messages)
        return Composition(parts=(Text(turns, special=True),), stop=("<user>",), spans=(Span("thinking", "(", ")"),))

    def read_tool_calls(self, blocks):
        return ()

    def embedding_text(self, text, purpose):
        return text


class Bench:
    id = "bench"

    def recognise(self, facts):
        forms = frozenset({Accepts.MESSAGES})
        return Recognition(accepts=forms, tasks=("bench",), confidence=1.0) if facts.architecture == "bench" else None

    def open(self, facts):
        return Format()


def register(registrar):
    registrar.add_family(Bench())
"""


def run(options: BenchOptions) -> BenchReport:
    """Time the same plugin called directly, guarded in this process, and in a process of its own; find 200 of them."""
    machine = machine_facts()
    rounds = 50 if options.quick else 3000
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as name:
        found = _discovery_times(Path(name) / "many", 2 if options.quick else 11)
        folder = _write(Path(name) / "one", "bench_plugin")
        manifest = read_manifest(folder)
        with _direct(folder, manifest) as (direct, inside), _outside(folder, manifest) as outside:
            samples = _calls({"direct_us": direct, "inprocess_us": inside, "outofprocess_us": outside}, rounds)
    samples["discover_ms"] = found
    plain = median(samples["direct_us"])
    figures: dict[str, float | None] = {
        "inprocess_us_p50": median(samples["inprocess_us"]) - plain,
        "outofprocess_ms_p50": (median(samples["outofprocess_us"]) - plain) / 1000,
        "outofprocess_ms_p99": (sorted(samples["outofprocess_us"])[int(0.99 * rounds)] - plain) / 1000,
        "discover_ms": median(found),
    }
    kept = {name: values[:: max(1, len(values) // 200)] for name, values in samples.items()}
    return BenchReport(bench="plugins", figures=figures, samples=kept, machine=machine)


def _calls(formats: dict[str, TextFormat], rounds: int) -> dict[str, list[float]]:
    """Microseconds of all that is asked of a plugin for one request, the ways of calling it in turns."""
    samples: dict[str, list[float]] = {name: [] for name in formats}
    ways = list(formats.items())
    for number in range(rounds + 20):
        ways = [*ways[1:], ways[0]]  # whoever comes after the slow one finds cold caches
        for name, text_format in ways:
            began = perf_counter()
            text_format.compose(_REQUEST)
            text_format.read_tool_calls(())
            if number >= 20:  # the first calls fill caches
                samples[name].append((perf_counter() - began) * 1e6)
    return samples


@contextmanager
def _direct(folder: Path, manifest: Manifest) -> Iterator[tuple[TextFormat, TextFormat]]:
    """The plugin in this process: called directly, and as the engine calls it."""
    offers = load(folder, manifest, manifest.defaults())
    try:
        registry = Registry()
        registry.put(manifest.id, guarded(offers, Guard(manifest.id, manifest.name, _raise)))
        yield offers.families[0].open(_FACTS), registry.open_text(_FACTS)[Accepts.MESSAGES]
    finally:
        unload(folder)


@contextmanager
def _outside(folder: Path, manifest: Manifest) -> Iterator[TextFormat]:
    """The plugin in a process of its own."""
    process = PluginProcess(folder, manifest, manifest.defaults(), lambda: None)
    try:
        yield process.start().families[0].open(_FACTS)
    finally:
        process.stop()


def _discovery_times(folder: Path, rounds: int) -> list[float]:
    """Milliseconds to find MANY plugins; none of them is imported."""
    for number in range(MANY):
        _write(folder, f"bench_{number}")
    before = set(sys.modules)
    times = []
    for _ in range(rounds):
        began = perf_counter()
        found = discover(folder)
        times.append((perf_counter() - began) * 1e3)
        if len(found) != MANY or any(plugin.manifest is None for plugin in found):
            raise EngineError(f"Only {len(found)} of {MANY} plugins were found.")
    imported = [name for name in set(sys.modules) - before if name.startswith("plugins.bench")]
    if imported:
        raise EngineError(f"Finding plugins imported {imported[0]}.")
    return times


def _write(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir(parents=True)
    (folder / "plugin.toml").write_text(_MANIFEST.format(id=name.replace("_", "-")), encoding="utf-8")
    (folder / "__init__.py").write_text(_CODE, encoding="utf-8")
    return folder


def _raise(error: EngineError) -> None:
    raise error
