"""PluginNotice: above every page, which plugins were at work when Hearth crashed, or that this is safe mode."""

from PySide6.QtCore import QObject

from app.plugins.controller import PluginsController
from app.plugins.wording import name_of
from app.theme.widgets import Banner
from engine import PluginInfo, PluginState

_SAFE = (
    "Hearth was started in safe mode.",
    "Plugins that you installed are left out. Start Hearth without --safe to have them back.",
)


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
        suspects = self._suspects()
        ids = tuple(info.id for info in suspects)
        if ids and ids != self._asked_about:
            self._asked_about = ids
            self._banner.show_message("warn", *_words_for(suspects))
        elif self._asked_about and not ids:
            self._forget()
        elif self._controller.is_safe and not self._was_told_safe:
            self._was_told_safe = True
            self._banner.show_message("info", *_SAFE)

    def _suspects(self) -> tuple[PluginInfo, ...]:
        """Strangers' plugins that wait for a decision; without any, those of Hearth, which run again."""
        crashed = [info for info in self._controller.crashed if info.id not in self._answered]
        waiting = tuple(info for info in crashed if info.state is PluginState.STOPPED)
        return waiting or tuple(info for info in crashed if info.is_bundled and info.state is PluginState.ACTIVE)

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


def _words_for(suspects: tuple[PluginInfo, ...]) -> tuple[str, str, str, str]:
    """Cause, remedy, and the words of the two buttons."""
    names = [name_of(info) for info in suspects]
    is_one = len(names) == 1
    listed = names[0] if is_one else f"{', '.join(names[:-1])} and {names[-1]}"
    cause = f"{listed} {'was' if is_one else 'were'} running when Hearth crashed."
    it, they = ("it", "It was") if is_one else ("them", "They were")
    if suspects[0].state is PluginState.STOPPED:
        return cause, f"{they} not started this time.", f"Leave {it} out", f"Start {it} again"
    return cause, f"{they} started again, as a part of Hearth.", f"Leave {it} out", ""
