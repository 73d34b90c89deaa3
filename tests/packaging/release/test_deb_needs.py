import shutil
from pathlib import Path

import pytest
from failure import SetupError
from release.deb_needs import needs_of

pytestmark = pytest.mark.skipif(shutil.which("dpkg-shlibdeps") is None, reason="dpkg-shlibdeps is Debian's")


def tree_with(library: Path, tmp_path: Path, place: str) -> tuple[Path, Path]:
    root = tmp_path / "root"
    program = root / "usr" / "lib" / "hearth"
    target = program / place
    target.parent.mkdir(parents=True)
    shutil.copyfile(library, target)
    return root, program


def a_system_library() -> Path:
    return next(Path("/usr/lib").glob("*-linux-gnu/libfreetype.so.6"))


def test_what_a_library_links_to_is_needed(tmp_path: Path):
    needs = needs_of(*tree_with(a_system_library(), tmp_path, "_internal/libmine.so"))
    assert any(need.startswith("libc6 (>= ") for need in needs.depends)
    assert any(need.startswith("zlib1g") for need in needs.depends)
    assert any("fonts-dejavu-core" in need for need in needs.depends)
    assert "libvulkan1" in needs.recommends
    assert not (tmp_path / "root" / "DEBIAN").exists()


def test_what_the_program_brings_is_not_needed(tmp_path: Path):
    root, program = tree_with(a_system_library(), tmp_path, "_internal/libmine.so")
    shutil.copyfile(a_system_library().with_name("libz.so.1"), program / "_internal" / "libz.so.1")
    assert not any(need.startswith("zlib1g") for need in needs_of(root, program).depends)


def test_modules_for_graphics_cards_are_optional(tmp_path: Path):
    root, program = tree_with(a_system_library(), tmp_path, "_internal/llama_cpp/lib/backends/libggml-x.so")
    shutil.copyfile("/bin/true", program / "plain")  # dpkg-shlibdeps wants something to look at
    needs = needs_of(root, program)
    assert any(need.startswith("libc6 (>= ") for need in needs.depends)
    assert not any(need.startswith("zlib1g") for need in needs.depends)


def test_a_library_that_nobody_can_load_is_refused(tmp_path: Path):
    root, program = tree_with(a_system_library(), tmp_path, "_internal/libmine.so")
    data = (program / "_internal" / "libmine.so").read_bytes()
    (program / "_internal" / "libmine.so").write_bytes(data.replace(b"libc.so.6\0", b"libq.so.6\0"))
    with pytest.raises(SetupError, match=r"libq\.so\.6 \(for libmine\.so\)"):
        needs_of(root, program)
