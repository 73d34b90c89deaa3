import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import PluginError, PluginRefusedError
from engine.plugins import install
from engine.plugins.install import install_into

MANIFEST = """id = "loud-one"
name = "Loud one"
version = "{version}"
api = "1.0"
summary = "Writes in capitals."
provides = ["task:shout"]
"""


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    return tmp_path / "home" / "plugins"


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """Write a plugin's folder."""

    def write(version: str = "1.0.0", **files: str) -> Path:
        folder = tmp_path / "mine"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "sub").mkdir(parents=True)
        (folder / "plugin.toml").write_text(MANIFEST.format(version=version))
        (folder / "__init__.py").write_text("def register(registrar): ...\n")
        (folder / "sub" / "words.txt").write_text("a\nb\n")
        for name, content in files.items():
            (folder / name.replace("__", ".")).write_text(content)
        return folder

    return write


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_folder_is_copied_under_the_name_of_its_plugin(make, plugins: Path):
    folder = install_into(plugins, make())
    assert folder == plugins / "loud_one"
    assert names(plugins) == ["loud_one", *(f"loud_one{os.sep}{name}" for name in names(make()))]
    assert (folder / "sub" / "words.txt").read_text() == "a\nb\n"


def test_hidden_files_and_compiled_python_stay_behind(make, plugins: Path):
    source = make()
    (source / ".git").mkdir()
    (source / ".git" / "config").touch()
    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "x.pyc").touch()
    assert names(install_into(plugins, source)) == names(make())


def test_another_version_takes_the_place_of_the_installed_one(make, plugins: Path):
    install_into(plugins, make("1.0.0", old__txt="old"))
    folder = install_into(plugins, make("2.0.0", new__txt="new"))
    assert 'version = "2.0.0"' in (folder / "plugin.toml").read_text()
    assert names(plugins)[0] == "loud_one"
    assert (folder / "new.txt").exists()
    assert not (folder / "old.txt").exists()


def test_a_refused_version_leaves_the_installed_one(make, plugins: Path):
    folder = install_into(plugins, make("1.0.0"))
    before = names(plugins)
    with pytest.raises(PluginRefusedError, match="version"):
        install_into(plugins, make("latest"))
    assert names(plugins) == before
    assert 'version = "1.0.0"' in (folder / "plugin.toml").read_text()


def test_a_cut_off_replacement_is_undone(make, plugins: Path):
    folder = install_into(plugins, make("1.0.0"))
    folder.rename(plugins / ".old-loud_one")  # as a power cut between the two renames would leave it
    abandoned, recent = plugins / ".new-1", plugins / ".new-2"
    abandoned.mkdir()
    recent.mkdir()
    long_ago = time.time() - 86_400
    os.utime(abandoned, (long_ago, long_ago))
    install.clear_leftovers(plugins)
    assert [path.name for path in sorted(plugins.iterdir())] == [".new-2", "loud_one"]


def test_an_old_version_that_could_not_be_deleted_is_deleted_later(make, plugins: Path):
    folder = install_into(plugins, make())
    shutil.copytree(folder, plugins / ".old-loud_one")
    install.clear_leftovers(plugins)
    assert [path.name for path in plugins.iterdir()] == ["loud_one"]


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_linked_plugin_is_replaced_but_not_emptied(make, plugins: Path, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(make("1.0.0"), elsewhere)
    plugins.mkdir(parents=True)
    (plugins / "loud_one").symlink_to(elsewhere)
    folder = install_into(plugins, make("2.0.0"))
    assert not folder.is_symlink()
    assert names(elsewhere) == names(make())


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
@pytest.mark.parametrize("place", ["link.txt", "sub/link.txt"])
@pytest.mark.parametrize("target", ["/etc/passwd", "plugin.toml", "nowhere", "sub"])
def test_links_in_a_folder_are_refused(make, plugins: Path, place: str, target: str):
    source = make()
    (source / place).symlink_to(target)
    with pytest.raises(PluginRefusedError, match="link"):
        install_into(plugins, source)
    assert names(plugins) == []


@pytest.mark.skipif(os.name == "nt", reason="there are no pipes in folders there")
def test_pipes_in_a_folder_are_refused(make, plugins: Path):
    source = make()
    os.mkfifo(source / "pipe")
    with pytest.raises(PluginRefusedError, match="device"):
        install_into(plugins, source)


def test_a_large_folder_is_refused(make, plugins: Path):
    source = make()
    with (source / "large.bin").open("wb") as stream:
        stream.truncate((50 << 20) + 1)
    with pytest.raises(PluginRefusedError, match="50 MiB"):
        install_into(plugins, source)
    assert names(plugins) == []


def test_a_folder_with_thousands_of_files_is_refused(make, plugins: Path):
    source = make()
    for number in range(2000):
        (source / "sub" / f"{number}").touch()
    with pytest.raises(PluginRefusedError, match="2,000"):
        install_into(plugins, source)
    assert names(plugins) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only there two such names can lie in one folder")
def test_names_that_clash_elsewhere_are_refused(make, plugins: Path):
    source = make(readme="")
    (source / "README").touch()
    with pytest.raises(PluginRefusedError, match="same on some systems"):
        install_into(plugins, source)


def test_the_id_of_a_bundled_plugin_is_refused(make, plugins: Path):
    source = make()
    manifest = source / "plugin.toml"
    manifest.write_text(manifest.read_text().replace("loud-one", "chat"))
    with pytest.raises(PluginRefusedError, match="comes with Hearth"):
        install_into(plugins, source)
    assert names(plugins) == []


def test_a_folder_above_the_plugins_is_refused(make, plugins: Path):
    plugins.mkdir(parents=True)
    with pytest.raises(PluginRefusedError, match="installed in"):
        install_into(plugins, plugins.parent)
    assert names(plugins) == []


def test_a_missing_source_is_said(plugins: Path, tmp_path: Path):
    with pytest.raises(PluginRefusedError, match=r"There is no file or folder .*nothing\.zip"):
        install_into(plugins, tmp_path / "nothing.zip")


@pytest.mark.skipif(sys.platform != "linux", reason="sets a limit that other systems lack")
@pytest.mark.parametrize("is_update", [False, True])
def test_a_full_disk_leaves_everything_as_it_was(make, plugins: Path, is_update: bool):
    import resource  # not on Windows

    if is_update:
        install_into(plugins, make("1.0.0"))
    before = names(plugins) if is_update else []
    source = make("2.0.0", large__txt="x" * 100_000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))  # writing more fails, as on a full disk
    try:
        with pytest.raises(PluginError, match="Free some space"):
            install_into(plugins, source)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(plugins) == before
    if is_update:
        assert 'version = "1.0.0"' in (plugins / "loud_one" / "plugin.toml").read_text()


def test_a_folder_that_cannot_be_made_is_said(make, tmp_path: Path):
    (tmp_path / "home").write_text("a file where the folder should be")
    with pytest.raises(PluginError, match="cannot be installed"):
        install_into(tmp_path / "home" / "plugins", make())
