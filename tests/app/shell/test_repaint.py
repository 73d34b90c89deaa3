"""PySide6 6.12.0 loses a reference to None per overridden virtual call on Python 3.11, and aborts in the end."""

import os
import subprocess
import sys

REPAINTS = 20_000
# A strip two pixels wide from top to bottom: it crosses the rail, its buttons and the status strip.
PROGRAM = f"""
import sys
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QApplication, QWidget
from app.shell.main_window import MainWindow, PageEntry
from app.theme import Appearance

class CountingWindow(MainWindow):
    repaints = 0

    def paintEvent(self, event):
        self.repaints += 1
        super().paintEvent(event)

app = QApplication([])
window = CountingWindow(Appearance("light"), app, [PageEntry("page", "Page", "chat", QWidget())])
window.show()
app.processEvents()
window.repaints = 0
before = sys.getrefcount(None)
for _ in range({REPAINTS}):
    window.repaint(QRect(30, 0, 2, window.height()))
print(window.repaints, sys.getrefcount(None) - before)
"""


def test_a_window_can_be_repainted_20_000_times():
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    result = subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    painted, gained = map(int, result.stdout.split())
    assert painted == REPAINTS
    assert abs(gained) < 1000
