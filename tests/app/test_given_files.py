from pathlib import Path

import pytest

from app.given_files import GivenFiles, named, sort_out


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("model.gguf", "/here/model.gguf"),
        ("../model.gguf", "/model.gguf"),
        ("/a/b.onnx", "/a/b.onnx"),
        ("file:///a/b%20c%23%C3%A9.gguf", "/a/b c#é.gguf"),
        ("FILE://localhost/a.png", "/a.png"),
        ("file:///a/100%25.png", "/a/100%.png"),
        ("http://host/a.png", "/here/http:/host/a.png"),
    ],
)
def test_names_and_addresses_become_absolute_paths(text: str, path: str):
    assert named(text, Path("/here")) == Path(path).absolute()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.gguf", "b.ONNX", "c.jpeg", "d.zip", "e.hearth-plugin", "f.txt"):
        (tmp_path / name).write_bytes(b"?")
    (tmp_path / "blob").write_bytes(b"GGUF\3\0\0\0")
    for name, content in {"plugin": "plugin.toml", "models": "x.gguf", "pictures": "y.png", "empty": ""}.items():
        (tmp_path / name).mkdir()
        if content:
            (tmp_path / name / content).touch()
    return tmp_path


def test_files_are_known_by_their_name_and_where_that_says_nothing_by_their_content(folder: Path):
    assert sort_out(folder / name for name in ("a.gguf", "b.ONNX", "c.jpeg", "d.zip", "e.hearth-plugin", "blob")) == (
        GivenFiles(
            models=(folder / "a.gguf", folder / "b.ONNX", folder / "blob"),
            pictures=(folder / "c.jpeg",),
            plugins=(folder / "d.zip", folder / "e.hearth-plugin"),
        )
    )


def test_folders_are_known_by_what_lies_in_them(folder: Path):
    assert sort_out(folder / name for name in ("plugin", "models", "pictures", "empty")) == GivenFiles(
        models=(folder / "models",),
        pictures=(folder / "pictures",),
        plugins=(folder / "plugin",),
        unknown=(folder / "empty",),
    )


def test_a_file_that_was_given_twice_is_opened_once(folder: Path):
    assert sort_out([folder / "a.gguf"] * 2).models == (folder / "a.gguf",)


def test_what_cannot_be_opened_is_told_with_what_can(folder: Path):
    given = sort_out([folder / "f.txt", folder / "no.gguf", Path("/nul\0l")])
    assert given.unknown == (folder / "f.txt",)
    assert len(given.missing) == 2
    cause, remedy = given.refusal()
    assert cause.endswith(f"are not there. “{folder / 'f.txt'}” cannot be opened with Hearth.")
    assert "GGUF" in remedy
    assert sort_out([folder / "a.gguf"]).refusal() is None
    assert sort_out([folder / "no.gguf"]).refusal() == (
        f"“{folder / 'no.gguf'}” is not there.",
        "Check the path; it may have been moved or renamed.",
    )


def test_a_message_names_a_few_files_only():
    cause, _ = GivenFiles(missing=tuple(Path(f"/{n}.gguf") for n in range(9))).refusal()
    assert cause == "“0.gguf”, “1.gguf”, “2.gguf”, “3.gguf”, “4.gguf” and 4 more are not there."
