"""Shared by all tests: Qt draws off the screen."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
