import os
import shutil
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
from smoke.screen import Layout, NoScreenError, Screen, painted_s, png_of, watch

BLACK = bytes(100)
WINDOW = """
from PySide6.QtWidgets import QApplication, QWidget
app = QApplication([])
window = QWidget(styleSheet="background: #ff8000")
window.resize(900, 600)
window.show()
app.exec()
"""


def test_a_window_counts_when_it_is_as_it_stays():
    frame, ground, whole = bytes([1] * 100), bytes([2] * 70 + [1] * 30), bytes([2] * 100)
    looks = [(0.5, frame), (0.7, ground), (1.2, whole), (3.0, bytes([2] * 95 + [3] * 5))]
    assert painted_s(BLACK, looks) == 1.2
    assert painted_s(BLACK, looks, share=0.6) == 0.7


def test_a_mouse_pointer_is_no_window():
    assert painted_s(BLACK, []) is None
    assert painted_s(BLACK, [(0.5, bytes([1] * 4 + [0] * 96))]) is None


def dump(width: int, height: int, points: bytes) -> bytes:
    fields = [0] * 25
    fields[0], fields[1], fields[4], fields[5], fields[11], fields[12], fields[19] = (
        100,
        7,
        width,
        height,
        32,
        4 * width,
        2,
    )
    return struct.pack(">25I", *fields) + bytes(24) + points


def test_a_dump_becomes_a_picture():
    data = dump(2, 1, bytes([255, 0, 0, 0, 0, 128, 255, 0]))  # blue, orange
    layout = Layout.of(data[:100])
    assert (layout.start, layout.width, layout.height) == (124, 2, 1)
    picture = png_of(data, layout)
    begin = picture.index(b"IDAT") + 4
    assert zlib.decompress(picture[begin:-16]) == bytes([0, 0, 0, 255, 255, 128, 0])


def test_another_kind_of_dump_is_refused():
    with pytest.raises(NoScreenError):
        Layout.of(bytes(100))


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="Xvfb is not here")
def test_a_window_on_a_real_screen_is_seen(tmp_path: Path):
    with Screen() as screen:
        before = screen.sample()
        env = {**os.environ, "DISPLAY": screen.display, "QT_QPA_PLATFORM": "xcb"}
        began_s = time.monotonic()
        shown = subprocess.Popen([sys.executable, "-c", WINDOW], env=env)
        try:
            looks = watch(screen, before, began_s, settle_s=0.3, limit_s=60)
        finally:
            shown.kill()
            shown.wait()
        assert painted_s(before, looks) is not None
        screen.save(tmp_path / "kept" / "screen.png")
    assert (tmp_path / "kept" / "screen.png").stat().st_size > 1000
