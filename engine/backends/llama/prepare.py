"""From a generate request to a checked and tokenised prompt that fits the context."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.backends.base import Prompt
from engine.backends.llama.checks import MAX_SEED, check_request
from engine.backends.llama.composing import AnswerRules, Composer
from engine.backends.llama.grammar import check_grammar, grammar_from_schema
from engine.backends.llama.sampling import SamplerRecipe, check_compiles
from engine.backends.llama.stops import StopScanner
from engine.backends.llama.vocabulary import Vocabulary
from engine.errors import ContextOverflowError, InvalidRequestError
from engine.plugins.contract.models import Composition, TextFormat
from engine.types import GenerateRequest, Message, ModelInfo, OverflowPolicy

_ANSWER_SHARE = 4  # when turns are dropped, at least a quarter of the context is kept free for a long answer


@dataclass(frozen=True, slots=True, kw_only=True)
class SequencePlan:
    """What a sequence needs beyond its tokens.

    Attributes:
        recipe: how to choose tokens.
        rules: how its answer ends and is split.
    """

    recipe: SamplerRecipe
    rules: AnswerRules


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A composition whose tokens fit the context, and the indexes of the messages that were dropped for it."""

    composition: Composition
    tokens: list[int]
    dropped: tuple[int, ...] = ()


class Preparer:
    """Prepares requests for one model.

    Thread: any; reads only what never changes after loading.

    Attributes:
        context_tokens: longest prompt plus answer.
    """

    def __init__(self, info: ModelInfo, vocabulary: Vocabulary, context_tokens: int, composer: Composer) -> None:
        self.context_tokens = context_tokens
        self._recommended = info.sampling
        self._vocabulary = vocabulary
        self._composer = composer

    @property
    def asks_outside(self) -> bool:
        """Whether preparing may have to wait for a plugin in a process of its own."""
        return self._composer.asks_outside

    def prepare(self, request: GenerateRequest) -> Prompt:
        """Check, compose and tokenise a request.

        Raises:
            RequestError: the request cannot be served; says why.
            CapabilityError: no plugin can put this kind of request into the model's words.
            PluginError: the plugin that could has failed.
        """
        check_request(request, self._vocabulary.size)
        text_format = self._composer.format_for(request)
        grammar = self._grammar(request)
        # A grammar rules the answer from its first token on, so that there is no room for thoughts or calls.
        fitted = self._fit(request if grammar is None else replace(request, thinking=False), text_format)
        rules = self._composer.rules(fitted.composition, splits=grammar is None)
        if request.stop:
            rules = replace(rules, stop=(*request.stop, *rules.stop))
            StopScanner(rules.stop)  # together they may be too many
        room = self.context_tokens - len(fitted.tokens)
        if not fitted.tokens:
            raise InvalidRequestError("The prompt has no tokens.", "Type something.")
        if room < 1:
            raise ContextOverflowError(len(fitted.tokens), self.context_tokens)
        sampling = request.sampling if request.sampling is not None else self._recommended
        seed = sampling.seed if sampling.seed is not None else secrets.randbelow(MAX_SEED + 1)
        recipe = SamplerRecipe(sampling=sampling, seed=seed, grammar=grammar)
        return Prompt(
            request=request,
            tokens=tuple(fitted.tokens),
            max_tokens=min(request.max_tokens or room, room),
            seed=seed,
            dropped_messages=fitted.dropped,
            plan=SequencePlan(recipe=recipe, rules=rules),
            read_tool_calls=text_format.read_tool_calls if rules.splits else None,
            begins_thinking=rules.begins_in == "thinking",
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

    def _fit(self, request: GenerateRequest, text_format: TextFormat) -> _Fitted:
        def compose(messages: tuple[Message, ...]) -> _Fitted:
            asked = request if messages is request.messages else replace(request, messages=messages)
            composition = text_format.compose(asked)
            return _Fitted(composition, self._composer.tokens(composition))

        fitted = compose(request.messages)
        if request.prompt is not None or request.overflow is OverflowPolicy.ERROR:
            return fitted
        wanted = min(request.max_tokens or self.context_tokens, self.context_tokens // _ANSWER_SHARE)
        if len(fitted.tokens) + wanted <= self.context_tokens:
            return fitted
        return _drop_oldest(request.messages, compose, self.context_tokens - wanted)


def _drop_oldest(
    messages: tuple[Message, ...], compose: Callable[[tuple[Message, ...]], _Fitted], limit: int
) -> _Fitted:
    """Drop as few of the oldest turns as make the conversation fit; all that may go if even that is not enough.

    A turn is a user message with the answers that follow it. System messages and the last turn stay.
    """
    turns = _turns(messages)
    low, high = 1, max(1, len(turns) - 1)
    while low < high:  # the length falls with every turn dropped, so the smallest number that fits can be bisected
        middle = (low + high) // 2
        if len(compose(_without(messages, turns[:middle])[0]).tokens) <= limit:
            high = middle
        else:
            low = middle + 1
    kept, dropped = _without(messages, turns[:low] if len(turns) > 1 else [])
    return replace(compose(kept), dropped=dropped)


def _turns(messages: tuple[Message, ...]) -> list[list[int]]:
    turns: list[list[int]] = []
    for index, message in enumerate(messages):
        if message.role == "user" or (message.role != "system" and not turns):
            turns.append([index])
        elif message.role != "system":
            turns[-1].append(index)
    return turns


def _without(messages: tuple[Message, ...], turns: list[list[int]]) -> tuple[tuple[Message, ...], tuple[int, ...]]:
    dropped = {index for turn in turns for index in turn}
    return tuple(message for index, message in enumerate(messages) if index not in dropped), tuple(sorted(dropped))
