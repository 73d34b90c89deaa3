import re
import sys
import threading
from pathlib import Path

import compiling
import llama_wheel
import pytest
import system_libraries
from failure import SetupError

PYTHON = Path(sys.executable)
X86 = "processor\t: 0\nflags\t\t: fpu constant_tsc sse4_2 avx2 fma hypervisor\n\nprocessor\t: 1\nflags\t\t: fpu avx2\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd evtstrm i8mm bf16 cpuid\n"


def test_pinned_version_is_the_one_in_pyproject():
    pyproject = Path(__file__).parents[2] / "pyproject.toml"
    assert re.fullmatch(r"\d+\.\d+\.\d+", llama_wheel.pinned_version(pyproject.read_text(encoding="utf-8")))


def test_an_unpinned_version_is_refused():
    with pytest.raises(SetupError, match="pins no version"):
        llama_wheel.pinned_version('dependencies = ["llama-cpp-python>=0.3"]')


@pytest.mark.parametrize(("text", "expected"), [(X86, "avx2 fma sse4_2"), (ARM, "asimd bf16 i8mm")])
def test_instruction_sets_are_those_that_a_compiler_can_use(text: str, expected: str):
    assert llama_wheel.instruction_sets(text) == expected


def test_this_machine_says_what_its_cpu_is():
    assert llama_wheel.cpu_description()


def test_key_tells_wheels_apart_that_cannot_stand_in_for_each_other():
    keys = {
        llama_wheel.wheel_key("0.3.36", "", "avx2"),
        llama_wheel.wheel_key("0.3.36", "", "avx2 avx512f"),
        llama_wheel.wheel_key("0.3.36", "-DGGML_CUDA=ON", "avx2"),
        llama_wheel.wheel_key("0.3.37", "", "avx2"),
    }
    assert len(keys) == 4
    assert llama_wheel.wheel_key("0.3.36", "", "avx2") in keys


def test_key_ignores_the_cpu_of_a_wheel_that_is_built_for_any():
    portable = "-DGGML_NATIVE=OFF"
    assert llama_wheel.wheel_key("1", portable, "avx2") == llama_wheel.wheel_key("1", portable, "avx512f")
    assert llama_wheel.wheel_key("1", "-DGGML_NATIVE=ON", "a") != llama_wheel.wheel_key("1", "-DGGML_NATIVE=ON", "b")


def test_key_can_be_a_folder_name():
    assert re.fullmatch(r"[\w.-]+", llama_wheel.wheel_key("0.3.36", "-DA=B C:/x", "avx2"))


def test_folder_follows_the_cache_setting(tmp_path: Path):
    assert llama_wheel.wheel_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "hearth" / "wheels"
    assert llama_wheel.wheel_folder({}).parts[-2:] == ("hearth", "wheels")


def test_wheel_is_built_once_and_kept(index, capsys: pytest.CaptureFixture[str]):
    index.offer()
    built = llama_wheel.ensure_wheel(PYTHON, index.version)
    assert built.name == f"llama_cpp_python-{index.version}-py3-none-any.whl"
    assert "once, about" in capsys.readouterr().out
    assert llama_wheel.ensure_wheel(Path("no-such-python"), index.version) == built
    assert len(index.builds) == 1
    assert "LLAVA_BUILD" in index.builds[0]
    assert "CMAKE_PROJECT_llama.cpp_INCLUDE" in index.builds[0]
    assert list(built.parents[1].glob("*.partial-*")) == []


def test_other_cmake_args_build_another_wheel(index, monkeypatch: pytest.MonkeyPatch):
    index.offer()
    first = llama_wheel.ensure_wheel(PYTHON, index.version)
    monkeypatch.setenv("CMAKE_ARGS", "-DGGML_VULKAN=ON")
    assert llama_wheel.ensure_wheel(PYTHON, index.version) != first


def test_two_set_ups_at_once_build_once(index):
    index.offer()
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(llama_wheel.ensure_wheel(PYTHON, index.version))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert len(set(found)) == 1
    assert len(index.builds) == 1


def test_what_a_killed_build_left_is_removed(index):
    index.offer()
    folder = llama_wheel.wheel_folder()
    key = llama_wheel.wheel_key(index.version, "", llama_wheel.cpu_description())
    leftover = folder / f"{key}.partial-dead"
    leftover.mkdir(parents=True)
    (leftover / "half.whl").write_bytes(b"PK")
    (folder / key).mkdir()
    assert llama_wheel.ensure_wheel(PYTHON, index.version).parent == folder / key
    assert not leftover.exists()


def test_a_failed_build_leaves_nothing_and_says_why(index):
    index.offer(failure='raise SystemExit("CMake Error: No CMAKE_CXX_COMPILER could be found.")')
    with pytest.raises(SetupError, match="no working C\\+\\+ compiler") as caught:
        llama_wheel.ensure_wheel(PYTHON, index.version)
    assert caught.value.remedy == compiling.compiler_remedy()
    folder = llama_wheel.wheel_folder()
    assert [path.suffix for path in folder.iterdir() if path.is_dir()] == []
    index.offer()
    assert llama_wheel.ensure_wheel(PYTHON, index.version).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps its compiler off the PATH")
def test_without_a_compiler_nothing_is_downloaded(index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    index.offer()
    monkeypatch.setattr(system_libraries, "may_install", lambda: False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(SetupError, match="There is no C\\+\\+ compiler"):
        llama_wheel.ensure_wheel(PYTHON, index.version)
    assert index.builds == []
