"""The Vulkan module for Windows; compiling it takes minutes and is part of `make installer-windows`."""

import shutil
import subprocess
from pathlib import Path

import mingw_vulkan
import pytest
from backend_recipes import ToolsMissingError


def missing(*_arguments: object) -> None:
    raise ToolsMissingError("There is no glslc.", "Install glslc.")


def test_without_its_tools_it_is_left_out_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mingw_vulkan, "cache_folder", lambda _kind: tmp_path)
    monkeypatch.setattr(mingw_vulkan, "ensure_tools", missing)
    assert mingw_vulkan.ensure_vulkan_module(tmp_path / "python", tmp_path / "cmake", "1.0") is None
    assert "There is no glslc. Hearth for Windows is made without it." in capsys.readouterr().out


def test_a_kept_module_is_taken_without_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mingw_vulkan, "cache_folder", lambda _kind: tmp_path)
    monkeypatch.setattr(mingw_vulkan, "ensure_tools", missing)
    kept = tmp_path / mingw_vulkan.vulkan_key("1.0")
    kept.mkdir()
    module = mingw_vulkan.ensure_vulkan_module(tmp_path / "python", tmp_path / "cmake", "1.0")
    assert module == kept / "ggml-vulkan.dll"
    assert mingw_vulkan.vulkan_key("1.1") != mingw_vulkan.vulkan_key("1.0")


@pytest.mark.skipif(shutil.which("x86_64-w64-mingw32-dlltool") is None, reason="mingw-w64 is not installed")
@pytest.mark.skipif(not Path("/usr/include/vulkan/vulkan.hpp").exists(), reason="Vulkan's headers are not installed")
def test_the_stand_in_for_an_sdk_links_to_windows_own_loader(tmp_path: Path) -> None:
    settings = dict(entry.removeprefix("-D").split("=", 1) for entry in mingw_vulkan.sdk_settings(tmp_path / "sdk"))
    assert (Path(settings["Vulkan_INCLUDE_DIR"]) / "vulkan" / "vulkan.h").is_file()
    assert not (Path(settings["Vulkan_INCLUDE_DIR"]) / "stdio.h").exists()
    command = ["x86_64-w64-mingw32-nm", settings["Vulkan_LIBRARY"]]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "vkGetInstanceProcAddr" in names
    assert b"vulkan-1.dll" in Path(settings["Vulkan_LIBRARY"]).read_bytes()
