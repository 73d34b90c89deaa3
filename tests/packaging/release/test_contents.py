"""What goes into a frozen program."""

import sys
from pathlib import Path

import pytest
from release import contents
from release.plan import ROOT


@pytest.mark.parametrize(
    "place",
    [
        "PySide6/Qt/lib/libQt6Widgets.so.6",
        "PySide6/Qt/plugins/platforms/libqxcb.so",
        r"PySide6\plugins\platforms\qwindows.dll",
        "PySide6/Qt/plugins/imageformats/libqwebp.so",
        "onnxruntime/capi/onnxruntime_pybind11_state.so",
        "numpy/_core/_multiarray_umath.so",
        r"onnxruntime\capi\DirectML.dll",
        r"onnxruntime\capi\onnxruntime_providers_shared.dll",
        "llama_cpp/lib/libggml-cpu-haswell.so",
        "plugins/chat/plugin.toml",
        "numpy-2.4.6.dist-info/METADATA",
        r"keyring-25.7.0.dist-info\entry_points.txt",
    ],
)
def test_what_is_used_ships(place: str) -> None:
    assert contents.is_wanted(place)


@pytest.mark.parametrize(
    "place",
    [
        "PySide6/Qt/lib/libQt6Quick.so.6",
        r"PySide6\Qt6Network.dll",
        r"onnxruntime\capi\onnxruntime.dll",
        "PySide6/opengl32sw.dll",
        "PySide6/Qt/plugins/platformthemes/libqgtk3.so",
        "PySide6/Qt/plugins/tls/libqopensslbackend.so",
        "PySide6/Qt/translations/qtbase_de.qm",
        "onnx/backend/test/data/node/test_abs/model.onnx",
        "numpy/tests/test_public_api.py",
        "numpy-2.4.6.dist-info/RECORD",
        r"tokenizers-0.23.3.dist-info\licenses\LICENSE",
    ],
)
def test_what_nobody_uses_stays_out(place: str) -> None:
    assert not contents.is_wanted(place)


def test_strangers_plugins_find_the_whole_standard_library() -> None:
    names = set(contents.standard_library())
    assert {"csv", "decimal", "email.mime.text", "html.parser", "json.decoder", "sqlite3.dbapi2", "zoneinfo"} <= names
    assert not {name for name in names if name.split(".")[0] in {"tkinter", "test", "idlelib", "readline"}}
    assert names >= sys.stdlib_module_names & {"statistics", "wave", "difflib", "uuid", "xmlrpc"}


def test_plugins_and_models_ship_as_files_and_recipes_do_not() -> None:
    places = {source.relative_to(ROOT).as_posix() for source, _ in contents.plain_files(ROOT)}
    assert {"plugins/chat/plugin.toml", "plugins/chat/family.py", "resources/models/starter.gguf"} <= places
    assert "resources/__init__.py" in places
    assert not [place for place in places if place.startswith(("resources/starter/", "resources/reader/"))]
    assert not [place for place in places if "__pycache__" in place]


def test_files_keep_their_folders() -> None:
    assert all(source.relative_to(ROOT).parent == folder for source, folder in contents.plain_files(ROOT))


def test_halves_of_compiled_modules_are_found_by_their_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.joinpath("abc__mypyc.cpython-311-x86_64-linux-gnu.so").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert contents.compiled_halves() == ["abc__mypyc"]
