"""Explain code: what it does, and how."""

from typing import Final

from engine.plugins.api import Field, GenerateRequest, InvalidRequestError, Kind, TaskContext, Values, system, user
from plugins.code.source import SOURCE_FIELDS, check_fits, fenced, source_of

FORMS: Final = {
    "brief": "Say in one paragraph what it does.",
    "step by step": (
        "Begin with one sentence that says what it does. Then explain step by step how, in a numbered list. End with "
        "what to watch out for: mistakes, limits, surprising cases."
    ),
    "for beginners": (
        "Explain it to somebody who has just begun to program: what it does, what every part is for, and an example of "
        "input and output."
    ),
}


class ExplainCode:
    """Explains code in words."""

    id = "explain-code"
    title = "Explain code"
    summary = "Says what a piece of code does, and how."
    inputs: tuple[Field, ...] = (
        *SOURCE_FIELDS,
        Field(name="model", title="Model", kind=Kind.MODEL, accepts="messages"),
        Field(name="form", title="Form", kind=Kind.CHOICE, choices=tuple(FORMS), default="step by step"),
        Field(
            name="question", title="Question", required=False, default="", help="What you want to know in particular."
        ),
    )
    outputs: tuple[Field, ...] = (Field(name="explanation", title="Explanation", kind=Kind.MARKDOWN),)

    def run(self, inputs: Values, context: TaskContext) -> Values:
        """Explain.

        Raises:
            InvalidRequestError: there is no code, it is too long, or the model wrote nothing.
        """
        source, model = source_of(inputs), str(inputs["model"])
        context.progress(0.0, "Reading the code")
        most = check_fits(source, model, context)
        question = str(inputs.get("question", "")).strip()
        wish = FORMS[str(inputs["form"])] + (f" Above all, answer this: {question}" if question else "")
        kind = f"this {source.language} code" if source.language else "this code"
        messages = (
            system("You explain code correctly and in plain words. You do not rewrite it, and you do not guess."),
            user(f"Explain {kind}. {wish}\n\n{fenced(source)}"),
        )
        context.progress(0.1, "Explaining")
        request = GenerateRequest(model=model, messages=messages, max_tokens=most)
        result = context.models.generate(request, lambda more: context.emit("explanation", more))
        if not result.text.strip():
            raise InvalidRequestError(f"{model} wrote nothing.", "Pick another model.")
        context.progress(1.0)
        return {"explanation": result.text.strip()}
