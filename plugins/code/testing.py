"""Test a function: code in, code of tests out."""

import ast
from typing import Final

from engine.plugins.api import (
    EngineError,
    Field,
    GenerateRequest,
    InvalidRequestError,
    Kind,
    Message,
    TaskContext,
    Values,
    assistant,
    system,
    user,
)
from plugins.code.fences import CodeStream, code_in
from plugins.code.source import FRAMEWORKS, SOURCE_FIELDS, Source, check_fits, fenced, source_of

_RULES: Final = (
    "You write tests. Cover the usual case, the edges (empty, zero, one, many) and every error that is raised. Expect "
    "only what the code really does. Give every test a name that says what it shows. Answer with one code block and "
    "nothing else."
)


class TestFunction:
    """Writes tests for a function."""

    __test__ = False  # its name looks like one to pytest

    id = "test-function"
    title = "Test this function"
    summary = "Writes tests for a function, ready to be run."
    inputs: tuple[Field, ...] = (
        *SOURCE_FIELDS,
        Field(name="model", title="Model", kind=Kind.MODEL, accepts="messages"),
        Field(
            name="function",
            title="Function",
            required=False,
            default="",
            help="Its name; empty: all of them.",
            most=200,
        ),
        Field(
            name="framework",
            title="Framework",
            required=False,
            default="",
            help="Empty: what most people use for the language.",
            most=80,
        ),
    )
    outputs: tuple[Field, ...] = (Field(name="tests", title="Tests", multiline=True),)

    def run(self, inputs: Values, context: TaskContext) -> Values:
        """Write tests; Python that does not parse is written once more.

        Raises:
            InvalidRequestError: there is no code, it is too long, it lacks the function, or the model wrote no code.
        """
        source, model = source_of(inputs), str(inputs["model"])
        function = str(inputs.get("function", "")).strip()
        if function and function.split(".")[-1] not in source.text:
            raise InvalidRequestError(f"The code has no {function}.", "Check the name, or leave it empty.")
        context.progress(0.0, "Reading the code")
        most = check_fits(source, model, context)
        messages = _messages(source, function, str(inputs.get("framework", "")).strip())
        context.progress(0.1, "Writing tests")
        stream = CodeStream()
        request = GenerateRequest(model=model, messages=messages, max_tokens=most, thinking=False)
        answer = context.models.generate(request, lambda more: context.emit("tests", stream.push(more))).text
        code = code_in(answer)
        mistake = _mistake(code) if source.language == "Python" else ""
        if mistake:
            context.progress(0.6, "Correcting the tests")
            code = _corrected(request, answer, code, mistake, context)
        if not code.strip():
            raise InvalidRequestError(f"{model} wrote no code.", "Pick another model.")
        context.progress(1.0)
        return {"tests": code}


def _messages(source: Source, function: str, framework: str) -> tuple[Message, ...]:
    what = f"the function `{function}`" if function else "the functions in this code"
    framework = framework or FRAMEWORKS.get(source.language, "")
    how = f" with {framework}" if framework else ""
    language = f" in {source.language}" if source.language else ""
    return system(_RULES), user(f"Write tests{language}{how} for {what}.\n\n{fenced(source)}")


def _corrected(request: GenerateRequest, answer: str, code: str, mistake: str, context: TaskContext) -> str:
    """A second try; the first one, if that is no better."""
    complaint = f"This is no valid Python: {mistake}. Write the whole code block again, corrected."
    messages = (*request.messages, assistant(answer), user(complaint))
    again = GenerateRequest(model=request.model, messages=messages, max_tokens=request.max_tokens, thinking=False)
    [outcome] = context.models.generate_all([again])
    if isinstance(outcome, EngineError):  # the first try with its mistake is of more use than no answer
        return code
    corrected = code_in(outcome.text)
    return code if _mistake(corrected) else corrected


def _mistake(code: str) -> str:
    """What the parser says; empty if it says nothing."""
    try:
        ast.parse(code)
    except SyntaxError as error:
        return f"line {error.lineno}, {error.msg}"
    except (ValueError, RecursionError, MemoryError):
        return "it cannot be parsed"
    return ""
