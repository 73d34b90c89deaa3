"""Plugins that break the contract, each in one way, and those that keep it."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.errors import PluginRefusedError
from engine.plugins.bundled import bundled_dir, plugin_folders
from engine.plugins.conformance.inputs import arguments_for
from engine.plugins.conformance.suite import Conformance, own_process, run_own_tests, run_suite
from engine.plugins.conformance.trial import Trial, examine
from engine.plugins.loader import load, unload
from engine.plugins.manifest import Manifest, OfferKind
from engine.plugins.offers import Offers
from engine.plugins.scaffold import write_scaffold

RECOGNISE = 'if "my-first.version" not in facts.metadata:'

# What is replaced in a new plugin of a kind, by what, the check that notices, and what it says.
BROKEN: dict[str, tuple[OfferKind, str, str, str, str]] = {
    "task raises": (OfferKind.TASK, 'context.progress(0.5, "counting")', 'raise KeyError("x")', "run", "KeyError"),
    "task returns too little": (OfferKind.TASK, 'return {"words": ', 'return {} and {"words": ', "run", "returns []"),
    "task returns another type": (OfferKind.TASK, '"words": sum', '"words": "" and sum', "run", "returns a str"),
    "task reports nonsense": (OfferKind.TASK, "progress(0.5", "progress(7.5", "run", "outside [0, 1]"),
    "task emits nowhere": (
        OfferKind.TASK, 'context.progress(0.5, "counting")', 'context.emit("nowhere", "x")', "run", "no output",
    ),
    "task swallows its end": (
        OfferKind.TASK,
        'context.progress(0.5, "counting")',
        'try:\n            context.progress(0.5)\n        except Exception:\n            context.emit("words", "x")',
        "cancel", "goes on after",
    ),
    "task with a wrong field": (OfferKind.TASK, 'name="shortest"', 'name="Shortest"', "fields", "wrong name"),
    "task without outputs": (
        OfferKind.TASK, '(Field(name="words", title="Words", kind=Kind.INTEGER),)', "()", "fields", "no outputs",
    ),
    "error without a cause": (
        OfferKind.TASK,
        'context.progress(0.5, "counting")',
        'from engine.plugins.api import RequestError\n        raise RequestError("")',
        "run", "says no cause",
    ),
    "family raises": (OfferKind.FAMILY, RECOGNISE, 'if facts.metadata["no"]:', "recognise", "KeyError"),
    "family returns another type": (OfferKind.FAMILY, "return None", "return facts", "recognise", "a ModelFacts"),
    "family forgets": (
        OfferKind.FAMILY,
        RECOGNISE,
        'if vars(self).setdefault("n", []).append(1) or len(self.n) % 5:',
        "recognise", "another result",
    ),
    "family is too certain": (
        OfferKind.FAMILY,
        RECOGNISE,
        'if facts.architecture == "llama":\n'
        '            return Recognition(accepts=frozenset({Accepts.PROMPT}), tasks=("x",), confidence=9.0)\n'
        "        if True:",
        "recognise", "a confidence of 9.0",
    ),
    "pipeline leaves the picture": (
        OfferKind.PIPELINE, "image_size=picture_size", "image_size=(1, 2)", "prepare and finish", "the size (1, 2)",
    ),
    "pipeline feeds another input": (
        OfferKind.PIPELINE, "({self._input:", '({"other":', "prepare and finish", "does not have",
    ),
    "pipeline leaves odd notes": (
        OfferKind.PIPELINE, "[None]},))", "[None]},), notes={1, 2})", "prepare and finish", "JSON cannot hold",
    ),
    "pipeline is more than certain": (
        OfferKind.PIPELINE, "float(score))", "2.0)", "prepare and finish", "not in [0, 1]",
    ),
    "tool without a description": (
        OfferKind.TOOL, '"Counts how often a letter occurs in a word."', '""', "spec", "no model knows",
    ),
    "tool with a wrong schema": (
        OfferKind.TOOL, '"type": "string"}, "letter"', '"type": 7}, "letter"', "spec", "no JSON schema",
    ),
    "tool returns another type": (OfferKind.TOOL, "return str(", "return int(", "call", "returns a int"),
    "tool raises": (OfferKind.TOOL, "return str(", "return 1 / 0 or str(", "call", "ZeroDivisionError"),
    "telemetry is not a number": (
        OfferKind.TELEMETRY, "time.monotonic() - self._started_s", 'float("nan")', "sample", "is nan",
    ),
    "telemetry is hasty": (OfferKind.TELEMETRY, "period_s = 2.0", "period_s = 0.1", "sample", "the least"),
}  # fmt: skip


OTHER_TOOL = """

class Other(MyFirstTool):
    spec = ToolSpec("other", "Is well.", {"type": "object"})

    def call(self, arguments):
        return "fine"


def register(registrar):
    registrar.add_tool(MyFirstTool())
    registrar.add_tool(Other())
"""


@contextmanager
def inside(folder: Path, manifest: Manifest) -> Iterator[Offers]:
    """Run a plugin in this process, which is quicker; what its own process adds is tested apart."""
    try:
        yield load(folder, manifest, manifest.defaults())
    finally:
        unload(folder)


def problems(found: Conformance) -> dict[str, str]:
    return {check.name: check.problem for check in found.checks if check.problem}


@pytest.mark.parametrize("kind", OfferKind)
def test_new_plugins_keep_the_contract(kind: OfferKind, tmp_path: Path):
    seen: list[str] = []
    found = run_suite(
        write_scaffold("my-first", kind, tmp_path), on_check=lambda check: seen.append(check.name), start=inside
    )
    assert problems(found) == {}
    assert found.is_passed
    assert seen == [check.name for check in found.checks]
    assert any(name.startswith(f"{kind}:my-first") for name in seen)


@pytest.mark.parametrize("folder", plugin_folders(bundled_dir()), ids=lambda folder: folder.name)
def test_bundled_plugins_keep_the_contract(folder: Path):
    found = run_suite(folder, start=inside)
    assert problems(found) == {}
    assert any(check.calls for check in found.checks)


@pytest.mark.parametrize("name", BROKEN)
def test_a_breach_is_noticed_where_it_is(name: str, tmp_path: Path):
    kind, old, new, check, said = BROKEN[name]
    folder = write_scaffold("my-first", kind, tmp_path)
    module = folder / f"{kind}.py"
    code = module.read_text(encoding="utf-8")
    assert old in code
    module.write_text(code.replace(old, new, 1), encoding="utf-8")
    found = problems(run_suite(folder, start=inside))
    assert next(iter(found)) == f"{kind}:my-first {check}"
    assert said in found[f"{kind}:my-first {check}"]


def test_a_plugin_that_does_not_register_what_it_promises_is_noticed(tmp_path: Path):
    folder = write_scaffold("my-first", OfferKind.TASK, tmp_path)
    (folder / "task.py").write_text("def register(registrar): ...\n")
    assert list(problems(run_suite(folder))) == ["registers what it promises"]


def test_a_plugin_without_a_manifest_is_refused(tmp_path: Path):
    with pytest.raises(PluginRefusedError, match=r"plugin\.toml"):
        run_suite(tmp_path)


def test_a_crash_in_one_offer_says_nothing_about_the_others(tmp_path: Path):
    folder = write_scaffold("my-first", OfferKind.TOOL, tmp_path)
    manifest, module = folder / "plugin.toml", folder / "tool.py"
    manifest.write_text(manifest.read_text().replace('["tool:my-first"]', '["tool:my-first", "tool:other"]'))
    code = module.read_text().replace("return str(str(", "__import__('os')._exit(3)\n        return str(str(")
    module.write_text(code + OTHER_TOOL)
    found = run_suite(folder, start=own_process)
    assert list(problems(found)) == ["tool:my-first call"]
    assert any(check.name == "tool:other call" and check.is_passed for check in found.checks)


@pytest.mark.parametrize(
    ("test", "note", "problem"), [("pass", "1 passed", ""), ("assert 1 == 2", "", "1 failed"), ("", "none", "")]
)
def test_the_plugins_own_tests_are_run(tmp_path: Path, test: str, note: str, problem: str):
    if test:
        (tmp_path / "test_it.py").write_text(f"def test_it():\n    {test}\n")
    check = run_own_tests(tmp_path)
    assert check.is_passed == (not problem)
    assert note in check.note
    assert problem in check.problem
    assert check.details == "" or "assert 1 == 2" in check.details


def test_an_installed_hearth_says_why_it_runs_no_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    (tmp_path / "test_it.py").write_text("def test_it():\n    assert False\n")
    check = run_own_tests(tmp_path)
    assert check.is_passed
    assert "an installed Hearth has no pytest" in check.note


def test_a_slow_call_is_measured_three_times_and_then_a_problem():
    tries: list[int] = []

    def work(trial: Trial) -> None:
        tries.append(1)
        trial.call(threading.Event().wait, 0.02)

    check = examine("slow", work, limit_ms=5)
    assert "of which 5 ms are allowed" in check.problem
    assert len(tries) == 3
    assert check.p95_ms >= 20


def test_a_call_that_was_slow_once_is_no_problem():
    waits = [0.05, 0.0]
    check = examine("disturbed", lambda trial: trial.call(threading.Event().wait, waits.pop(0)), limit_ms=40)
    assert check.is_passed
    assert waits == []


def test_arguments_of_tools_are_made_from_their_schema():
    schema = {
        "type": "object",
        "properties": {
            "count": {"type": "integer", "minimum": 2, "maximum": 4},
            "names": {"type": "array", "items": {"type": "string"}, "minItems": 2},
            "place": {"type": "object", "properties": {"north": {"type": "boolean"}}, "required": ["north"]},
            "way": {"enum": ["up", "down"]},
        },
        "required": ["count"],
    }
    made = list(arguments_for(schema))
    assert made[0] == {"count": 2, "names": ["text", "text"], "place": {"north": True}, "way": "up"}
    assert made[1] == {"count": 2}
    assert {arguments["count"] for arguments in made} == {2, 4}
    assert {arguments.get("way") for arguments in made} == {"up", "down", None}
