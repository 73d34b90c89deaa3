"""The icon of the app: Hearth's glyph in white on a rounded ground of the accent, in the formats of every system.

A small icon is no shrunken large one: at 16 pixels the hearth around the flame would be a smear, so there the flame
stands alone, filled.
"""

import io
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from release.plan import ROOT

_GLYPH: Final = ROOT / "resources" / "icons" / "hearth.svg"
_TOKENS: Final = ROOT / "resources" / "themes" / "tokens.toml"
WINDOW_SIZES: Final = (16, 20, 24, 32, 48, 64, 128, 256)
"""Edges in pixels that window managers and taskbars ask for, at every usual scaling."""
_ICNS_SIZES: Final = (16, 32, 64, 128, 256, 512, 1024)
_FLAME_UP_TO: Final = 24
_ROUNDING: Final = 0.22  # of the edge
_MAC_MARGIN: Final = 100 / 1024  # Apple's grid leaves this much around a rounded square


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawing:
    """What is put on the ground; lengths in units of a 24-unit square, whose middle it is centred on from side to side.

    Attributes:
        source: SVG text.
        width: how wide it is.
        reach: from its middle to where it ends with a straight edge.
        middle: its middle from top to bottom.
        bottom: where it ends.
    """

    source: str
    width: float
    reach: float
    middle: float
    bottom: float


def render_png(size: int) -> bytes:
    """Draw the icon.

    Args:
        size: edge in pixels.

    Returns:
        A PNG file with a transparent background.
    """
    return _png(_draw(size, 0.0))


def write_pngs(folder: Path) -> None:
    """Write the icon of the window in all its sizes, each named by its edge, as `resources/app_icon` holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    for size in WINDOW_SIZES:
        (folder / f"{size}.png").write_bytes(render_png(size))


def write_ico(path: Path) -> None:
    """Write the icon for Windows, with every size it shows."""
    _largest_first(path, "ICO", WINDOW_SIZES, 0.0)


def write_icns(path: Path) -> None:
    """Write the icon for macOS, with the margin that its icons have."""
    _largest_first(path, "ICNS", _ICNS_SIZES, _MAC_MARGIN)


def _largest_first(path: Path, kind: str, sizes: tuple[int, ...], margin: float) -> None:
    images = [Image.open(io.BytesIO(_png(_draw(size, margin)))) for size in sorted(sizes, reverse=True)]
    images[0].save(path, kind, append_images=images[1:], sizes=[(size, size) for size in sizes])


def _draw(size: int, margin: float) -> QImage:
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    inset = round(size * margin)
    ground = QRectF(inset, inset, size - 2 * inset, size - 2 * inset)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(_color("accent")))
    painter.drawRoundedRect(ground, _ROUNDING * ground.width(), _ROUNDING * ground.width())
    drawing = _flame() if size <= _FLAME_UP_TO else _hearth()
    # What stands straight begins and ends with a whole pixel, else it is grey.
    unit = max(round(0.66 * ground.width() / drawing.width * drawing.reach), 1) / drawing.reach
    left = ground.center().x() - 12 * unit
    bottom = round(ground.center().y() + (drawing.bottom - drawing.middle) * unit)
    place = QRectF(left, bottom - drawing.bottom * unit, 24 * unit, 24 * unit)
    QSvgRenderer(QByteArray(drawing.source.encode())).render(painter, place)
    painter.end()
    return image


def _hearth() -> _Drawing:
    source = _GLYPH.read_text(encoding="utf-8").replace("currentColor", _color("accent-text"))
    return _Drawing(source=source, width=18.8, reach=7.375, middle=13.1, bottom=21.075)


def _flame() -> _Drawing:
    source = _GLYPH.read_text(encoding="utf-8")
    flame = re.findall(r'<path d="[^"]*"/>', source)[-1].replace("<path", f'<path fill="{_color("accent-text")}"')
    framed = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">{flame}</svg>'
    return _Drawing(source=framed, width=7.8, reach=2.9, middle=13.4, bottom=17.8)


def _color(role: str) -> str:
    with _TOKENS.open("rb") as file:
        return str(tomllib.load(file)["light"][role])


def _png(image: QImage) -> bytes:
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # the stubs want bytes, which Qt refuses
    return bytes(data.data())
