"""Pictures of what concerns Hearth itself: the start after a crash, the log, About, and a new version.

The crash and the new version are staged: neither happens while pictures are taken.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QDialog, QScrollArea, QWidget

from app.preferences import PreferencesPage
from app.recovery import CrashNotice, Ending, EndKind
from app.tasks import Tasks
from app.updates import UpdateDialog
from engine import Release, ReleaseFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.main import App
    from app.screenshots import Photographer

_RELEASE: Final = Release(
    version="99.0.0",
    released="2026-12-24",
    notes="- Models load **twice as fast**.\n- The queue shows *why* a request waits.\n- `hearth bench` knows more.",
    page="https://hearth.example/download",
    files=tuple(
        ReleaseFile(
            system=system,
            name=name,
            url=f"https://hearth.example/{name}",
            sha256="0123456789abcdef" * 4,
            size_bytes=210_000_000,
        )
        for system, name in (
            ("linux", "hearth_99.0.0_amd64.deb"),
            ("linux", "hearth-99.0.0-linux-x86_64.tar.xz"),
            ("windows", "Hearth-99.0.0-setup.exe"),
            ("macos", "Hearth-99.0.0.dmg"),
        )
    ),
)


async def shoot_upkeep(app: App, camera: Photographer, home: Path, all_schemes: Sequence[str]) -> None:
    """Draw it.

    Args:
        app: with an open engine.
        camera: takes the pictures.
        home: data folder, with a log.
        all_schemes: for what is drawn in every scheme.
    """
    page = app.window.findChild(PreferencesPage)
    assert page is not None
    assert page.board is not None
    app.window.open_page("settings")
    area = page.findChild(QScrollArea)
    assert area is not None
    area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())
    await camera.take("settings-more", all_schemes)
    logs = home / "logs"
    logs.mkdir(exist_ok=True)
    line = "2026-11-30 07:41:{:02},120 INFO MainThread app.main: The window is open"
    (logs / "hearth.log").write_text("\n".join(line.format(second) for second in range(60)), encoding="utf-8")
    app.window.show_named("chat")
    ending = Ending(kind=EndKind.NATIVE, detail="Segmentation fault", version="0.1.0")
    crash = CrashNotice(app.appearance, Tasks(), home, ending, app.window.update, app.window)
    crash.show(app.window.notices)
    await camera.take("after-crash", all_schemes)
    log = crash.show_log()
    log.reader.field.setText("07:41:3")
    await camera.take("log", over=log)
    log.close()
    app.window.notice.closed.emit()  # as if the person had closed it
    app.upkeep.show_about()
    await _take_dialog(app.window, camera, "about", all_schemes)
    app.upkeep.updates.found.emit(_RELEASE)
    await camera.take("new-version-note")
    app.window.notice.closed.emit()
    UpdateDialog(app.appearance, _RELEASE, app.window).open()
    await _take_dialog(app.window, camera, "new-version", all_schemes)


async def _take_dialog(window: QWidget, camera: Photographer, name: str, schemes: Sequence[str]) -> None:
    dialog = next(dialog for dialog in window.findChildren(QDialog) if dialog.isVisible())
    await camera.take(name, schemes, over=dialog)
    dialog.close()
