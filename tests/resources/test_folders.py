"""The folders of the resources package."""

import subprocess
import sys
import zipfile
from pathlib import Path

import resources


def test_icons_and_themes_are_where_the_package_says():
    assert (resources.icons_dir() / "hearth.svg").is_file()
    assert resources.themes_dir().is_dir()
    assert resources.models_dir() == Path(resources.__file__).parent / "models"


def test_an_unpacked_copy_finds_its_own_folders(tmp_path):
    package = Path(resources.__file__).parent
    with zipfile.ZipFile(tmp_path / "copy.zip", "w") as archive:
        archive.write(package / "__init__.py", "resources/__init__.py")
        archive.write(package / "icons" / "hearth.svg", "resources/icons/hearth.svg")
    with zipfile.ZipFile(tmp_path / "copy.zip") as archive:
        archive.extractall(tmp_path)
    code = "import resources; print(resources.icons_dir() / 'hearth.svg')"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == tmp_path / "resources" / "icons" / "hearth.svg"
