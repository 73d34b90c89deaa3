import os
import sys
from pathlib import Path

import backend_recipes as recipes
import pytest
from failure import SetupError

VULKAN, CUDA = recipes.RECIPES["vulkan"], recipes.RECIPES["cuda"]
HEADER = "include/vulkan/vulkan.hpp"


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Environment of a machine on which nothing is installed but below `VULKAN_SDK`, and where nobody is root."""
    monkeypatch.setattr(recipes, "installation_folders", lambda env: [Path(env["VULKAN_SDK"])])
    monkeypatch.setattr(recipes, "may_install", lambda: False)
    return {"PATH": str(tmp_path / "bin"), "VULKAN_SDK": str(tmp_path)}


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def write_vulkan_tools(folder: Path) -> None:
    for file in ("glslc", "glslc.exe"):
        write(folder / "bin" / file)
        (folder / "bin" / file).chmod(0o755)
    write(folder / HEADER)
    write(folder / "include" / "spirv" / "unified1" / "spirv.hpp")


def test_tools_are_found_as_programs_files_or_variables(tmp_path: Path, bare: dict[str, str]):
    assert recipes.missing_tools([*VULKAN.tools, *CUDA.tools], bare) == [*VULKAN.tools, *CUDA.tools]
    write_vulkan_tools(tmp_path)
    assert recipes.missing_tools([*VULKAN.tools, *CUDA.tools], bare) == [recipes.NVCC]
    assert recipes.missing_tools(CUDA.tools, bare | {"CUDACXX": "/opt/cuda/nvcc"}) == []


def test_lavapipe_is_found_by_its_manifest(tmp_path: Path, bare: dict[str, str]):
    assert recipes.missing_tools([recipes.LAVAPIPE], bare)
    write(tmp_path / "share" / "vulkan" / "icd.d" / "lvp_icd.x86_64.json")
    recipes.ensure_lavapipe(tmp_path / "log", bare)


def test_folders_that_a_person_names_come_first(tmp_path: Path):
    env = {"VULKAN_SDK": "sdk", "CMAKE_PREFIX_PATH": os.pathsep.join(["one", "two"])}
    assert recipes.installation_folders(env)[:3] == [Path("sdk"), Path("one"), Path("two")]


def test_missing_tools_are_named_with_the_command_that_brings_them(
    tmp_path: Path, bare: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(recipes, "install_command", lambda packages: " ".join(package.apt for package in packages))
    write(tmp_path / HEADER)
    with pytest.raises(recipes.ToolsMissingError) as caught:
        recipes.ensure_tools(VULKAN, tmp_path / "log", bare)
    assert caught.value.cause == "The vulkan module cannot be built without glslc, SPIR-V's headers."
    assert caught.value.remedy == "Install what is missing: glslc spirv-headers"


def test_large_tools_are_left_to_the_person(tmp_path: Path, bare: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recipes, "may_install", lambda: True)
    with pytest.raises(recipes.ToolsMissingError, match="CUDACXX"):
        recipes.ensure_tools(CUDA, tmp_path / "log", bare)


def test_root_gets_missing_tools_from_apt(tmp_path: Path, bare: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    asked: list[list[str]] = []

    def install(packages: list[str], _title: str, _log: Path) -> None:
        asked.append(packages)
        write_vulkan_tools(tmp_path)

    monkeypatch.setattr(recipes, "may_install", lambda: True)
    monkeypatch.setattr(recipes, "apt_install", install)
    recipes.ensure_tools(VULKAN, tmp_path / "log", bare)
    recipes.ensure_tools(VULKAN, tmp_path / "log", bare)
    assert asked == [["glslc", "libvulkan-dev", "spirv-headers"]]


def test_apt_that_fails_means_that_tools_are_missing(
    tmp_path: Path, bare: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise SetupError("No network.", "Try again.")

    monkeypatch.setattr(recipes, "may_install", lambda: True)
    monkeypatch.setattr(recipes, "apt_install", fail)
    for ensure in (
        lambda: recipes.ensure_tools(VULKAN, tmp_path, bare),
        lambda: recipes.ensure_lavapipe(tmp_path, bare),
    ):
        with pytest.raises(recipes.ToolsMissingError, match="No network"):
            ensure()


@pytest.mark.parametrize(
    ("system", "names"), [("linux", ["rpc", "vulkan"]), ("win32", ["rpc", "vulkan"]), ("darwin", ["rpc"])]
)
def test_default_suits_the_system(system: str, names: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", system)
    assert recipes.default_names() == names


@pytest.mark.parametrize(
    ("answer", "settings"),
    [
        ("8.9\n8.6\n8.9\n", ["-DCMAKE_CUDA_ARCHITECTURES=86;89"]),
        ("12.0\n", ["-DCMAKE_CUDA_ARCHITECTURES=120"]),
        ("[N/A]\n", []),
        ("", []),
    ],
)
def test_cuda_is_built_for_the_cards_that_are_here(answer: str, settings: list[str]):
    assert recipes.machine_settings(CUDA, lambda: answer) == settings
    assert recipes.machine_settings(VULKAN, lambda: answer) == []


def test_a_machine_without_nvidia_names_no_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    recipes.compute_capabilities.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert recipes.compute_capabilities() == ""
    recipes.compute_capabilities.cache_clear()
