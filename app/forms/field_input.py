"""FieldInput: what a form asks of the control that fills in one field."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from engine import Value


class FieldInput(QWidget):
    """The control of one field, without its label.

    Attributes:
        missing: what to do where nothing is filled in, one sentence.

    Signals:
        changed: the value is another, or what is wrong with it.

    Thread: UI only.
    """

    changed = Signal()
    missing = "Fill this in."

    def value(self) -> Value | None:
        """What is filled in; None for nothing, or for something that is no value."""
        raise NotImplementedError

    def set_value(self, value: Value) -> None:
        """Fill in; a value of another type is left out."""
        raise NotImplementedError

    def problem(self) -> str:
        """What is wrong with what is filled in, one or two sentences; empty if nothing is."""
        return ""

    def target(self) -> QWidget:
        """The widget that takes the keyboard, and that a screen reader speaks of."""
        raise NotImplementedError

    def marked(self) -> QWidget:
        """The widget whose outline says that the value is wrong."""
        return self.target()


def mark_invalid(widget: QWidget, *, is_invalid: bool) -> None:
    """Give a widget the look of a wrong value, or take it away."""
    if bool(widget.property("invalid")) != is_invalid:
        widget.setProperty("invalid", is_invalid)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
