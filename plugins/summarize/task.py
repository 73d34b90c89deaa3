"""Summarize: a file in, a few sentences out."""

from typing import Final

from engine.plugins.api import Field, InputFile, InvalidRequestError, Kind, TaskContext, Values
from plugins.summarize import prompts

SUFFIXES: Final = (
    ".txt", ".md", ".rst", ".org", ".tex", ".log", ".csv", ".json", ".xml", ".html", ".srt", ".py", ".js", ".ts", ".c",
    ".h", ".cpp", ".rs", ".go", ".java", ".kt", ".rb", ".sh", ".toml", ".yaml",
)  # fmt: skip


class Summarize:
    """Summarizes a text file of any length."""

    id = "summarize"
    title = "Summarize a file"
    summary = "Writes down what matters in a text file of any length."
    inputs: tuple[Field, ...] = (
        Field(name="file", title="File", kind=Kind.FILE, suffixes=SUFFIXES, help="Plain text; no PDF."),
        Field(name="model", title="Model", kind=Kind.MODEL, accepts="messages"),
        Field(name="length", title="Length", kind=Kind.CHOICE, choices=tuple(prompts.LENGTHS), default="medium"),
        Field(
            name="language",
            title="Language",
            help="Empty: the language of the file.",
            required=False,
            default="",
            most=40,
        ),
    )
    outputs: tuple[Field, ...] = (Field(name="summary", title="Summary", kind=Kind.MARKDOWN),)

    def run(self, inputs: Values, context: TaskContext) -> Values:
        """Summarize; what does not fit the context is first shortened part by part.

        Raises:
            InvalidRequestError: the file is empty or no text, or the model wrote nothing.
        """
        # Imported here, because Hearth's start need not wait for them.
        from plugins.summarize.document import text_of
        from plugins.summarize.reduction import Reduction, room_of

        file, model, length = inputs["file"], str(inputs["model"]), str(inputs["length"])
        language = " ".join(str(inputs.get("language", "")).split())
        assert isinstance(file, InputFile)
        context.progress(0.0, f"Reading {file.name}")
        text = text_of(file)
        room = room_of(context, model, prompts.LENGTHS[length][1])
        reduction = Reduction(context, model, room, language)
        text, is_notes = reduction.shortened(text)
        context.progress(0.9 if is_notes else 0.1, "Writing the summary")
        ask = prompts.joined if is_notes else prompts.whole
        request = reduction.request(ask(text, length, language), room.answer)
        result = context.models.generate(request, lambda more: context.emit("summary", more))
        summary = result.text.strip()
        if not summary:
            raise InvalidRequestError(f"{model} wrote nothing.", "Pick another model.")
        if result.finish_reason == "length":
            summary = _whole_sentences(summary)
        context.progress(1.0)
        return {"summary": summary}


def _whole_sentences(text: str) -> str:
    """The text up to its last whole sentence, or with an ellipsis if that would cut off more than half."""
    end = max(text.rfind(mark) for mark in (". ", ".\n", "! ", "? ", "。"))
    return text[: end + 1] if end > len(text) // 2 else f"{text}…"
