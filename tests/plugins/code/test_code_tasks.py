"""Explaining, testing and completing code."""

from collections.abc import Callable

import pytest

from engine.plugins.api import GenerateRequest, InputFile, InvalidRequestError, RequestError, Task, TaskCancelledError
from engine.testing import FakeModels, FakeTaskContext
from plugins.code.completion import CompleteCode
from plugins.code.explanation import ExplainCode
from plugins.code.source import fenced, source_of
from plugins.code.testing import TestFunction as WriteTests

PYTHON = "def add(a, b):\n    return a + b\n"
TESTS = "def test_add():\n    assert add(1, 2) == 3"
FENCED = f"Here you are:\n```python\n{TESTS}\n```\n"


def run(task: Task, answer: Callable[[GenerateRequest], str | RequestError], window: int = 4_096, **inputs: object):
    context = FakeTaskContext(FakeModels(answer, context_tokens=window))
    defaults = {field.name: field.default for field in task.inputs if field.default is not None}
    return task.run({**defaults, "model": "m", **inputs}, context), context


def test_an_explanation_streams():
    outputs, context = run(ExplainCode(), lambda request: "It adds. ", code=PYTHON, question="Why?")
    assert outputs == {"explanation": "It adds."}
    assert context.emitted["explanation"].strip() == "It adds."
    asked = context.models.requests[0].messages[-1].content
    assert asked.startswith("Explain this Python code. Begin with one sentence")
    assert "Above all, answer this: Why?" in asked
    assert asked.endswith("```python\ndef add(a, b):\n    return a + b\n```")


@pytest.mark.parametrize("form", ["brief", "step by step", "for beginners"])
def test_every_form_is_asked_for_in_its_own_words(form):
    _, context = run(ExplainCode(), lambda request: "x", code=PYTHON, form=form)
    first = context.models.requests[0].messages[-1].content.split("```")[0]
    assert {"brief": "one paragraph", "step by step": "numbered list", "for beginners": "begun to program"}[
        form
    ] in first


def test_tests_are_code_and_nothing_else():
    outputs, context = run(
        WriteTests(), lambda request: FENCED, file=InputFile("sums.py", PYTHON.encode()), function="add"
    )
    assert outputs == {"tests": f"{TESTS}\n"}
    assert context.emitted["tests"].strip() == TESTS
    asked = context.models.requests[0].messages[-1].content
    assert asked.startswith("Write tests in Python with pytest for the function `add`.")
    assert len(context.models.requests) == 1


def test_python_that_does_not_parse_is_written_once_more():
    answers = iter(["```python\ndef test_add(:\n```", FENCED])
    outputs, context = run(WriteTests(), lambda request: next(answers), code=PYTHON)
    assert outputs == {"tests": f"{TESTS}\n"}
    assert "This is no valid Python: line 1" in context.models.requests[1].messages[-1].content


@pytest.mark.parametrize("second", ["still ( wrong", RequestError("No room.")])
def test_a_second_try_that_is_no_better_leaves_the_first(second):
    answers = iter(["```python\ndef test_add(:\n```", second])
    outputs, _ = run(WriteTests(), lambda request: next(answers), code=PYTHON)
    assert outputs == {"tests": "def test_add(:\n"}


def test_a_wish_for_a_framework_is_heard():
    _, context = run(WriteTests(), lambda request: FENCED, code=PYTHON, framework="unittest")
    assert "with unittest for the functions" in context.models.requests[0].messages[-1].content


def test_a_function_that_is_not_there_is_noticed_before_the_model_is_asked():
    with pytest.raises(InvalidRequestError, match="has no subtract"):
        run(WriteTests(), lambda request: FENCED, code=PYTHON, function="subtract")


@pytest.mark.parametrize("task", [ExplainCode(), WriteTests()], ids=lambda task: task.id)
@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"code": "  \n"}, "There is no code"),
        ({"file": InputFile("a.py", b"")}, "There is no code"),
        ({"file": InputFile("a.pyc", b"\0\1\2")}, "holds no source code"),
        ({"code": "word " * 4_000}, "The code has 4,000 tokens, but m can take"),
    ],
)
def test_code_that_cannot_be_used_is_refused(task, inputs, reason):
    with pytest.raises(InvalidRequestError, match=reason):
        run(task, lambda request: FENCED, **inputs)


@pytest.mark.parametrize("task", [ExplainCode(), WriteTests(), CompleteCode()], ids=lambda task: task.id)
def test_an_empty_answer_is_said_so(task):
    with pytest.raises(InvalidRequestError, match=r"wrote no|nothing to fill in"):
        run(task, lambda request: " ", code=PYTHON, prefix="a", suffix="b")


@pytest.mark.parametrize("task", [ExplainCode(), WriteTests(), CompleteCode()], ids=lambda task: task.id)
@pytest.mark.parametrize("step", [1, 2])
def test_it_can_be_cancelled(task, step):
    context = FakeTaskContext(FakeModels(lambda request: FENCED), cancel_after=step)
    defaults = {field.name: field.default for field in task.inputs if field.default is not None}
    with pytest.raises(TaskCancelledError):
        task.run({**defaults, "model": "m", "code": PYTHON, "prefix": "a"}, context)


def test_a_gap_is_filled():
    outputs, context = run(CompleteCode(), lambda request: " a + b", prefix="def add(a, b):\n    return", suffix="\n")
    assert outputs == context.emitted == {"code": " a + b"}
    [request] = context.models.requests
    assert (request.prompt, request.suffix, request.max_tokens) == ("def add(a, b):\n    return", "\n", 256)


@pytest.mark.parametrize(
    ("code", "language"),
    [
        (PYTHON, "Python"),
        ("fn main() {\n    let mut x = 1;\n}", "Rust"),
        ("package main\nfunc main() {}", "Go"),
        ("#include <vector>\nstd::vector<int> v;", "C++"),
        ("int add(int a, int b) {\n    return a + b;\n}", "C"),
        ("public class A {}", "Java"),
        ("const add = (a, b) => a + b", "JavaScript"),
        ("SELECT 1", ""),
    ],
)
def test_the_language_is_guessed(code, language):
    assert source_of({"code": code}).language == language


def test_the_ending_of_a_file_says_the_language():
    assert source_of({"file": InputFile("q.SQL", b"SELECT 1")}).language == "SQL"


def test_text_in_the_form_comes_before_the_file():
    assert source_of({"code": "x = 1", "file": InputFile("a.rs", b"fn f() {}")}).text == "x = 1"


def test_code_cannot_close_its_fence():
    assert fenced(source_of({"code": "a = '''\n```\n'''"})).startswith("````")
