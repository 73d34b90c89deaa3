"""How a frozen program starts itself as a process of another kind."""

from importlib import import_module
from inspect import signature

import pytest

from engine.backends.process import launch as device_launch
from engine.cli import named_module
from engine.cli.entry import PROCESSES
from engine.devices import ask, calibrate


@pytest.mark.parametrize("module", PROCESSES.values())
def test_every_kind_of_process_has_a_main_that_takes_arguments(module: str):
    assert next(iter(signature(import_module(module).main).parameters)) == "arguments"


def test_flags_are_those_that_the_starters_use(monkeypatch: pytest.MonkeyPatch):
    assert {ask.FLAG, calibrate.FLAG} <= set(PROCESSES)
    monkeypatch.setattr("sys.frozen", True, raising=False)
    assert device_launch.command("module:Worker", 7)[1:] == ["--device-process", "7", "module:Worker"]


def test_a_module_of_hearth_runs_as_a_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr("sys.argv", ["hearth", "--module", "engine.bench.spin", "-1"])
    named_module.main(["engine.bench.spin", "-1"])  # it ends at once, since nobody has that parent
    assert capsys.readouterr().out == "\n"


@pytest.mark.parametrize("name", ["", "os", "engine.engine", "plugins.tools", "engine.benchmark.x"])
def test_no_other_module_does(name: str):
    with pytest.raises(SystemExit, match="is no module that Hearth runs"):
        named_module.main([name] if name else [])


def test_a_module_that_was_left_out_is_said():
    with pytest.raises(SystemExit, match=r"does not contain engine\.bench\.gone"):
        named_module.main(["engine.bench.gone"])
