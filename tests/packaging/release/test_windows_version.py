"""What Windows shows of a program's version."""

import ast

import pytest
from failure import SetupError
from release.windows_version import numbers_of, version_resource


@pytest.mark.parametrize(
    ("version", "numbers"), [("0.1.0", (0, 1, 0, 0)), ("2.13", (2, 13, 0, 0)), ("1.2.3rc4", (1, 2, 3, 0))]
)
def test_windows_gets_four_numbers(version: str, numbers: tuple[int, ...]) -> None:
    assert numbers_of(version) == numbers


@pytest.mark.parametrize("version", ["", "dev", "1.70000"])
def test_a_version_that_windows_cannot_hold_is_refused(version: str) -> None:
    with pytest.raises(SetupError):
        numbers_of(version)


def test_the_resource_is_an_expression_with_the_version_in_it() -> None:
    text = version_resource("1.2.3rc4")

    expression = ast.parse(text, mode="eval")

    called = {
        node.func.id for node in ast.walk(expression) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert called == {
        "VSVersionInfo",
        "FixedFileInfo",
        "StringFileInfo",
        "StringTable",
        "StringStruct",
        "VarFileInfo",
        "VarStruct",
    }
    assert "filevers=(1, 2, 3, 0)" in text
    assert "'ProductVersion', '1.2.3rc4'" in text
