from pathlib import Path

import compiling
import pytest


@pytest.mark.parametrize(
    ("output", "cause", "remedy"),
    [
        ("CMake Error: CMAKE_CXX_COMPILER not set, after EnableLanguage", "no working C++ compiler", "run"),
        ("write: No space left on device", "disk is full", "Free some space"),
        ("c++: fatal error: Killed signal terminated program cc1plus", "ran out of memory", "PARALLEL_LEVEL=1"),
        ("ERROR: Could not find a version that satisfies llama", "could not be downloaded", "network"),
        ("step one\nx.cpp:3: error: expected ;\nbye", "x.cpp:3: error: expected ;", "build.log"),
    ],
)
def test_failure_names_cause_and_remedy(output: str, cause: str, remedy: str):
    error = compiling.build_failure(output, Path("build.log"))
    assert cause in error.cause
    assert remedy in error.remedy


def test_failure_without_a_telling_line_shows_the_last_ones():
    error = compiling.build_failure("\n".join(f"line {number}" for number in range(100)), Path("build.log"))
    assert "line 99" in error.cause
    assert "line 80" not in error.cause


@pytest.mark.parametrize(
    ("cores", "words"),
    [(1, "about 6 minutes on 1 core"), (2, "about 3 minutes on 2 cores"), (32, "about 1 minute on 32 cores")],
)
def test_estimate_scales_with_cores(cores: int, words: str):
    assert compiling.expected_minutes(cores, 6) == words
