"""Gbnf: reads a grammar as llama.cpp would, to refuse what its parser cannot survive.

llama.cpp overflows its stack on deep nesting, silently forgets large repetition counts, and can run for ever on
grammars that its own check for left recursion lets through. The reader here builds the same rules, with bounds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from engine.errors import GrammarError

MAX_BRACKET_DEPTH: Final = 64
MAX_REPETITIONS: Final = 2_000  # llama.cpp takes a larger maximum for none at all
MAX_ELEMENTS: Final = 1 << 20  # after repetitions are written out; 8 bytes each in llama.cpp
MAX_LEFT_DEPTH: Final = 4_000  # llama.cpp recurses once per step
MAX_LEFT_VISITS: Final = 20_000_000  # llama.cpp looks at a rule again for each way that leads to it

_ESCAPE = r'\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[trn\\"\[\]-])'
_LITERAL = re.compile(rf'"((?:[^"\\]|{_ESCAPE})*)"')
_CLASS = re.compile(rf"\[\^?((?:[^\]\\]|{_ESCAPE})*)\]")
_NAME = re.compile(r"[a-zA-Z0-9-]+")
_SPACE = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_SPACE_AND_LINES = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_BRACES = re.compile(r"\{[ \t]*([0-9]{1,9})[ \t]*(?:(,)[ \t]*([0-9]{1,9})?[ \t]*)?\}")
_SIMPLE_REPEATS: Final[dict[str, tuple[int, int | None]]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}

TERMINAL: Final = -1

Alternative = list[int]  # rule numbers, or TERMINAL for what consumes a character


@dataclass(slots=True)
class _Sequence:
    """The alternative being read."""

    items: Alternative = field(default_factory=list)
    last: int = 0  # where the last symbol begins in `items`
    weight: int = 0  # elements that the last symbol is in llama.cpp
    rules: int = 1  # rules that the last symbol brought along, as llama.cpp counts them


class Gbnf:
    """The rules of one grammar, as numbers.

    Attributes:
        numbers: rule name -> number.
        rules: rule number -> its alternatives.
    """

    def __init__(self, text: str) -> None:
        """Read a grammar.

        Raises:
            GrammarError: it is not GBNF, repeats too much, or is nested too deeply.
        """
        self.numbers: dict[str, int] = {}
        self.rules: dict[int, list[Alternative]] = {}
        self._text = text
        self._at = 0
        self._count = 0  # of rules, named and not
        self._elements = 0
        self._depth = 0
        self._read()

    # -------------------------------------------------------------------------------------------------- reading

    def _read(self) -> None:
        self._skip(True)
        while self._at < len(self._text):
            name = self._match(_NAME, "a rule name")[0]
            number = self._number(name)
            if number in self.rules:
                raise GrammarError(f"The grammar defines {name} twice.", "Rename one of the rules.")
            self._skip(False)
            if not self._text.startswith("::=", self._at):
                raise self._expected("::=")
            self._at += 3
            self._skip(True)
            self.rules[number] = self._alternatives(False)
            if self._at < len(self._text) and self._text[self._at] not in "\r\n":
                raise self._expected("the end of the line")
            self._skip(True)

    def _alternatives(self, nested: bool) -> list[Alternative]:
        found = [self._sequence(nested)]
        while self._text.startswith("|", self._at):
            self._at += 1
            self._skip(True)
            found.append(self._sequence(nested))
        return found

    def _sequence(self, nested: bool) -> Alternative:
        sequence = _Sequence()
        while self._at < len(self._text):
            char = self._text[self._at]
            if char in '"[.':
                self._terminal(sequence, char)
            elif char == "(":
                self._group(sequence)
            elif char in "*+?{":
                self._repeat(sequence, *self._times(char))
            elif char in "<!":
                raise GrammarError("The grammar names tokens with < or !, which is not supported.", "Write their text.")
            elif _NAME.match(char):
                number = self._number(self._match(_NAME, "a rule name")[0])
                self._push(sequence, [number], 1)
            else:
                break
            self._skip(nested)
        return sequence.items

    def _terminal(self, sequence: _Sequence, char: str) -> None:
        if char == ".":
            self._at += 1
            self._push(sequence, [TERMINAL], 1)
            return
        found = self._match(_LITERAL, "a closing quote") if char == '"' else self._match(_CLASS, "a closing ]")
        content = found[1]
        self._push(sequence, [TERMINAL] if content else [], len(content))

    def _group(self, sequence: _Sequence) -> None:
        self._depth += 1
        if self._depth > MAX_BRACKET_DEPTH:
            raise GrammarError(
                f"The grammar nests more than {MAX_BRACKET_DEPTH} brackets.", "Give inner parts a rule of their own."
            )
        self._at += 1
        self._skip(True)
        before = self._count
        number = self._new_rule()
        self.rules[number] = self._alternatives(True)
        if not self._text.startswith(")", self._at):
            raise self._expected(")")
        self._at += 1
        self._depth -= 1
        self._push(sequence, [number], 1)
        sequence.rules = max(1, self._count - before)

    def _times(self, char: str) -> tuple[int, int | None]:
        """Least and most of a repetition; None is no limit."""
        if char != "{":
            self._at += 1
            return _SIMPLE_REPEATS[char]
        found = self._match(_BRACES, "{least,most}")
        least = int(found[1])
        if not found[2]:
            return least, least
        return least, int(found[3]) if found[3] else None

    def _repeat(self, sequence: _Sequence, least: int, most: int | None) -> None:
        """Write a repetition out as llama.cpp does."""
        if sequence.last == len(sequence.items) and not sequence.weight:
            raise self._expected("something to repeat")
        if max(least, most or 0) > MAX_REPETITIONS or (most is not None and most < least):
            raise GrammarError(
                f"The grammar repeats {least} to {'any number of' if most is None else most} times.",
                f"Counts must rise and be at most {MAX_REPETITIONS:,}.",
            )
        sequence.rules *= (most or least or 1) if most is None or most else max(least, 1)
        if sequence.rules > MAX_REPETITIONS:
            raise GrammarError(
                f"The grammar repeats something complicated {max(least, most or 0):,} times.",
                "Repeat it less often, or give it a rule of its own.",
            )
        symbol = sequence.items[sequence.last :]
        self._grow(sequence.weight * (max(least, 1) + (1 if most is None else most - least)))
        repeated = symbol * least
        optional = self._optional(symbol, None if most is None else most - least)
        if optional:
            repeated.append(optional)
        sequence.items[sequence.last :] = repeated
        sequence.weight = sequence.weight * least + bool(optional)

    def _optional(self, symbol: Alternative, times: int | None) -> int:
        """A rule for up to `times` more of a symbol; 0 if there are none."""
        rule = 0
        for _ in range(1 if times is None else times):
            inner, rule = rule, self._new_rule()
            following = rule if times is None else inner
            self.rules[rule] = [[*symbol, following] if following else list(symbol), []]
        return rule

    def _push(self, sequence: _Sequence, items: Alternative, weight: int) -> None:
        sequence.last = len(sequence.items)
        sequence.items.extend(items)
        sequence.weight, sequence.rules = weight, 1
        self._grow(weight)

    def _grow(self, elements: int) -> None:
        self._elements += elements
        if self._elements > MAX_ELEMENTS:
            raise GrammarError("The grammar is too large once its repetitions are written out.", "Repeat less.")

    def _number(self, name: str) -> int:
        if name not in self.numbers:
            self.numbers[name] = self._new_rule()
        return self.numbers[name]

    def _new_rule(self) -> int:
        self._count += 1
        return self._count  # from 1, so that 0 is free to mean none

    def _skip(self, lines: bool) -> None:
        found = (_SPACE_AND_LINES if lines else _SPACE).match(self._text, self._at)
        if found:
            self._at = found.end()

    def _match(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        found = pattern.match(self._text, self._at)
        if not found:
            raise self._expected(what)
        self._at = found.end()
        return found

    def _expected(self, what: str) -> GrammarError:
        line = self._text.count("\n", 0, self._at) + 1
        column = self._at - self._text.rfind("\n", 0, self._at)
        found = repr(self._text[self._at]) if self._at < len(self._text) else "the end"
        return GrammarError(f"The grammar has {found} at line {line}, column {column}, where {what} is expected.")

    # ------------------------------------------------------------------------------------------------- checking

    def check(self) -> None:
        """Check what only shows once all rules are known.

        Raises:
            GrammarError: there is no root, a rule is missing, or a rule can begin with itself.
        """
        if "root" not in self.numbers or self.numbers["root"] not in self.rules:
            raise GrammarError("The grammar has no rule called root.", "Name the rule that describes the answer root.")
        for name, number in self.numbers.items():
            if number not in self.rules:
                raise GrammarError(f"The grammar uses {name} but does not define it.", "Define it or correct the name.")
        self._check_left_recursion()

    def _check_left_recursion(self) -> None:
        """Walk from each rule to the rules that it can begin with."""
        empty = self._can_be_empty()
        edges = {number: list(self._beginnings(number, empty)) for number in self.rules}
        depth: dict[int, int] = {}
        visits: dict[int, int] = {}
        for start in self.rules:
            self._walk(start, edges, depth, visits)
        if max(depth.values()) > MAX_LEFT_DEPTH or sum(visits.values()) > MAX_LEFT_VISITS:
            raise GrammarError("The rules of the grammar refer to one another too often.", "Simplify it.")

    def _walk(self, start: int, edges: dict[int, list[int]], depth: dict[int, int], visits: dict[int, int]) -> None:
        """Depth-first, without recursion; fills in how deep and how often llama.cpp would walk below each rule."""
        active: set[int] = set()
        path = [start]
        while path:
            number = path[-1]
            if number in depth:
                path.pop()
                continue
            if number in active:  # all below it is done
                active.discard(number)
                depth[number] = 1 + max((depth[below] for below in edges[number]), default=0)
                visits[number] = min(1 + sum(visits[below] for below in edges[number]), MAX_LEFT_VISITS + 1)
                path.pop()
                continue
            active.add(number)
            for below in edges[number]:
                if below in active:
                    raise self._left_recursion(below)
                if below not in depth:
                    path.append(below)

    def _left_recursion(self, number: int) -> GrammarError:
        for name, named in self.numbers.items():
            if named == number:
                return GrammarError(
                    f"In the grammar, {name} can begin with itself.", "Let it begin with something else."
                )
        return GrammarError("The grammar repeats something that can be empty.", "Repeat only what has some text.")

    def _can_be_empty(self) -> set[int]:
        users: dict[int, list[int]] = {}
        for number, alternatives in self.rules.items():
            for alternative in alternatives:
                for item in alternative:
                    users.setdefault(item, []).append(number)
        empty: set[int] = set()
        pending = list(self.rules)
        while pending:
            number = pending.pop()
            if number not in empty and any(all(item in empty for item in items) for items in self.rules[number]):
                empty.add(number)
                pending.extend(users.get(number, ()))
        return empty

    def _beginnings(self, number: int, empty: set[int]) -> Iterator[int]:
        for alternative in self.rules[number]:
            for item in alternative:
                if item == TERMINAL:
                    break
                yield item
                if item not in empty:
                    break
