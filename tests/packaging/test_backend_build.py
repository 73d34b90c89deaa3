import re
import sys
from pathlib import Path

import backend_build as building
import llama_source
import pytest
from backend_recipes import RECIPES, ToolsMissingError
from progress import Outcome

RPC, VULKAN = RECIPES["rpc"], RECIPES["vulkan"]


def workshop(folder: Path, **env: str) -> building.Workshop:
    return building.Workshop(["cmake"], folder / "llama.cpp", env)


def test_key_tells_modules_apart_that_cannot_stand_in_for_each_other(monkeypatch: pytest.MonkeyPatch):
    keys = [
        building.module_key(RPC, "1.0", {}),
        building.module_key(VULKAN, "1.0", {}),
        building.module_key(RPC, "1.1", {}),
        building.module_key(RPC, "1.0", {"CMAKE_ARGS": "-DGGML_LTO=ON"}),
    ]
    monkeypatch.setattr(llama_source, "PATCH", "another")
    keys.append(building.module_key(RPC, "1.0", {}))
    assert len(set(keys)) == 5
    assert [key for key in keys if not re.fullmatch(r"[\w.-]+", key)] == []
    assert building.module_key(RPC, "1.0", {}) == keys[-1]


def test_cmake_args_cannot_make_a_module_that_does_not_load(tmp_path: Path):
    command = building.configure_command(
        RPC, workshop(tmp_path, CMAKE_ARGS="-DGGML_NATIVE=ON -DGGML_BACKEND_DL=OFF -DGGML_LTO=ON"), tmp_path / "build"
    )
    assert command.index("-DGGML_NATIVE=OFF") > command.index("-DGGML_NATIVE=ON")
    assert command.index("-DGGML_BACKEND_DL=ON") > command.index("-DGGML_BACKEND_DL=OFF")
    assert {"-DGGML_LTO=ON", "-DGGML_RPC=ON"} <= set(command)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems name it otherwise, or not at all")
def test_module_looks_for_llama_in_the_folder_above(tmp_path: Path):
    command = building.configure_command(RPC, workshop(tmp_path), tmp_path / "build")
    assert "-DCMAKE_INSTALL_RPATH=$ORIGIN/.." in command


def test_only_the_module_is_compiled(tmp_path: Path):
    command = building.build_command(VULKAN, workshop(tmp_path, CMAKE_BUILD_PARALLEL_LEVEL="3"), tmp_path / "build")
    assert command[command.index("--target") + 1] == "ggml-vulkan"
    assert command[command.index("--parallel") + 1] == "3"


def test_programs_of_the_environment_are_found_first(tmp_path: Path):
    env = building.build_environment(tmp_path / "bin", {"PATH": "theirs", "CMAKE_ARGS": "x"})
    assert env["PATH"].startswith(str(tmp_path / "bin"))
    assert "theirs" in env["PATH"]
    assert env["CMAKE_ARGS"] == "x"


@pytest.mark.parametrize("file", ["bin/libggml-rpc.so", "bin/Release/ggml-rpc.dll", "bin/libggml-rpc.dylib"])
def test_module_is_found_whatever_the_system_calls_it(tmp_path: Path, file: str):
    assert building.find_module(tmp_path, "rpc") is None
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).touch()
    assert building.find_module(tmp_path, "rpc") == tmp_path / file
    assert building.find_module(tmp_path, "vulkan") is None


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ("CMake Error: Could NOT find Vulkan (missing: Vulkan_LIBRARY glslc)", "cannot be built without"),
        ('Could not find a package configuration file provided by "SPIRV-Headers"', "cannot be built without"),
        (
            'Target "ggml-cuda" links to:\n\n    CUDA::cublas\n\n  but the target was not found.',
            "cannot be built without",
        ),
        ("a.cpp:1:2: error: 'LayerSettingEXT' is not a member of 'vk'", "Vulkan headers on this machine are older"),
        ("a.cpp:1:2: error: no type named 'LayerSettingEXT' in namespace 'vk'", "headers on this machine are older"),
    ],
)
def test_failure_for_want_of_tools_is_told_from_others(tmp_path: Path, output: str, cause: str):
    error = building.module_failure(VULKAN, Outcome(1, output), tmp_path / "build.log")
    assert isinstance(error, ToolsMissingError)
    assert cause in error.cause


def test_other_failures_are_those_of_any_compilation(tmp_path: Path):
    error = building.module_failure(RPC, Outcome(1, "rpc.cpp:3: error: expected ;"), tmp_path / "build.log")
    assert not isinstance(error, ToolsMissingError)
    assert "expected ;" in error.cause
    assert "build.log" in error.remedy
