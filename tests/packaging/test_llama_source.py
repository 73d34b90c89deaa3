import io
import tarfile
from pathlib import Path

import llama_source
import pytest
from failure import SetupError

CMAKE = "llama_cpp_python-1/vendor/llama.cpp/CMakeLists.txt"
VULKAN = """
    before();
    VkBool32 enable_best_practice = layer_settings;
    std::vector<vk::LayerSettingEXT> settings = {
        { "layer", vk::LayerSettingTypeEXT::eBool32, 1, &enable_best_practice },
    };
    vk::LayerSettingsCreateInfoEXT layer_setting_info(settings);
    vk::InstanceCreateInfo instance_create_info(flags, &app_info, layers, extensions, &layer_setting_info);
    after();
"""


def pack(folder: Path, files: dict[str, str], **details: object) -> Path:
    """An archive of these files; `details` are set on each of them."""
    archive = folder / "source.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            for key, value in details.items():
                setattr(member, key, value)
            packed.addfile(member, io.BytesIO(text.encode()))
    return archive


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_only_what_a_build_reads_is_unpacked(tmp_path: Path):
    stem = "llama_cpp_python-1"
    files = {CMAKE: "project()", f"{stem}/vendor/llama.cpp/ggml/src/a.c": "int a;", f"{stem}/llama_cpp/a.py": ""}
    files |= {f"{stem}/vendor/llama.cpp/models/big.gguf": "", f"{stem}/vendor/other/a.c": "", f"{stem}/vendor": ""}
    llama_source.unpack(pack(tmp_path, files), tmp_path / "out")
    assert files_in(tmp_path / "out") == ["CMakeLists.txt", "ggml/src/a.c"]
    assert (tmp_path / "out" / "ggml" / "src" / "a.c").read_text(encoding="utf-8") == "int a;"


@pytest.mark.parametrize("path", ["../../../evil", "ggml/../../evil", "ggml\\..\\evil", "C:/evil"])
def test_archive_that_wants_to_write_elsewhere_is_refused(tmp_path: Path, path: str):
    archive = pack(tmp_path, {CMAKE: "", f"llama_cpp_python-1/vendor/llama.cpp/{path}": "evil"})
    with pytest.raises(SetupError, match="outside its folder"):
        llama_source.unpack(archive, tmp_path / "deep" / "out")
    assert list(tmp_path.rglob("evil")) == []


def test_links_are_not_unpacked(tmp_path: Path):
    link = pack(tmp_path, {CMAKE: ""}, type=tarfile.SYMTYPE, linkname="/etc/passwd")
    with pytest.raises(SetupError, match=r"has no llama\.cpp in it"):
        llama_source.unpack(link, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08\x00 broken"])
def test_broken_archive_is_one_sentence(tmp_path: Path, content: bytes):
    (tmp_path / "a.tar.gz").write_bytes(content)
    with pytest.raises(SetupError, match=r"source of llama-cpp-python is broken|could not be unpacked"):
        llama_source.unpack(tmp_path / "a.tar.gz", tmp_path / "out")


def test_archive_that_was_cut_off_is_one_sentence(tmp_path: Path):
    archive = pack(tmp_path, {CMAKE: "project()" * 10_000})
    archive.write_bytes(archive.read_bytes()[:-60])
    with pytest.raises(SetupError, match="source of llama-cpp-python is broken"):
        llama_source.unpack(archive, tmp_path / "out")


def write_vulkan(folder: Path, text: str) -> Path:
    file = folder / "ggml" / "src" / "ggml-vulkan" / "ggml-vulkan.cpp"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_newer_types_are_used_for_validation_only(tmp_path: Path):
    file = write_vulkan(tmp_path, VULKAN)
    assert llama_source.guard_layer_settings(tmp_path)
    before, guarded = file.read_text(encoding="utf-8").split("#ifdef GGML_VULKAN_VALIDATE\n")
    validating, rest = guarded.split("#else\n")
    plain, after = rest.split("#endif\n")
    assert before.strip() == "before();"
    assert after.strip() == "after();"
    assert before + validating + after == VULKAN
    assert "LayerSetting" not in plain
    assert plain.count("instance_create_info(") == 1


@pytest.mark.parametrize("text", ["", "int main() {}\n", VULKAN.replace("enable_best", "enable_other")])
def test_source_without_those_lines_is_left_alone(tmp_path: Path, text: str):
    file = write_vulkan(tmp_path, text)
    assert not llama_source.guard_layer_settings(tmp_path)
    assert file.read_text(encoding="utf-8") == text


def test_source_without_vulkan_is_left_alone(tmp_path: Path):
    assert not llama_source.guard_layer_settings(tmp_path)
