"""What a Linux desktop reads to show Hearth: entries, icons, kinds of files, AppStream's description, the manual page.

Static parts are in `installer/linux`; what depends on the version, the commands or the theme is filled in here.
"""

import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from release.icons import render_png
from release.manual import manual_page
from release.plan import ROOT
from release.vector_icons import app_svg, model_svg

PARTS: Final = ROOT / "installer" / "linux"
APPSTREAM_ID: Final = "local.hearth.Hearth"
ENTRIES: Final = ("hearth.desktop", "zz-hearth-pictures.desktop")
_SIZES: Final = (16, 22, 24, 32, 48, 64, 128, 256, 512)


def write_desktop_files(share: Path, version: str, epoch: int) -> None:
    """Fill a folder as `/usr/share` holds it.

    Args:
        share: folder, made where it is missing.
        version: of Hearth.
        epoch: when this version was made, in seconds since 1970; the day of its entry in the changelog is preferred.
    """
    for name in ENTRIES:
        _copy(PARTS / name, share / "applications" / name)
    _copy(PARTS / "hearth.mime.xml", share / "mime" / "packages" / "hearth.xml")
    day = release_day((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version, epoch)
    described = (PARTS / "hearth.metainfo.xml.in").read_text(encoding="utf-8")
    described = described.replace("@VERSION@", version).replace("@DATE@", day).replace("@HOMEPAGE@", _homepage())
    _write(share / "metainfo" / f"{APPSTREAM_ID}.metainfo.xml", described.encode())
    _write(share / "man" / "man1" / "hearth.1", manual_page(version, day).encode())
    _write_icons(share / "icons" / "hicolor")


def release_day(changelog: str, version: str, epoch: int) -> str:
    """The day of a release: what its heading in the changelog says, else the day of the source; such as 2026-11-30."""
    heading = re.search(rf"^## \[{re.escape(version)}\] - (\d{{4}}-\d\d-\d\d)", changelog, re.MULTILINE)
    return heading[1] if heading else datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d")


def _homepage() -> str:
    """The element that names the page of a release, where the environment does."""
    page = os.environ.get("HEARTH_RELEASE_PAGE", "")
    return f'  <url type="homepage">{escape(page)}</url>\n' if page else ""


def _write_icons(theme: Path) -> None:
    sheet = model_svg()
    _write(theme / "scalable" / "apps" / "hearth.svg", app_svg().encode())
    _write(theme / "scalable" / "mimetypes" / "hearth-model.svg", sheet.encode())
    for size in _SIZES:
        _write(theme / f"{size}x{size}" / "apps" / "hearth.png", render_png(size))
        drawn = theme / f"{size}x{size}" / "mimetypes" / "hearth-model.png"
        drawn.parent.mkdir(parents=True, exist_ok=True)
        _render(sheet, size).save(str(drawn), "PNG")  # type: ignore[call-overload]  # the stubs want bytes


def _render(source: str, size: int) -> QImage:
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(source.encode())).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return image


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _write(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
