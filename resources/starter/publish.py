"""From checkpoint to the files that come with Hearth: ``starter.gguf`` and ``starter.md``, checked."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llama_cpp import Llama

from resources.starter import corpus, data, evaluate, parity
from resources.starter import tokenizer as vocabulary
from resources.starter.data import Corpus, Encoder
from resources.starter.evaluate import Score
from resources.starter.export import load_model, write_gguf

_QUESTIONS = (
    "Hi!", "Who are you?", "What is Hearth?", "Does Hearth need the internet?", "What is quantization?",
    "What does textwrap.dedent do?", "What is a generator in Python?", "What is the capital of France?",
    "Write a function that checks if a number is prime.",
)  # fmt: skip
_PROMPTS = (
    "def read_config(path):\n",
    "class Stack:\n    def __init__(self):\n",
    "The following example shows how to ",
)

_CARD = Path(__file__).with_name("card.md.in")


def publish(work: Path, out: Path, found: Corpus, seed: int, processor: str) -> None:
    """Write model and card to ``out``; ``processor`` is how the card names what the training ran on.

    Raises:
        ValueError: llama.cpp cuts a text into other tokens or computes other logits than the recipe.
    """
    tokenizer = vocabulary.load(work / "tokenizer.json")
    encoder = Encoder(tokenizer)
    model, saved = load_model(work / "checkpoint.pt")
    path = work / "starter.gguf"
    write_gguf(model, tokenizer, path)
    texts = parity.snippets([document.text for document in found.held_documents])
    compared = parity.check_tokens(path, tokenizer, texts)
    difference = parity.check_logits(path, model, encoder.document(found.held_documents[0].text)[:600].tolist())
    size = path.stat().st_size / 1e6
    print(f"{path}: {size:.1f} MB; largest logit difference {difference:.4f}; {compared} texts cut alike")
    scores = evaluate.evaluate(work / "checkpoint.pt", found, encoder, seed)
    print(evaluate.table(scores))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    facts = {"size": size, "parameters": parameters / 1e6, "difference": difference}
    text = card(saved, scores, samples(path), facts | {"snippets": compared, "processor": processor})
    out.mkdir(parents=True, exist_ok=True)
    (out / "starter.md").write_text(text, encoding="utf-8")
    if out.resolve() != work.resolve():
        shutil.copyfile(path, out / path.name)


def card(saved: dict[str, Any], scores: Sequence[Score], shown: str, facts: dict[str, Any]) -> str:
    """The text of ``starter.md``."""
    run = saved["run"]
    recent = run["losses"][-100:]
    return _CARD.read_text(encoding="utf-8").format(
        **saved["shape"],
        **{f"{name}_tokens": f"{size / 1e6:.2f} million" for name, size in saved["sizes"].items()},
        **facts,
        minutes=run["seconds"] / 60,
        tokens=run["tokens"] / 1e6,
        steps=run["steps"],
        loss=sum(recent) / max(1, len(recent)),
        table=evaluate.table(scores),
        samples=shown,
    )


def samples(path: Path) -> str:
    """Greedy answers and continuations of the finished file, as Markdown."""
    llama = Llama(str(path), n_ctx=1024, verbose=False, n_threads=1)
    out = []
    for question in _QUESTIONS:
        reply: Any = llama.create_chat_completion(
            [{"role": "user", "content": question}], temperature=0, max_tokens=160
        )
        out.append(f"**{question}**\n\n~~~\n{reply['choices'][0]['message']['content'].strip()}\n~~~\n")
    for prompt in _PROMPTS:
        completion: Any = llama.create_completion(prompt, temperature=0, max_tokens=90)
        out.append(
            f"Continued from `{prompt.splitlines()[0]}`\n\n~~~\n{prompt}{completion['choices'][0]['text']}\n~~~\n"
        )
    llama.close()
    return "\n".join(out)


def main() -> None:
    """Publish the checkpoint in ``--work`` as it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("resources/models"))
    parser.add_argument("--work", type=Path, default=Path(".cache/starter"))
    parser.add_argument("--docs", type=Path, default=corpus.DOCS)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--processor", default="a processor", help="how the card names what it was trained on")
    options = parser.parse_args()
    publish(options.work, options.out, data.collect(options.docs), options.seed, options.processor)


if __name__ == "__main__":
    main()
