"""What models are measured on: a text and pictures that nothing in Hearth was trained or calibrated with.

The text is Hearth's own: stories, instructions, questions and answers, and code in four languages, written for this.
The pictures are drawn, so that what they say is known; a person's own can be taken instead.
"""

import io
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import CapabilityError
from resources import held_out_file

if TYPE_CHECKING:
    from PIL import ImageFont

PICTURES: Final = 96
_ENDINGS: Final = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
_MOST_PICTURES: Final = 128  # of a folder
_MOST_BYTES: Final = 256 << 20  # of all their files
_MOST_LENGTH: Final = 24  # characters of a line
_COLOURS: Final = (("white", "black"), ("#f4f4f4", "#303030"), ("#202428", "#e0e0e0"), ("#1050a0", "white"))


@dataclass(frozen=True, slots=True)
class HeldOutText:
    """A text to measure on.

    Attributes:
        name: for people.
        text: what it says.
    """

    name: str
    text: str

    def sentences(self) -> list[str]:
        """Its paragraphs, short enough for models that read sentences."""
        parts = (" ".join(part.split()) for part in self.text.split("\n\n"))
        return [part[:300] for part in parts if len(part) >= 40]


@dataclass(frozen=True, slots=True)
class HeldOutPicture:
    """A picture to measure on.

    Attributes:
        data: bytes of the file.
        says: the text in it; None where nobody has said.
    """

    data: bytes
    says: str | None = None


def held_out_text() -> HeldOutText:
    """The text that comes with Hearth."""
    return HeldOutText("Hearth's held-out prose and code", held_out_file().read_text(encoding="utf-8"))


def held_out_pictures(folder: Path | None, count: int = PICTURES) -> tuple[str, list[HeldOutPicture]]:
    """Pictures to measure on, with their name for people.

    Args:
        folder: a person's own; of these, the half that is not calibrated with. None draws some.
        count: how many to draw.

    Raises:
        CapabilityError: there are none in the folder.
    """
    if folder is None:
        return "Hearth's held-out lines of text", list(_drawn("held out", count))
    found = [HeldOutPicture(path.read_bytes()) for path in _half(folder, is_held_out=True)]
    return f"pictures of {folder.name}", found


def calibration_pictures(folder: Path | None, count: int = PICTURES) -> list[bytes]:
    """Pictures to calibrate with, none of which is measured on.

    Args:
        folder: a person's own, of which half is taken; None draws some.
        count: how many to draw.

    Raises:
        CapabilityError: there are none in the folder.
    """
    if folder is None:
        return [picture.data for picture in _drawn("calibration", count)]
    return [path.read_bytes() for path in _half(folder, is_held_out=False)]


def _half(folder: Path, *, is_held_out: bool) -> Sequence[Path]:
    """Every other picture of a folder, in an order that does not depend on where their names come from."""
    paths = [path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS and path.is_file()]
    if len(paths) < 2:
        raise CapabilityError(
            f"{folder} has {len(paths)} pictures, but at least 2 are needed: to calibrate with, and to measure on.",
            "Choose a folder with some dozens of typical pictures.",
        )
    paths.sort(key=lambda path: blake2b(path.name.encode(errors="replace")).digest())
    chosen: list[Path] = []
    room = _MOST_BYTES
    for path in paths[1 if is_held_out else 0 :: 2][:_MOST_PICTURES]:
        room -= path.stat().st_size
        if chosen and room < 0:
            break
        chosen.append(path)
    return chosen


def _drawn(seed: str, count: int) -> Iterator[HeldOutPicture]:
    """Draw lines of text as they stand in windows: words, numbers and signs, dark on light and light on dark."""
    from PIL import ImageFont

    rng = random.Random(seed)
    words = sorted(set(held_out_text().text.split()))
    # Every other word: what is calibrated with must not be measured on.
    words = [word for word in words if (blake2b(word.encode()).digest()[0] % 2 == 0) == (seed == "calibration")]
    for _ in range(count):
        font = ImageFont.load_default(size=round(math.exp(rng.uniform(math.log(14), math.log(44)))))
        assert isinstance(font, ImageFont.FreeTypeFont)
        says = _line(rng, words)
        yield HeldOutPicture(_draw(rng, says, font), says)


def _line(rng: random.Random, words: Sequence[str]) -> str:
    """A few words, now and then with a number; only signs that print in ASCII."""
    line = ""
    while len(line) < _MOST_LENGTH - 8:
        word = f"{rng.randrange(10**6):,}" if rng.random() < 0.15 else rng.choice(words)
        word = word.encode("ascii", "ignore").decode()
        if len(line) + len(word) + 1 > _MOST_LENGTH:
            break
        line = f"{line} {word}".strip()
    return line or "held out"


def _draw(rng: random.Random, says: str, font: "ImageFont.FreeTypeFont") -> bytes:
    from PIL import Image, ImageDraw, ImageFilter

    ground, ink = rng.choice(_COLOURS)
    size = (round(font.getlength(says)) + rng.randint(40, 120), round(font.size * 2) + rng.randint(20, 80))
    image = Image.new("RGB", size, ground)
    ImageDraw.Draw(image).text((rng.randint(12, 24), rng.randint(8, 16)), says, fill=ink, font=font)
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(font.size * rng.uniform(0.01, 0.03)))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
