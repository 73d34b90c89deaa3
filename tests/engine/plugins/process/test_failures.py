"""Errors cross as what they are, as far as a plugin has a say in it."""

import msgspec
import pytest

from engine import errors
from engine.errors import (
    CapabilityError,
    ContextOverflowError,
    EngineDeadError,
    EngineError,
    PluginError,
    TaskCancelledError,
)
from engine.plugins.process.failures import error_of, failure_of, read_failure


def crossed(error, **how):
    return error_of(read_failure(msgspec.to_builtins(failure_of(error))), "stranger", **how)


@pytest.mark.parametrize(
    "name", ["CapabilityError", "EngineError", "InvalidRequestError", "TemplateError", "ImageError"]
)
def test_errors_of_the_contract_cross(name):
    error = crossed(getattr(errors, name)("It is so.", "Do that."))
    assert (type(error), error.cause, error.remedy) == (getattr(errors, name), "It is so.", "Do that.")


def test_errors_with_numbers_cross():
    error = crossed(ContextOverflowError(5000, 4096))
    assert (type(error), error.prompt_tokens, error.context_tokens) == (ContextOverflowError, 5000, 4096)
    assert type(crossed(TaskCancelledError())) is TaskCancelledError


def test_a_class_of_the_plugin_is_the_nearest_one_of_the_contract():
    class OwnError(CapabilityError):
        pass

    assert type(crossed(OwnError("No."))) is CapabilityError


def test_a_plugin_speaks_for_itself_only():
    error = crossed(PluginError("neighbour", "It failed.", "", "traceback"))
    assert (type(error), error.plugin, error.details) == (PluginError, "stranger", "traceback")


def test_only_hearth_can_say_that_the_engine_is_dead():
    assert type(crossed(EngineDeadError("Dead."))) is EngineError
    assert type(crossed(EngineDeadError("Dead."), is_trusted=True)) is EngineDeadError


def test_a_mistake_has_a_traceback():
    try:
        raise KeyError("lost")
    except KeyError as error:
        failure = failure_of(error)
    assert (failure.kind, failure.cause) == ("", "KeyError: 'lost'")
    assert failure.details.startswith("Traceback")


def test_texts_are_short_and_can_be_sent():
    failure = failure_of(EngineError("x" * 10_000 + "\ud800", "\ud800"))
    assert (len(failure.cause), failure.remedy) == (2000, "?")
    with pytest.raises(msgspec.ValidationError):
        read_failure(["EngineError", "x" * 3000, "", "", [0, 0]])
    with pytest.raises(msgspec.ValidationError):
        read_failure({"kind": "EngineError"})


def test_texts_of_strangers_do_not_move_the_cursor():
    failure = read_failure(["", "a\x1b[2Jb\u202ec\n", "", "line\n\tline\x1b", [0, 0]])
    assert (failure.cause, failure.details) == ("a [2Jb c ", "line\n\tline ")
