"""RemoteRecognition: what plugins in other processes say about models, asked in the background and kept."""

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Final

from engine.errors import EngineError
from engine.plugins.contract.models import ModelFacts, Recognition

log = logging.getLogger(__name__)

WAIT_S: Final = 3.0  # a little longer than one call of a plugin's process may take
MAX_KEPT: Final = 20_000
MAX_KEYS: Final = 1_000

Ask = Callable[[ModelFacts], Recognition | None]
"""`recognise` of an offer; may block as long as one call may take."""

_Key = tuple[str, int, bytes]  # plugin, identity of its offer, facts


def is_remote(offer: object) -> bool:
    """Whether calls of an offer go to another process, and can take as long as its limit allows."""
    return bool(getattr(offer, "is_remote", False))


def facts_key(facts: ModelFacts) -> bytes:
    """What stands for all the facts of a model; those are too large to keep, and hold dicts."""
    return hashlib.blake2b(repr(facts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


class RemoteRecognition:
    """Answers of plugins in other processes, by model.

    Every plugin is asked on a thread of its own, which lives as long as there are questions: one that hangs does not
    hold up the others.

    Thread: any.
    """

    def __init__(self, on_known: Callable[[], None]) -> None:
        """Make one.

        Args:
            on_known: called on any thread when a plugin has recognised a model.
        """
        self._on_known = on_known
        self._lock = threading.Lock()
        self._keys: dict[int, tuple[ModelFacts, bytes]] = {}  # by identity; only ever gains equal values
        self._answers: dict[_Key, Future[Recognition | None]] = {}  # guarded by _lock
        self._questions: dict[str, deque[tuple[_Key, Ask, ModelFacts]]] = {}  # guarded by _lock; a thread for each

    def recall(self, plugin: str, ask: Ask, offer: object, facts: ModelFacts, *, wait: bool) -> Recognition | None:
        """What an offer says about a model; None while it is not known.

        Args:
            plugin: id of the plugin.
            ask: how to find out.
            offer: whose answer it is.
            facts: of the model.
            wait: whether to wait for the answer, as long as one call may take.
        """
        key = (plugin, id(offer), self._key_of(facts))
        with self._lock:
            answer = self._answers.get(key)
            if answer is None:
                answer = self._answers[key] = Future()
                self._put_question(plugin, (key, ask, facts), is_urgent=wait)
        if not wait and not answer.done():
            return None
        try:
            return answer.result(WAIT_S)
        except FutureTimeoutError:
            return None

    def wait(self) -> None:
        """Wait until all questions so far have been answered, at most as long as one call may take."""
        with self._lock:
            answers = list(self._answers.values())
        futures.wait(answers, WAIT_S)

    def _key_of(self, facts: ModelFacts) -> bytes:
        """The key of facts that are asked about again and again, whenever any plugin changes."""
        known = self._keys.get(id(facts))
        if known is not None and known[0] is facts:
            return known[1]
        key = facts_key(facts)  # milliseconds, for a large vocabulary
        if len(self._keys) >= MAX_KEYS:
            self._keys = {}
        self._keys[id(facts)] = (facts, key)  # holds them, so that no others can have their identity
        return key

    def forget(self, plugin: str) -> None:
        """Drop answers and questions of a plugin that has changed or gone."""
        with self._lock:
            gone = [key for key in self._answers if key[0] == plugin]
            dropped = [self._answers.pop(key) for key in gone]
            if questions := self._questions.get(plugin):
                questions.clear()
        for answer in dropped:
            _settle(answer, None)

    def _put_question(self, plugin: str, question: tuple[_Key, Ask, ModelFacts], *, is_urgent: bool) -> None:
        if len(self._answers) > MAX_KEPT:
            for key in [key for key, answer in self._answers.items() if answer.done()][: MAX_KEPT // 2]:
                del self._answers[key]
        if plugin not in self._questions:
            self._questions[plugin] = deque()
            threading.Thread(target=self._work, args=(plugin,), name=f"hearth-recognise-{plugin}", daemon=True).start()
        questions = self._questions[plugin]
        if is_urgent:
            questions.appendleft(question)
        else:
            questions.append(question)

    def _work(self, plugin: str) -> None:
        while True:
            with self._lock:
                questions = self._questions[plugin]
                if not questions:
                    del self._questions[plugin]
                    return
                key, ask, facts = questions.popleft()
                answer = self._answers.get(key)
            if answer is None:
                continue
            found = _ask(plugin, ask, facts)
            if _settle(answer, found) and found is not None:
                self._on_known()


def _ask(plugin: str, ask: Ask, facts: ModelFacts) -> Recognition | None:
    try:
        return ask(facts)
    except EngineError as error:
        log.warning("%s cannot say whether it knows %s: %s", plugin, facts.file_name, error)
    except Exception:  # the thread serves all questions to come
        log.exception("%s failed to recognise %s", plugin, facts.file_name)
    return None


def _settle(answer: "Future[Recognition | None]", found: Recognition | None) -> bool:
    """Give an answer, unless it has been given; say whether this one is it."""
    if answer.done():
        return False
    answer.set_result(found)
    return True
