"""The bundled tasks for real: through the engine's door, with the model that ships."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from engine import Engine, EngineError
from engine.plugins.contract.values import InputFile, Values
from engine.plugins.infos import TaskFinished, TaskProgress, TaskRequest, TaskText
from tests.computing import computing

pytestmark = pytest.mark.models

STORY = "\n\n".join(
    f"Chapter {n}. The list has {n} numbers. A function adds them and returns the sum." for n in range(120)
)


@pytest.fixture
async def engine(tmp_path) -> AsyncIterator[Engine]:
    async with Engine(computing(home=tmp_path, max_sequences=4, context_tokens=768)) as opened:
        yield opened


async def run(engine: Engine, task: str, **inputs: object) -> tuple[Values, list[TaskProgress], str]:
    """Outputs, progress, and all text that came while it ran."""
    progress, text = [], ""
    async with aclosing(engine.run_task(TaskRequest(task=task, inputs=inputs))) as events:
        async for event in events:
            if isinstance(event, TaskProgress):
                progress.append(event)
            elif isinstance(event, TaskText):
                text += event.text
            elif isinstance(event, TaskFinished):
                return event.outputs, progress, text
    raise AssertionError("the task never finished")


async def test_a_text_longer_than_the_context_is_summarized(engine):
    file = InputFile("story.txt", STORY.encode())
    outputs, progress, text = await run(engine, "summarize", file=file, model="starter", length="short")
    assert outputs["summary"]
    assert text.strip().startswith(outputs["summary"][:20])
    assert any(event.note.startswith("Reading parts 1 to 8 of ") for event in progress)


async def test_models_are_compared_and_a_broken_one_is_noted(engine, tmp_path):
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF")
    outputs, _, text = await run(
        engine, "compare", prompt="What is a list?", models=("starter", str(broken)), most_tokens=12
    )
    rows = outputs["figures"].rows
    assert rows[0][3].endswith("tok/s")
    assert rows[0][4] == "cpu"
    assert "broken" in rows[1][-1]
    assert outputs["answers"].startswith("## starter\n\n")
    assert text.startswith("## starter\n\n")


async def test_code_is_explained_tested_and_completed(engine):
    code = "def add(a, b):\n    return a + b\n"
    explained, _, _ = await run(engine, "explain-code", code=code, model="starter")
    tested, _, _ = await run(engine, "test-function", code=code, function="add", model="starter")
    completed, _, _ = await run(engine, "complete-code", prefix="def add(a, b):\n    ", suffix="\n", model="starter")
    assert explained["explanation"]
    assert "```" not in tested["tests"]
    assert completed["code"]


async def test_a_file_that_is_no_text_is_refused(engine):
    with pytest.raises(EngineError, match="a PDF document, which cannot be read"):
        await run(engine, "summarize", file=InputFile("a.pdf", b"%PDF-1.7"), model="starter")
