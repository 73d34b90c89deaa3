"""Every example in the contract runs, and every Protocol has one."""

import doctest
import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import engine.plugins.contract

MODULES = [
    importlib.import_module(f"engine.plugins.contract.{module.name}")
    for module in pkgutil.iter_modules(engine.plugins.contract.__path__)
]


def protocols() -> list[type]:
    return [
        kind
        for module in MODULES
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == module.__name__ and getattr(kind, "_is_protocol", False)
    ]


def test_the_parts_of_the_contract_are_found():
    assert {module.__name__.rsplit(".", 1)[-1] for module in MODULES} >= {
        "models",
        "offers",
        "tasks",
        "values",
        "vision",
    }


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rsplit(".", 1)[-1])
def test_examples_run(module: ModuleType):
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(verbose=False)
    for example in finder.find(module, module.__name__):
        report: list[str] = []
        runner.run(example, out=report.append)
        assert not report, "".join(report)


@pytest.mark.parametrize("protocol", protocols(), ids=lambda protocol: protocol.__name__)
def test_every_protocol_has_an_example(protocol: type):
    assert doctest.DocTestParser().get_examples(protocol.__doc__ or "")
