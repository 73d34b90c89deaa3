"""PluginNotice: above every page, which plugins were at work when Hearth crashed, or that this is safe mode."""

from PySide6.QtCore import QObject

from app.plugins.controller import PluginsController
from app.plugins.wording import name_of
from app.theme.widgets import Notice, Notices, Rank
from engine import PluginInfo, PluginState

_SAFE = (
    "Hearth was started in safe mode.",
    "Plugins that you installed are left out, jobs wait, and the window begins with its usual size. Start Hearth again "
    "to have them back.",
)


class PluginNotice(QObject):
    """Speaks above the pages; gone once it was answered or closed.

    Thread: UI only.
    """

    def __init__(self, notices: Notices, controller: PluginsController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._notices = notices
        self._controller = controller
        self._asked_about: tuple[str, ...] = ()
        self._answered: set[str] = set()
        self._was_told_safe = False
        controller.changed.connect(self._show)

    def _show(self) -> None:
        suspects = self._suspects()
        ids = tuple(info.id for info in suspects)
        if ids and ids != self._asked_about:
            self._asked_about = ids
            self._notices.put(Rank.PLUGINS, self._notice_of(suspects))
        elif self._asked_about and not ids:
            self._forget()
        elif self._controller.is_safe and not self._was_told_safe:
            self._was_told_safe = True
            cause, remedy = _SAFE
            self._notices.put(Rank.PLUGINS, Notice(kind="info", cause=cause, remedy=remedy))

    def _suspects(self) -> tuple[PluginInfo, ...]:
        """Strangers' plugins that wait for a decision; without any, those of Hearth, which run again."""
        crashed = [info for info in self._controller.crashed if info.id not in self._answered]
        waiting = tuple(info for info in crashed if info.state is PluginState.STOPPED)
        return waiting or tuple(info for info in crashed if info.is_bundled and info.state is PluginState.ACTIVE)

    def _notice_of(self, suspects: tuple[PluginInfo, ...]) -> Notice:
        names = [name_of(info) for info in suspects]
        is_one = len(names) == 1
        listed = names[0] if is_one else f"{', '.join(names[:-1])} and {names[-1]}"
        it, they = ("it", "It was") if is_one else ("them", "They were")
        leave_out = (f"Leave {it} out", self._leave_out)
        is_waiting = suspects[0].state is PluginState.STOPPED
        return Notice(
            kind="warn",
            cause=f"{listed} {'was' if is_one else 'were'} running when Hearth crashed.",
            remedy=f"{they} not started this time." if is_waiting else f"{they} started again, as a part of Hearth.",
            buttons=(leave_out, (f"Start {it} again", self._start_again)) if is_waiting else (leave_out,),
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
        self._notices.take_away(Rank.PLUGINS)
        return asked
