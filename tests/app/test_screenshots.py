"""`make screenshots`: every page in every state, with text that really renders."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QImage

STATES = {
    "chat-empty": 2,
    "chat": 4,
    "chat-cached": 4,
    "chat-error": 2,
    "recognize-empty": 2,
    "recognize": 4,
    "recognize-not-a-picture": 2,
    "recognize-error": 2,
    "tasks-missing": 2,
    "tasks": 4,
    "palette": 4,
    "models-empty": 2,
    "models-refused": 2,
    "models": 4,
    "models-discover": 2,
    "hardware-not-measured": 2,
    "hardware-measuring": 2,
    "hardware": 4,
    "hardware-placement": 4,
    "hardware-paged": 2,
    "queue-empty": 2,
    "queue": 4,
    "queue-ran": 2,
    "queue-finished": 2,
    "plugins-empty": 2,
    "plugins-consent": 4,
    "plugins": 4,
    "plugins-refused": 2,
    "settings": 4,
    "settings-delete": 2,
    "settings-more": 4,
    "after-crash": 4,
    "log": 2,
    "about": 4,
    "new-version-note": 2,
    "new-version": 4,
    "start-failed": 2,
}


_LIMIT_S = 280  # devices are really measured for their pictures, which takes a minute by itself


@pytest.mark.timeout(_LIMIT_S + 20)
@pytest.mark.models
def test_every_state_is_drawn_in_light_and_dark(tmp_path: Path):
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "app.screenshots", "--out", str(tmp_path / "out")]
    result = subprocess.run(command, env=env, capture_output=True, text=True, timeout=_LIMIT_S)
    assert result.returncode == 0, result.stderr
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert len(names) == sum(STATES.values())
    for state in STATES:
        light, dark = (QImage(str(tmp_path / "out" / f"{state}-{scheme}.png")) for scheme in ("light", "dark"))
        assert light.width() == dark.width() == 1280
        assert light.pixelColor(30, 300).lightness() > 200 > 60 > dark.pixelColor(30, 300).lightness()
    # Without fonts every letter is the same box; with them the two titles in the rail differ.
    image = QImage(str(tmp_path / "out" / "recognize-light.png"))
    titles = [image.copy(QRect(4, top, 64, 14)) for top in (42, 102)]
    assert titles[0] != titles[1]
    assert all(len({t.pixel(x, y) for x in range(64) for y in range(14)}) > 10 for t in titles)
