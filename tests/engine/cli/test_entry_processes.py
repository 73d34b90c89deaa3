"""How a frozen program starts itself as a process of another kind."""

from importlib import import_module
from inspect import signature

import pytest

from engine.backends.process import launch as device_launch
from engine.cli.entry import PROCESSES
from engine.devices import ask, calibrate


@pytest.mark.parametrize("module", PROCESSES.values())
def test_every_kind_of_process_has_a_main_that_takes_arguments(module: str):
    assert next(iter(signature(import_module(module).main).parameters)) == "arguments"


def test_flags_are_those_that_the_starters_use(monkeypatch: pytest.MonkeyPatch):
    assert {ask.FLAG, calibrate.FLAG} <= set(PROCESSES)
    monkeypatch.setattr("sys.frozen", True, raising=False)
    assert device_launch.command("module:Worker", 7)[1:] == ["--device-process", "7", "module:Worker"]
