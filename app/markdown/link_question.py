"""The question before a link of a model's is opened."""

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox, QWidget


def ask_to_open(url: str, writer: str, parent: QWidget) -> None:
    """Show a link in full and open it in the browser if the person says so; returns at once.

    Args:
        url: a safe one, as `links.is_safe_link` says.
        writer: who wrote it: "The model".
        parent: page that it stands on.
    """
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle("Open a link")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(f"Open this link in the browser? {writer} wrote it; nobody has checked it.")
    box.setInformativeText(url)
    keep = box.addButton("Stay here", QMessageBox.ButtonRole.RejectRole)
    leave = box.addButton("Open", QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(keep)
    box.setEscapeButton(keep)
    leave.clicked.connect(lambda: QDesktopServices.openUrl(QUrl(url)))
    box.open()
