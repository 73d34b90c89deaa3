"""From a generate request to a checked and tokenised prompt that fits the context."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from engine.backends.base import Prompt
from engine.backends.llama.checks import MAX_SEED, check_request
from engine.backends.llama.grammar import check_grammar, grammar_from_schema
from engine.backends.llama.sampling import SamplerRecipe, check_compiles
from engine.backends.llama.template import ChatTemplate
from engine.backends.llama.vocabulary import Vocabulary
from engine.errors import CapabilityError, ContextOverflowError, InvalidRequestError
from engine.types import GenerateRequest, Message, ModelInfo, OverflowPolicy

_ANSWER_SHARE = 4  # when turns are dropped, at least a quarter of the context is kept free for a long answer


@dataclass(frozen=True, slots=True, kw_only=True)
class SequencePlan:
    """What a sequence needs beyond its tokens.

    Attributes:
        recipe: how to choose tokens.
    """

    recipe: SamplerRecipe


class Preparer:
    """Prepares requests for one model.

    Thread: any; reads only what never changes after loading.

    Attributes:
        context_tokens: longest prompt plus answer.
    """

    def __init__(
        self, info: ModelInfo, vocabulary: Vocabulary, context_tokens: int, template: ChatTemplate | None
    ) -> None:
        self._name = info.name
        self._recommended = info.sampling
        self._vocabulary = vocabulary
        self.context_tokens = context_tokens
        self._template = template

    def prepare(self, request: GenerateRequest) -> Prompt:
        """Check, render and tokenise a request.

        Raises:
            RequestError: the request cannot be served; says why.
            CapabilityError: the model cannot do this kind of request.
        """
        check_request(request, self._vocabulary.size)
        grammar = self._grammar(request)
        tokens, dropped = self._fit(request)
        if not tokens:
            raise InvalidRequestError("The prompt has no tokens.", "Type something.")
        room = self.context_tokens - len(tokens)
        if room < 1:
            raise ContextOverflowError(len(tokens), self.context_tokens)
        sampling = request.sampling if request.sampling is not None else self._recommended
        seed = sampling.seed if sampling.seed is not None else secrets.randbelow(MAX_SEED + 1)
        return Prompt(
            request=request,
            tokens=tuple(tokens),
            max_tokens=min(request.max_tokens or room, room),
            seed=seed,
            dropped_messages=dropped,
            plan=SequencePlan(recipe=SamplerRecipe(sampling=sampling, seed=seed, grammar=grammar)),
        )

    def _grammar(self, request: GenerateRequest) -> str | None:
        if request.json_schema is not None:
            grammar: str = grammar_from_schema(request.json_schema)
        elif request.grammar is not None:
            grammar = check_grammar(request.grammar)
        else:
            return None
        check_compiles(self._vocabulary, grammar)
        return grammar

    def _fit(self, request: GenerateRequest) -> tuple[list[int], tuple[int, ...]]:
        """Tokens of the request, and the indexes of the messages that were dropped to make it fit."""
        if request.prompt is not None:
            return self._text_tokens(request.prompt, request.suffix), ()
        tokens = self._chat_tokens(request.messages)
        if request.overflow is OverflowPolicy.ERROR:
            return tokens, ()
        wanted = min(request.max_tokens or self.context_tokens, self.context_tokens // _ANSWER_SHARE)
        if len(tokens) + wanted <= self.context_tokens:
            return tokens, ()
        return _drop_oldest(request.messages, self._chat_tokens, self.context_tokens - wanted)

    def _text_tokens(self, prompt: str, suffix: str | None) -> list[int]:
        if suffix is None:
            return self._with_bos(prompt)
        marks = self._vocabulary.infill_tokens
        if marks is None:
            raise CapabilityError(f"{self._name} cannot fill in the middle.", "Pick a code model that can.")
        before, after, middle = marks
        head = self._vocabulary.tokenize(prompt, add_special=False, parse_special=False)
        tail = self._vocabulary.tokenize(suffix, add_special=False, parse_special=False)
        return [*self._vocabulary.bos_tokens, before, *head, after, *tail, middle]

    def _chat_tokens(self, messages: tuple[Message, ...]) -> list[int]:
        if self._template is None:
            raise CapabilityError(
                f"{self._name} has no chat template.", "Give it a plain prompt, or pick a chat model."
            )
        return self._with_bos(self._template.render(messages))

    def _with_bos(self, text: str) -> list[int]:
        """Tokens of a text that may name special tokens, BOS first where the model wants it, never EOS at the end."""
        tokens = self._vocabulary.tokenize(text, add_special=False, parse_special=True)
        bos = self._vocabulary.bos_tokens
        return tokens if tokens[:1] == bos else [*bos, *tokens]  # most chat templates write it themselves


def _drop_oldest(
    messages: tuple[Message, ...], tokenize: Callable[[tuple[Message, ...]], list[int]], limit: int
) -> tuple[list[int], tuple[int, ...]]:
    """Drop as few of the oldest turns as make the conversation fit; all that may go if even that is not enough.

    A turn is a user message with the answers that follow it. System messages and the last turn stay.
    """
    turns = _turns(messages)
    low, high = 1, max(1, len(turns) - 1)
    while low < high:  # the length falls with every turn dropped, so the smallest number that fits can be bisected
        middle = (low + high) // 2
        if len(tokenize(_without(messages, turns[:middle])[0])) <= limit:
            high = middle
        else:
            low = middle + 1
    kept, dropped = _without(messages, turns[:low] if len(turns) > 1 else [])
    return tokenize(kept), dropped


def _turns(messages: tuple[Message, ...]) -> list[list[int]]:
    turns: list[list[int]] = []
    for index, message in enumerate(messages):
        if message.role == "user" or (message.role == "assistant" and not turns):
            turns.append([index])
        elif message.role == "assistant":
            turns[-1].append(index)
    return turns


def _without(messages: tuple[Message, ...], turns: list[list[int]]) -> tuple[tuple[Message, ...], tuple[int, ...]]:
    dropped = {index for turn in turns for index in turn}
    return tuple(message for index, message in enumerate(messages) if index not in dropped), tuple(sorted(dropped))
