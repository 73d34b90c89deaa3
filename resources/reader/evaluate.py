"""Measure a reader on fonts it has never seen: `python -m resources.reader.evaluate resources/models/reader.onnx`.

Three tables: distorted lines and clean lines, cut out exactly, test the network alone; whole pictures, where the
line has to be found first, test what a person gets.
"""

import argparse
import io
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from engine.backends.base import LoadOptions, VisionModel
from engine.backends.onnx import OnnxBackend
from engine.backends.onnx.session import Session
from engine.models.onnx import describe
from engine.testing import recognize_images
from engine.types import RecognizeRequest, VisionOutput
from plugins.read_text.ctc import greedy_decode
from resources.reader.fonts import FONT_DIR, Family, held_out_families
from resources.reader.render import render_sample
from resources.reader.text import CHARSET, sample_text

LINES_PER_FAMILY = 1000
PICTURES_PER_FAMILY = 300


@dataclass(slots=True)
class Tally:
    """Counts of one table row; one-character lines are counted apart, as `o` and `O` alone look the same."""

    lines: int = 0
    lines_right: int = 0
    characters: int = 0
    mistakes: int = 0
    singles: int = 0
    singles_right: int = 0
    singles_right_but_case: int = 0

    def add(self, text: str, read: str) -> None:
        """Count one line."""
        if len(text) == 1:
            self.singles += 1
            self.singles_right += text == read
            self.singles_right_but_case += text.lower() == read.lower()
            return
        self.lines += 1
        self.lines_right += text == read
        self.characters += len(text)
        self.mistakes += edit_distance(text, read)

    def row(self, name: str) -> str:
        """One row of a Markdown table."""
        cells = (
            name,
            f"{1 - self.mistakes / self.characters:.2%}",
            f"{self.lines_right / self.lines:.1%}",
            f"{self.singles_right / self.singles:.1%}",
            f"{self.singles_right_but_case / self.singles:.1%}",
        )
        return f"| {' | '.join(cells)} |"


HEADER = """| fonts | characters | lines | single signs | single signs but for case |
|---|---|---|---|---|"""


def edit_distance(first: str, second: str) -> int:
    """Fewest insertions, deletions and replacements that turn one text into the other (Levenshtein 1966)."""
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(second, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


def evaluate_lines(session: Session, family: Family, *, hard: bool) -> Tally:
    """Read lines that are cut out exactly."""
    rng = random.Random(f"evaluate/{family.name}/{hard}")
    tally = Tally()
    for _ in range(LINES_PER_FAMILY):
        grey, text = render_sample(rng, [family], hard=hard)
        line = (grey.astype(np.float32) / 127.5 - 1.0)[np.newaxis, np.newaxis]
        [scores] = session.run({"lines": line})
        tally.add(text, greedy_decode(scores[0], CHARSET)[0])
    return tally


def evaluate_pictures(path: Path, family: Family) -> Tally:
    """Read pictures of one line, 12 to 48 pixels per em, dark on light or light on dark, as the app does."""
    rng = random.Random(f"pictures/{family.name}")
    model = OnnxBackend().load(describe(path, "reader"), LoadOptions(), lambda _: True)
    assert isinstance(model, VisionModel)
    tally = Tally()
    for _ in range(PICTURES_PER_FAMILY):
        text = sample_text(rng)
        data = draw_picture(text, family, rng)
        [outcome] = recognize_images(model, [RecognizeRequest(model="reader", image=data)])
        tally.add(text, " ".join(outcome.text.split()) if isinstance(outcome, VisionOutput) else "")
    return tally


def draw_picture(text: str, family: Family, rng: random.Random) -> bytes:
    """Draw a line somewhere in a picture; returns a PNG file."""
    font = family.font(rng, round(math.exp(rng.uniform(math.log(12), math.log(48)))))
    ground, ink = rng.choice((("white", "black"), ("#f4f4f4", "#303030"), ("#202428", "#e0e0e0"), ("#1050a0", "white")))
    size = (round(font.getlength(text)) + rng.randint(40, 200), round(font.size * 2) + rng.randint(20, 120))
    image = Image.new("RGB", size, ground)
    ImageDraw.Draw(image).text((rng.randint(15, 30), rng.randint(8, 16)), text, fill=ink, font=font)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables of the model card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--fonts", type=Path, default=FONT_DIR)
    options = parser.parse_args(arguments)
    session = Session(options.model, threads=1)
    families = held_out_families(options.fonts)
    print(f"{options.model.stat().st_size:,} bytes")
    for title, hard in (("Distorted lines", True), ("Clean lines", False)):
        print(f"\n{title}, {LINES_PER_FAMILY} per family\n\n{HEADER}")
        for family in families:
            print(evaluate_lines(session, family, hard=hard).row(family.name), flush=True)
    print(f"\nWhole pictures, {PICTURES_PER_FAMILY} per family\n\n{HEADER}")
    for family in families:
        print(evaluate_pictures(options.model, family).row(family.name), flush=True)


if __name__ == "__main__":
    main()
