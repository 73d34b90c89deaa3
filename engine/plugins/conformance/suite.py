"""The suite: all checks of one plugin, each offer in a fresh process, then the plugin's own tests."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from engine.errors import PluginError
from engine.plugins.conformance.doing import examine_task, examine_telemetry, examine_tool
from engine.plugins.conformance.families import examine_family
from engine.plugins.conformance.pipelines import examine_pipeline
from engine.plugins.conformance.trial import Check
from engine.plugins.contract.models import ModelFacts
from engine.plugins.isolation import isolate
from engine.plugins.manifest import Manifest, OfferKind
from engine.plugins.manifest_reader import MANIFEST_NAME, read_manifest
from engine.plugins.offers import Offers
from engine.programs import is_frozen

Start = Callable[[Path, Manifest], AbstractContextManager[Offers]]
"""Runs a plugin while the context lasts."""

TESTS_S: Final = 600.0
_NO_TESTS: Final = 5  # pytest's code for "nothing found"
_SHOWN_LINES: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformance:
    """What came of it.

    Attributes:
        plugin: its id.
        version: of the plugin.
        checks: in the order in which they were done.
    """

    plugin: str
    version: str
    checks: tuple[Check, ...]

    @property
    def is_passed(self) -> bool:
        """Whether the plugin keeps the contract."""
        return all(check.is_passed for check in self.checks)


@contextmanager
def own_process(folder: Path, manifest: Manifest) -> Iterator[Offers]:
    """Run a plugin in its own process, confined as an installed one is.

    Raises:
        PluginError: it does not start.
    """
    process = isolate(folder, manifest, manifest.defaults(), lambda: None)
    try:
        yield process.start()
    finally:
        process.stop()


def run_suite(
    folder: Path,
    examples: Sequence[ModelFacts] = (),
    on_check: Callable[[Check], None] = lambda check: None,
    start: Start = own_process,
) -> Conformance:
    """Run a plugin against the contract; its own tests are apart, in `run_own_tests`.

    Args:
        folder: of the plugin.
        examples: facts of model files to try, in addition to made-up ones.
        on_check: called after each check.
        start: how it is run.

    Raises:
        PluginRefusedError: its manifest is wrong.
    """
    manifest = read_manifest(folder)
    checks: list[Check] = []
    for check in _checks(folder, manifest, examples, start):
        checks.append(check)
        on_check(check)
    return Conformance(plugin=manifest.id, version=manifest.version, checks=tuple(checks))


def run_own_tests(folder: Path) -> Check:
    """Run the tests that lie in a plugin's folder, with the rights of this process."""
    name = "its own tests"
    if is_frozen():
        return Check(name=name, note="not run: an installed Hearth has no pytest, so run pytest in the plugin's folder")
    if find_spec("pytest") is None:
        return Check(name=name, note="not run: pytest is not installed here")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", "."]
    try:
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TESTS_S, check=False)
    except subprocess.TimeoutExpired:
        return Check(name=name, problem=f"take longer than {TESTS_S:.0f} s")
    lines = ended.stdout.strip().splitlines() or [f"pytest ended with code {ended.returncode}"]
    if ended.returncode == _NO_TESTS:
        return Check(name=name, note="there are none")
    if ended.returncode:
        shown = [*lines, *ended.stderr.strip().splitlines()][-_SHOWN_LINES:]
        return Check(name=name, problem=lines[-1], details="\n".join(shown))
    return Check(name=name, note=lines[-1])


def _checks(folder: Path, manifest: Manifest, examples: Sequence[ModelFacts], start: Start) -> Iterator[Check]:
    yield Check(
        name=MANIFEST_NAME, note=f"{manifest.id} {manifest.version}, for version {manifest.api} of the contract"
    )
    try:
        with start(folder, manifest):
            yield Check(name="registers what it promises")
    except PluginError as error:
        yield Check(name="registers what it promises", problem=error.cause, details=error.details)
        return
    for kind, offer in manifest.provides:
        # A fresh process for each: one that has been stopped for its failures says nothing about the others.
        try:
            with start(folder, manifest) as offers:
                yield from _examine(offers, kind, offer, examples)
        except PluginError as error:
            yield Check(name=f"{kind}:{offer}", problem=error.cause, details=error.details)


def _examine(offers: Offers, kind: OfferKind, name: str, examples: Sequence[ModelFacts]) -> Iterator[Check]:
    match kind:
        case OfferKind.FAMILY:
            yield from examine_family(next(it for it in offers.families if it.id == name), examples)
        case OfferKind.PIPELINE:
            yield from examine_pipeline(next(it for it in offers.pipelines if it.id == name), examples)
        case OfferKind.TASK:
            yield from examine_task(next(it for it in offers.tasks if it.id == name))
        case OfferKind.TOOL:
            yield from examine_tool(next(it for it in offers.tools if it.spec.name == name))
        case OfferKind.TELEMETRY:
            yield from examine_telemetry(next(it for it in offers.telemetry if it.id == name))
