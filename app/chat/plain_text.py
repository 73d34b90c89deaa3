"""Markdown without its marks, for pasting into programs that do not know it."""

from PySide6.QtGui import QTextDocument

from app.markdown.render import Prose, render


def plain_text_of(markdown: str) -> str:
    """Give the words of an answer; code stays as it is."""
    parts = []
    for block in render(markdown):
        if isinstance(block, Prose):
            document = QTextDocument()
            document.setHtml(block.html)
            parts.append(document.toPlainText().rstrip())
        else:
            parts.append(block.text)
    return "\n\n".join(parts)
