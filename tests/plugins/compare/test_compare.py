"""One prompt for several models, some of which fail."""

from pathlib import Path

import pytest

from engine.plugins.api import (
    Accepts,
    GenerateRequest,
    InvalidRequestError,
    ModelInfo,
    RequestError,
    Sampling,
    TaskCancelledError,
)
from engine.testing import FakeModels, FakeTaskContext
from plugins.compare.task import COLUMNS, Compare


def info(model: str, name: str) -> ModelInfo:
    return ModelInfo(
        id=model,
        path=Path(f"{model}.gguf"),
        format="gguf",
        name=name,
        architecture="llama",
        size_bytes=1,
        accepts=frozenset({Accepts.MESSAGES}),
        sampling=Sampling(temperature=0.2),
    )


INFOS = (info("a", "Ant"), info("b", "Bee *1*"), info("c", "Cat"))


def answer(request: GenerateRequest) -> str | RequestError:
    return RequestError("It is broken.", "Get another.") if request.model == "b" else f"I am {request.model}."


def inputs(*models: str, **changes: object) -> dict:
    return {"prompt": "Who?", "models": models, "instructions": "", "most_tokens": 9, "seed": 4, **changes}


def run(*models: str, **changes: object):
    context = FakeTaskContext(FakeModels(answer, infos=INFOS))
    return Compare().run(inputs(*models, **changes), context), context


def test_every_model_gets_the_same_prompt_and_a_section():
    outputs, context = run("a", "c")
    assert outputs["answers"] == "## Ant\n\nI am a.\n\n## Cat\n\nI am c."
    assert context.emitted == {"answers": outputs["answers"]}  # what grew is what stays
    assert [request.model for request in context.models.requests] == ["a", "c"]
    for request in context.models.requests:
        assert [message.content for message in request.messages] == ["Who?"]
        assert (request.max_tokens, request.sampling) == (9, Sampling(temperature=0.2, seed=4))


def test_figures_stand_side_by_side():
    outputs, _ = run("a", "c")
    table = outputs["figures"]
    assert table.columns == COLUMNS
    assert table.rows[0] == ("Ant", "3", "10 ms", "22.2 tok/s", "cpu", "–", "")
    assert [row[0] for row in table.rows] == ["Ant", "Cat"]


def test_a_model_that_fails_is_noted_and_the_others_go_on():
    outputs, context = run("a", "b", "c")
    assert outputs["answers"] == context.emitted["answers"]
    assert "## Bee \\*1\\*\n\n\n\n*It is broken. Get another.*" in outputs["answers"]
    assert "I am c." in outputs["answers"]
    assert outputs["figures"].rows[1] == ("Bee *1*", "–", "–", "–", "–", "–", "It is broken. Get another.")


def test_if_all_fail_the_task_fails():
    with pytest.raises(RequestError, match="It is broken"):
        run("b")


def test_instructions_come_first():
    _, context = run("a", instructions="Be brief.")
    assert [message.role for message in context.models.requests[0].messages] == ["system", "user"]


def test_a_model_that_is_named_twice_answers_once():
    assert len(run("a", "a")[1].models.requests) == 1


def test_models_of_the_same_name_are_told_apart():
    models = FakeModels(answer, infos=(info("a", "Ant"), info("c", "Ant")))
    outputs = Compare().run(inputs("a", "c"), FakeTaskContext(models))
    assert [row[0] for row in outputs["figures"].rows] == ["Ant (a)", "Ant (c)"]


def test_without_models_there_is_nothing_to_compare():
    with pytest.raises(InvalidRequestError, match="No model"):
        run()


def test_progress_names_the_model():
    _, context = run("a", "c")
    assert context.progress_log == [(0.0, "Ant (1 of 2)"), (0.5, "Cat (2 of 2)"), (1.0, "")]


@pytest.mark.parametrize("step", range(1, 7))
def test_it_can_be_cancelled_at_every_step(step):
    context = FakeTaskContext(FakeModels(answer, infos=INFOS), cancel_after=step)
    with pytest.raises(TaskCancelledError):
        Compare().run(inputs("a", "b"), context)
