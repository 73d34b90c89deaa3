"""What the menu of a model offers: all that the pane can do, and what is asked for more rarely."""

from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from app.models.actions import why_not_quantize, why_not_remove
from app.models.load_states import LoadState
from app.models.rows import Row
from app.models.words import CHAT, VISION, use_words


class Action(Enum):
    """Something that the person can ask for."""

    OPEN = auto()  # in Chat or in Recognize
    LOAD = auto()
    CANCEL = auto()
    UNLOAD = auto()
    PIN = auto()
    FAVOUR = auto()
    RENAME = auto()
    COMPARE = auto()
    QUANTIZE = auto()
    TRY = auto()
    VERIFY = auto()
    FOLDER = auto()
    COPY = auto()
    REMOVE = auto()


Act = Callable[[Action], None]
_GROUPS: Final = (
    (Action.OPEN, Action.LOAD, Action.CANCEL, Action.UNLOAD, Action.PIN),
    (Action.RENAME, Action.FAVOUR, Action.COMPARE, Action.QUANTIZE),
    (Action.TRY, Action.VERIFY, Action.FOLDER, Action.COPY),
    (Action.REMOVE,),
)
_ALWAYS: Final = frozenset({Action.FOLDER, Action.COPY})


def words_of(action: Action, row: Row, state: LoadState) -> str:
    """What the menu says."""
    is_pinned = state.is_pinned or (row.card is not None and row.card.defaults.is_pinned)
    where = "Recognize with it" if row.kind == VISION else "Chat with it"
    return {
        Action.OPEN: where,
        Action.LOAD: "Load",
        Action.CANCEL: "Cancel loading",
        Action.UNLOAD: "Unload",
        Action.PIN: "Let it leave memory again" if is_pinned else "Keep in memory",
        Action.FAVOUR: "No longer a favourite" if row.is_favourite else "Make it a favourite",
        Action.RENAME: "Rename",
        Action.COMPARE: "Compare with another…",
        Action.QUANTIZE: "Quantize…",
        Action.TRY: "Try it out again",
        Action.VERIFY: "Check the whole file",
        Action.FOLDER: "Show in folder",
        Action.COPY: "Copy the path",
        Action.REMOVE: "Remove…",
    }[action]


def refusal_of(action: Action, row: Row, state: LoadState, *, is_busy: bool) -> str | None:
    """Why an action cannot be had now; empty if it can; None where it makes no sense at all."""
    is_moving = state.is_loading
    if row.is_refused and action not in {*_ALWAYS, Action.TRY, Action.REMOVE}:
        return None
    if row.card is None and action is Action.TRY:
        return None
    senseless = {
        Action.OPEN: row.kind not in (CHAT, VISION)
        or use_words(row.card.info.accepts if row.card else frozenset()) not in ("Chat", "Vision"),
        Action.LOAD: state.is_loaded or is_moving,
        Action.CANCEL: not is_moving,
        Action.UNLOAD: not state.is_loaded,
    }
    if senseless.get(action, False):
        return None
    if action is Action.QUANTIZE:
        return why_not_quantize(row)
    if action is Action.REMOVE:
        return why_not_remove(row, state) or ("Wait until the last step has ended." if is_busy else "")
    if action in {Action.LOAD, Action.UNLOAD, Action.TRY} and is_busy:
        return "Wait until the last step has ended."
    return ""


def menu_for(row: Row, state: LoadState, act: Act, parent: QWidget, *, is_busy: bool) -> QMenu:
    """Make the menu of a row; it deletes itself."""
    menu = QMenu(parent)
    menu.setToolTipsVisible(True)
    menu.aboutToHide.connect(menu.deleteLater)
    for group in _GROUPS:
        entries = []
        for action in group:
            refusal = refusal_of(action, row, state, is_busy=is_busy)
            if refusal is None:
                continue
            entry = QAction(words_of(action, row, state), menu)
            entry.setEnabled(not refusal)
            entry.setToolTip(refusal)
            entry.triggered.connect(lambda _checked=False, action=action: act(action))
            entries.append(entry)
        if entries and not menu.isEmpty():
            menu.addSeparator()
        menu.addActions(entries)
    return menu
