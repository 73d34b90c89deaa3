"""Questions and answers made mechanically from the standard library and from the documentation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from resources.starter.corpus import Document, inline

_MAX_LINES = 24
_MAX_ANSWER = 700


@dataclass(frozen=True, slots=True)
class Pair:
    """One question with its answer; ``key`` names what it is about, so that all phrasings stay on one side."""

    key: str
    question: str
    answer: str


def code_pairs(document: Document) -> Iterator[Pair]:
    """ "Write a function that ..." and "What does ... do?" for the documented functions of one module."""
    try:
        tree = ast.parse(document.text)
    except SyntaxError:
        return
    module = document.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    for node in tree.body:
        doc = ast.get_docstring(node) if isinstance(node, ast.FunctionDef | ast.ClassDef) else None
        if not doc or not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("__"):
            continue
        first = paragraph(doc)
        key = f"{module}.{node.name}"
        if not 20 <= len(first) <= _MAX_ANSWER:
            continue
        if isinstance(node, ast.ClassDef):
            yield Pair(key, f"What is the class {key}?", f"`{key}` is a class in the module `{module}`. {first}")
            continue
        yield Pair(key, f"What does {key} do?", first)
        source = ast.get_source_segment(document.text, node) or ""
        if source.count("\n") <= _MAX_LINES and len(source) < 1200:
            yield Pair(key, f"Write a Python function that does this: {sentence(first)}", code_block(source))
            yield Pair(key, f"Write a function `{node.name}` in Python. {sentence(first)}", code_block(source))


def doc_pairs(document: Document, rst: str) -> Iterator[Pair]:
    """Questions about the functions, classes and module that one page of the library reference describes."""
    module = ""
    lines = rst.splitlines()
    for number, line in enumerate(lines):
        match = re.match(r"\.\. (module|function|class|method|exception|data|decorator):: *(.+)", line.strip())
        if not match:
            continue
        kind, signature = match[1], match[2].strip()
        if kind == "module":
            module = signature
            yield from _module_pair(module, lines[number + 1 : number + 4])
            continue
        name = re.split(r"[\s(]", signature, maxsplit=1)[0]
        answer = _description(lines[number + 1 :])
        if not 20 <= len(answer) <= _MAX_ANSWER:
            continue
        full = name if "." in name or not module or document.name.endswith("functions.rst.txt") else f"{module}.{name}"
        answer = f"`{signature}`: {answer}"
        yield Pair(full, f"What does {full} do?" if kind != "class" else f"What is {full}?", answer)
        yield Pair(full, f"How do I use {full} in Python?", answer)


def _module_pair(module: str, options: list[str]) -> Iterator[Pair]:
    for option in options:
        if option.strip().startswith(":synopsis:"):
            answer = f"The module `{module}` of Python's standard library: {inline(option.split(':', 2)[2].strip())}"
            yield Pair(module, f"What is the module {module} for?", answer)
            yield Pair(module, f"What can I do with {module} in Python?", answer)


def glossary_pairs(rst: str) -> Iterator[Pair]:
    """Questions about the words that the documentation's glossary explains."""
    for match in re.finditer(r"^   (?=\S)(.+)\n((?:      .*\n|\n)+)", rst, re.MULTILINE):
        word = inline(match[1]).strip("`")
        answer = paragraph(inline_all(match[2]))
        if len(word) < 30 and 20 <= len(answer) <= _MAX_ANSWER and not answer.startswith("See "):
            article = "an" if word[0] in "aeiou" else "a"
            for question in (f"What is {article} {word} in Python?", f"Explain {word}.", f"What does {word} mean?"):
                yield Pair(f"glossary {word}", question, answer)


def faq_pairs(rst: str) -> Iterator[Pair]:
    """The questions of the documentation's FAQ pages with the beginnings of their answers."""
    for match in re.finditer(r"^(\S.*\?)\n[-=]{4,}\n+((?:.*\n)+?)(?=\.\. |\S.*\n[-=]{4,}\n|\Z)", rst, re.MULTILINE):
        answer = whole_paragraphs(inline_all(match[2]), _MAX_ANSWER)
        if len(answer) > 20 and ".. " not in answer:
            question = inline(match[1])
            yield Pair(f"faq {question}", question, answer)


def _description(lines: list[str]) -> str:
    body: list[str] = []
    for line in lines:
        text = line.strip()
        if not text and body:
            break
        if line and not line.startswith(" "):
            break
        if re.match(r"\.\. |:\w+:(\s|$)", text) or (not body and text.endswith(")") and " " not in text):
            if body:
                break
            continue
        if text:
            body.append(text)
    return inline(" ".join(body)).strip()


def inline_all(text: str) -> str:
    """Every line of ``text`` through :func:`resources.starter.corpus.inline`, without the common indent."""
    lines = [inline(line) for line in text.splitlines()]
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[indent:] for line in lines)


def whole_paragraphs(text: str, limit: int) -> str:
    """As many whole paragraphs of ``text`` as fit into ``limit`` characters."""
    out = ""
    for part in text.strip().split("\n\n"):
        if len(out) + len(part) > limit:
            break
        out += part + "\n\n"
    return out.strip()


def paragraph(text: str) -> str:
    """The first paragraph of ``text`` on one line."""
    return " ".join(text.strip().split("\n\n")[0].split())


def sentence(text: str) -> str:
    """The first sentence of ``text``, with a full stop."""
    return re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0].rstrip(".:") + "."


def code_block(source: str) -> str:
    """``source`` as a fenced block of Markdown."""
    return f"```python\n{source.strip()}\n```"
