"""What tasks are called, here and on the hub; the words are data that comes with Hearth."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.errors import InvalidRequestError


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskWord:
    """Something that a model can be good for.

    Attributes:
        name: of the task.
        title: for people.
        like: other words for it.
        tags: what the hub calls it; the first is asked for.
        also_tagged: tags that a search asks for besides.
        reads: whether such a model reads texts as a whole, and writes none.
    """

    name: str
    title: str
    like: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    also_tagged: tuple[str, ...] = ()
    reads: bool = False


class TaskWords:
    """All of them.

    Attributes:
        all: in the order in which people are shown them.
    """

    def __init__(self, words: Sequence[TaskWord]) -> None:
        self.all = tuple(words)

    def find(self, name: str) -> TaskWord:
        """The task of this name, or that is called so as well.

        Raises:
            InvalidRequestError: there is none.
        """
        wanted = name.strip().lower()
        for word in self.all:
            if wanted == word.name or wanted in word.like:
                return word
        known = ", ".join(word.name for word in self.all)
        raise InvalidRequestError(f"No models are sorted under the task {name!r}.", f"Choose from: {known}.")

    def of_tags(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Names of the tasks that a model is good for, as its tags on the hub say."""
        found = {tag.lower() for tag in tags}
        return tuple(word.name for word in self.all if found & set(word.tags) and found >= set(word.also_tagged))

    def reads(self, tasks: Iterable[str]) -> bool:
        """Whether models that are good for these read texts as a whole, and write none."""
        named = set(tasks)
        return any(word.reads for word in self.all if word.name in named)
