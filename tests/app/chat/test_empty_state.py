"""The page of a new chat says who will answer, and claims nothing before it knows."""

from pathlib import Path

from PySide6.QtWidgets import QLabel

from app.chat.empty_state import EmptyState
from app.theme import Appearance


def words_of(state: EmptyState) -> str:
    return " ".join(label.text() for label in state.findChildren(QLabel))


def test_nothing_is_claimed_before_models_were_looked_for(qtbot):
    state = EmptyState(Appearance("light"))
    qtbot.addWidget(state)
    state.show_looking()
    assert "Looking for models." in words_of(state)
    assert not any(button.isEnabled() for button in state.buttons)
    state.show_model("", Path("models"))
    assert "There is no model yet. Put a GGUF file into models." in words_of(state)
    assert not any(button.isEnabled() for button in state.buttons)
    state.show_model("starter", Path("models"))
    assert all(button.isEnabled() for button in state.buttons)
