"""Where OpenVINO's plugin can be run by tests; apart from `poked.py`, whose processes need no pytest."""

import platform
import sys

import pytest

needs_openvino = pytest.mark.skipif(
    not (sys.platform == "linux" and platform.machine() == "x86_64"),
    reason="OpenVINO's plugin has no wheel for this system, or the way to its CPU device is not known here",
)
