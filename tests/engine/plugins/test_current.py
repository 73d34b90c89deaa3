"""What is open for a loaded model follows the plugins."""

import threading

import pytest

from engine.errors import TemplateError
from engine.plugins.contract.models import ModelFacts, Recognition
from engine.plugins.current import Current
from engine.plugins.offers import Offers
from engine.plugins.registry import Registry
from engine.types import Accepts

FACTS = ModelFacts(file_name="a.gguf", format="gguf")


class Family:
    id = "family"

    def recognise(self, facts):
        return Recognition(accepts=frozenset({Accepts.PROMPT}), tasks=())

    def open(self, facts):
        return object()


@pytest.fixture
def registry():
    registry = Registry()
    registry.put("one", Offers(families=[Family()]))
    return registry


def current_of(registry, open_=None):
    return Current(registry, FACTS, lambda served: tuple(served.families.values()), open_ or registry.open_text)


def test_what_is_open_stays_while_the_same_plugin_serves(registry):
    current = current_of(registry)
    opened = current.get()
    registry.put("other", Offers())
    assert current.is_stale
    assert current.get() is opened
    assert not current.is_stale


def test_a_plugin_that_was_loaded_anew_is_asked_anew(registry):
    current = current_of(registry)
    opened = current.get()
    registry.put("one", Offers(families=[Family()]))
    assert current.latest is opened
    assert current.get()[Accepts.PROMPT] is not opened[Accepts.PROMPT]
    assert current.latest is not opened


def test_a_plugin_that_has_gone_serves_no_more(registry):
    current = current_of(registry)
    registry.drop("one")
    assert current.get() == {}


def test_a_refusal_is_tried_again_with_the_next_request(registry):
    refused = []

    def open_(facts):
        if len(refused) == 1:
            refused.append(True)
            raise TemplateError("Broken.")
        refused.append(False)
        return len(refused)

    current = current_of(registry, open_)
    registry.put("one", Offers(families=[Family()]))
    with pytest.raises(TemplateError):
        current.get()
    assert current.get() == 3


def test_many_threads_open_it_once(registry):
    opened = []
    current = current_of(registry, lambda facts: opened.append(True) or len(opened))
    registry.put("one", Offers(families=[Family()]))
    threads = [threading.Thread(target=current.get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 2
