"""llama.cpp for any machine of a system: what is kept of a build, and when it is built anew."""

from dataclasses import replace
from pathlib import Path

import portable_llama
import pytest
from portable_llama import TARGETS, built_libraries, leave_out_too_new, portable_key


def test_libraries_are_kept_under_every_name_that_others_look_for(tmp_path: Path) -> None:
    wanted = {"libggml.so", "libggml.so.0", "libggml-base.so", "libggml-base.so.0", "libllama.so", "libggml-cpu-x64.so"}
    for name in (*wanted, "libggml.so.0.25.3", "libllama.so.0", "libllama.so.0.5.0", "test-quantize", "libmtmd.so"):
        (tmp_path / name).touch()
    assert {path.name for path in built_libraries(tmp_path)} == wanted


def test_names_on_windows_and_macos(tmp_path: Path) -> None:
    wanted = {"ggml.dll", "ggml-base.dll", "ggml-cpu-haswell.dll", "libllama.dll", "libggml.0.dylib", "libllama.dylib"}
    for name in (*wanted, "libggml.0.25.dylib", "ggml.lib"):
        (tmp_path / name).touch()
    assert {path.name for path in built_libraries(tmp_path)} == wanted


def test_the_variant_that_old_compilers_refuse_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "ggml" / "src" / "CMakeLists.txt"
    file.parent.mkdir(parents=True)
    file.write_text(
        "    ggml_add_cpu_backend_variant(zen4 AVX512)\n"
        "    ggml_add_cpu_backend_variant(sapphirerapids AMX_TILE)\n"
        "end()\n"
    )
    assert leave_out_too_new(tmp_path)
    assert file.read_text() == "    ggml_add_cpu_backend_variant(zen4 AVX512)\nend()\n"
    assert not leave_out_too_new(tmp_path)


def test_a_build_is_kept_for_its_version_system_and_settings() -> None:
    linux = TARGETS["linux"]
    keys = {
        portable_key(linux, "1.0"),
        portable_key(linux, "1.1"),
        portable_key(TARGETS["windows"], "1.0"),
        portable_key(replace(linux, settings=(*linux.settings, "-DGGML_VULKAN=ON")), "1.0"),
    }
    assert len(keys) == 4


def test_the_place_of_the_checkout_does_not_matter() -> None:
    windows = TARGETS["windows"]
    elsewhere = replace(
        windows, settings=(*windows.settings[:-1], "-DCMAKE_TOOLCHAIN_FILE=/elsewhere/packaging/mingw.cmake")
    )
    assert portable_key(windows, "1.0") == portable_key(elsewhere, "1.0")


def test_a_missing_compiler_for_windows_is_said_before_anything_is_fetched(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(portable_llama, "cache_folder", lambda _kind: tmp_path)
    monkeypatch.setattr(portable_llama.shutil, "which", lambda _name: None)
    with pytest.raises(portable_llama.SetupError, match="no compiler for Windows"):
        portable_llama.ensure_portable(TARGETS["windows"], tmp_path / "python", tmp_path / "cmake", "1.0")
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
