"""PluginNotice: above every page: which plugins were running at a crash, and that Hearth was started without any."""

from PySide6.QtCore import QObject

from app.plugins.controller import PluginsController
from app.plugins.wording import name_of
from app.theme.widgets import Banner
from engine import PluginInfo, PluginState


class PluginNotice(QObject):
    """Speaks through a banner of the window; gone once it was answered or closed.

    Thread: UI only.
    """

    def __init__(self, banner: Banner, controller: PluginsController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._banner = banner
        self._controller = controller
        self._asked_about: tuple[str, ...] = ()
        self._answered: set[str] = set()
        self._was_told_safe = False
        controller.changed.connect(self._show)
        banner.pressed.connect(self._leave_out)
        banner.other_pressed.connect(self._start_again)

    def _show(self) -> None:
        stopped = tuple(
            info
            for info in self._controller.crashed
            if info.state is PluginState.STOPPED and info.id not in self._answered
        )
        ids = tuple(info.id for info in stopped)
        if ids and not self._asked_about:
            self._asked_about = ids
            self._banner.show_message("warn", *_words_for(stopped), "Leave it out", "Start it again")
        elif self._asked_about and not ids:
            self._forget()
        elif self._controller.is_safe and not self._was_told_safe:
            self._was_told_safe = True
            self._banner.show_message(
                "info",
                "Hearth was started in safe mode.",
                "Plugins that you installed are left out. Start Hearth without --safe to have them back.",
            )

    def _leave_out(self) -> None:
        for plugin in self._forget():
            self._controller.disable(plugin)

    def _start_again(self) -> None:
        for plugin in self._forget():
            self._controller.enable(plugin)

    def _forget(self) -> tuple[str, ...]:
        asked, self._asked_about = self._asked_about, ()
        self._answered.update(asked)
        self._banner.clear()
        return asked


def _words_for(stopped: tuple[PluginInfo, ...]) -> tuple[str, str]:
    names = [name_of(info) for info in stopped]
    if len(names) == 1:
        return f"{names[0]} was running when Hearth crashed.", "It was not started this time."
    listed = f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{listed} were running when Hearth crashed.", "They were not started this time."
