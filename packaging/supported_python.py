"""Importing this makes sure that a Python runs which Hearth can use; written so that every Python 3 understands it.

A Python that is too old or too new hands over to python3.13, python3.12 or python3.11 where one is on the PATH.
"""

import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)
NEWEST = (3, 13)


def is_supported(version: "tuple[int, int]") -> bool:
    """Whether Hearth runs on this version of Python."""
    return OLDEST <= version <= NEWEST


def find_supported() -> "str | None":
    """A Python on the PATH that Hearth can use, or None."""
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        program = shutil.which(f"python3.{minor}")
        # pyenv puts programs on the PATH that only say that they are not there.
        if program and subprocess.call([program, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            return program
    return None


def require_supported(version: "tuple[int, int]", arguments: "list[str]") -> None:
    """Go on if this Python will do; otherwise start again with one that does, or end with a sentence."""
    if is_supported(version):
        return
    other = find_supported()
    if other is None:
        cause = f"Hearth runs on Python 3.11 to 3.13, but this is Python {version[0]}.{version[1]}."
        sys.exit(f"{cause} Install one of those, or name it: make PYTHON=/path/to/python3.12 run")
    sys.stdout.flush()
    if os.name == "nt":  # execv would return to the prompt at once there
        sys.exit(subprocess.call([other, *arguments]))
    os.execv(other, [other, *arguments])


require_supported(sys.version_info[:2], sys.argv)
