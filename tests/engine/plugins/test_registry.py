"""Who serves which model, and that asking other processes holds nobody up."""

import threading
import time

import pytest

from engine.errors import CapabilityError, PluginError
from engine.plugins import recognition
from engine.plugins.contract.models import ModelFacts, Recognition
from engine.plugins.offers import Offers
from engine.plugins.registry import Registry
from engine.requests import Accepts

FACTS = ModelFacts(file_name="a.gguf", format="gguf", metadata={"general.name": "a"}, special_tokens={"<s>": 1})
OTHER = ModelFacts(file_name="b.gguf", format="gguf", metadata={"general.name": "b"})


class Family:
    """A family in this process."""

    id = "family"

    def __init__(self, *accepts: Accepts, confidence: float = 0.5, task: str = "chat") -> None:
        self.recognition = Recognition(accepts=frozenset(accepts), tasks=(task,), confidence=confidence)
        self.opened = 0

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        return self.recognition

    def open(self, facts: ModelFacts) -> object:
        self.opened += 1
        return self


class RemoteFamily(Family):
    """One in another process: answers once it may, and knows who asked."""

    is_remote = True

    def __init__(self, *accepts: Accepts, confidence: float = 0.9) -> None:
        super().__init__(*accepts, confidence=confidence, task="remote")
        self.may_answer = threading.Event()
        self.asked: list[str] = []
        self.threads: set[str] = set()

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        self.asked.append(facts.file_name)
        self.threads.add(threading.current_thread().name)
        assert self.may_answer.wait(30)
        return self.recognition


class Failing(Family):
    def recognise(self, facts: ModelFacts) -> Recognition | None:
        raise PluginError("failing", "It failed.")


@pytest.fixture
def registry() -> Registry:
    return Registry()


def wait_for_version(registry: Registry, above: int) -> None:
    changed = threading.Event()
    remove = registry.add_listener(changed.set)
    while registry.version <= above:
        assert changed.wait(30)
        changed.clear()
    remove()


def test_each_form_goes_to_whoever_is_most_confident(registry: Registry):
    general = Family(Accepts.MESSAGES, Accepts.PROMPT)
    special = Family(Accepts.PROMPT, Accepts.SUFFIX, confidence=0.8, task="infill")
    registry.put("general", Offers(families=[general]))
    registry.put("special", Offers(families=[special]))
    served = registry.serve(FACTS)
    assert served.accepts == {Accepts.MESSAGES, Accepts.PROMPT, Accepts.SUFFIX}
    assert served.families == {Accepts.MESSAGES: general, Accepts.PROMPT: special, Accepts.SUFFIX: special}
    assert served.tasks == ("infill", "chat")
    assert served.plugins == ("special", "general")
    formats = registry.open_text(FACTS)
    assert formats[Accepts.PROMPT] is formats[Accepts.SUFFIX] is special
    assert special.opened == 1


def test_of_two_equal_ones_the_bundled_one_serves(registry: Registry):
    registry.put("stranger", Offers(families=[Family(Accepts.PROMPT)]), is_stranger=True)
    registry.put("own", Offers(families=[Family(Accepts.PROMPT)]))
    assert registry.serve(FACTS).plugins == ("own",)
    registry.put("own", Offers(families=[Family(Accepts.PROMPT)]))  # reloaded
    assert registry.serve(FACTS).plugins == ("own",)
    registry.drop("own")
    assert registry.serve(FACTS).plugins == ("stranger",)


def test_a_plugin_that_fails_does_not_break_the_scan(registry: Registry):
    registry.put("failing", Offers(families=[Failing(Accepts.PROMPT)], pipelines=[Failing(Accepts.IMAGE)]))
    registry.put("fine", Offers(families=[Family(Accepts.PROMPT)]))
    assert registry.serve(FACTS).plugins == ("fine",)


def test_a_graph_that_nobody_knows(registry: Registry):
    with pytest.raises(CapabilityError, match=r"No plugin knows what to do with a\.gguf"):
        registry.open_image(FACTS)


def test_versions_and_listeners(registry: Registry):
    heard: list[int] = []
    remove = registry.add_listener(lambda: heard.append(registry.version))
    registry.put("one", Offers())
    registry.drop("one")
    registry.drop("one")  # nothing changes
    remove()
    registry.put("two", Offers())
    assert heard == [1, 2]
    assert registry.version == 3


def test_another_process_is_asked_in_the_background_and_once(registry: Registry):
    remote = RemoteFamily(Accepts.PROMPT)
    registry.put("own", Offers(families=[Family(Accepts.PROMPT)]))
    registry.put("remote", Offers(families=[remote]), is_stranger=True)
    version = registry.version
    for _ in range(3):
        assert registry.serve(FACTS).plugins == ("own",)
    assert registry.version == version
    remote.may_answer.set()
    wait_for_version(registry, version)
    assert registry.serve(FACTS).plugins == ("remote",)
    equal = ModelFacts(file_name="a.gguf", format="gguf", metadata={"general.name": "a"}, special_tokens={"<s>": 1})
    assert registry.serve(equal).plugins == ("remote",)
    assert remote.asked == ["a.gguf"]
    assert remote.threads == {"hearth-recognise-remote"}
    registry.serve(OTHER, wait=True)
    assert remote.asked == ["a.gguf", "b.gguf"]


def test_waiting_gives_the_answer(registry: Registry):
    remote = RemoteFamily(Accepts.PROMPT)
    remote.may_answer.set()
    registry.put("remote", Offers(families=[remote]), is_stranger=True)
    assert registry.serve(FACTS, wait=True).plugins == ("remote",)
    assert registry.open_text(FACTS)[Accepts.PROMPT] is remote


def test_one_that_hangs_holds_up_neither_the_caller_nor_the_others(registry: Registry, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recognition, "WAIT_S", 0.2)
    hangs, answers = RemoteFamily(Accepts.PROMPT), RemoteFamily(Accepts.PROMPT, confidence=0.8)
    answers.may_answer.set()
    registry.put("hangs", Offers(families=[hangs]), is_stranger=True)
    registry.put("answers", Offers(families=[answers]), is_stranger=True)
    began_s = time.monotonic()
    registry.serve(FACTS)
    assert time.monotonic() - began_s < 0.2
    assert registry.serve(FACTS, wait=True).plugins == ("answers",)
    hangs.may_answer.set()


def test_answers_are_forgotten_with_the_plugin(registry: Registry):
    remote = RemoteFamily(Accepts.PROMPT)
    registry.put("remote", Offers(families=[remote]), is_stranger=True)
    registry.serve(FACTS)
    registry.drop("remote")
    assert registry.serve(FACTS, wait=True).plugins == ()
    remote.may_answer.set()
    registry.put("remote", Offers(families=[remote]), is_stranger=True)
    assert registry.serve(FACTS, wait=True).plugins == ("remote",)


def test_a_failing_answer_counts_as_none_and_the_next_question_is_answered(registry: Registry):
    class Odd(RemoteFamily):
        def recognise(self, facts: ModelFacts) -> Recognition | None:
            if facts is FACTS:
                raise ValueError("a fault of Hearth's own")
            return super().recognise(facts)

    remote = Odd(Accepts.PROMPT)
    remote.may_answer.set()
    registry.put("remote", Offers(families=[remote]), is_stranger=True)
    assert registry.serve(FACTS, wait=True).plugins == ()
    assert registry.serve(OTHER, wait=True).plugins == ("remote",)
