"""Line icons: one-colour SVG files, tinted and rendered for the screen's ratio."""

from functools import cache, lru_cache
from importlib.resources import files

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from resources import app_icon_dir


def app_icon() -> QIcon:
    """Hearth's own icon, for windows and taskbars; a size is read when somebody draws it."""
    icon = QIcon()
    for path in sorted(app_icon_dir().glob("*.png")):
        icon.addFile(str(path), QSize(int(path.stem), int(path.stem)))
    return icon


@cache
def icon_source(name: str) -> str:
    """SVG text of an icon, with `currentColor` where its colour goes.

    Raises:
        FileNotFoundError: no such icon.
    """
    return files("resources").joinpath(f"icons/{name}.svg").read_text(encoding="utf-8")


def tinted_source(name: str, color: str) -> str:
    """SVG text of an icon in a colour such as `#B4471B`."""
    return icon_source(name).replace("currentColor", color)


@lru_cache(maxsize=512)
def icon_pixmap(name: str, color: str, size: int, ratio: float) -> QPixmap:
    """Render an icon.

    Args:
        name: file name in `resources/icons` without `.svg`.
        color: such as `#B4471B`.
        size: edge in pixels at 100 % scaling.
        ratio: device pixels per pixel.
    """
    edge = round(size * ratio)
    pixmap = QPixmap(edge, edge)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(tinted_source(name, color).encode())).render(painter, QRectF(0, 0, edge, edge))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


@lru_cache(maxsize=256)
def tinted_icon(name: str, color: str, disabled: str, checked: str | None, size: int) -> QIcon:
    """Build an icon whose states have their own colours.

    Args:
        name: file name in `resources/icons` without `.svg`.
        color: at rest, such as `#B4471B`.
        disabled: of a disabled control.
        checked: of a checked button; None for the same as at rest.
        size: edge in pixels at 100 % scaling.
    """
    icon = QIcon()
    for ratio in sorted({1.0, _screen_ratio()}):
        on, off = QIcon.State.On, QIcon.State.Off
        for state, shown in ((off, color), (on, checked or color)):
            icon.addPixmap(icon_pixmap(name, shown, size, ratio), QIcon.Mode.Normal, state)
            icon.addPixmap(icon_pixmap(name, disabled, size, ratio), QIcon.Mode.Disabled, state)
    return icon


def _screen_ratio() -> float:
    ratios = [screen.devicePixelRatio() for screen in QGuiApplication.screens()]
    return max(ratios, default=1.0)
