import pytest
import typer

from engine.cli.sizes import parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("800MB", 800_000_000),
        ("5.5GB", 5_500_000_000),
        ("5.5 gb", 5_500_000_000),
        ("6GiB", 6 << 30),
        ("6Gi", 6 << 30),
        ("2k", 2000),
        ("1.5TiB", 3 << 39),
        (" 12 b ", 12),
    ],
)
def test_sizes_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "GB", "-1GB", "1XB", "1e9", "1,5GB", "nan", "0.0001kB", "9999999TB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_size(text)
