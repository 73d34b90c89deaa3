"""What of macOS can be tried elsewhere: the property lists, the bundle's contents, and the order of signing."""

import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from failure import SetupError
from release import macos
from release.macos_image import complete_bundle, make_image, signing_order

ROOT = Path(__file__).resolve().parents[3]
MACH_O = bytes.fromhex("cffaedfe") + b"program"
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs links and shell scripts")


@pytest.fixture
def app(tmp_path):
    folder = tmp_path / "Hearth.app" / "Contents"
    for place in ("MacOS/hearth", "Frameworks/llama_cpp/lib/libllama.dylib", "Frameworks/libpython3.12.dylib"):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(MACH_O)
    framework = folder / "Frameworks" / "QtCore.framework"
    framework.mkdir()
    (framework / "QtCore").write_bytes(MACH_O)
    (folder / "Resources" / "resources").mkdir(parents=True)
    (folder / "Resources" / "resources" / "catalogue.toml").write_text("old", encoding="utf-8")
    (folder / "Info.plist").write_bytes(plistlib.dumps(macos.info_plist()))
    return folder.parent


def test_the_property_list_says_what_hearth_opens_and_needs():
    said = plistlib.loads(plistlib.dumps(macos.info_plist()))
    assert said["CFBundleIdentifier"] == macos.BUNDLE_IDENTIFIER == "local.hearth.Hearth"
    assert said["CFBundleShortVersionString"] == macos.project_version()
    assert said["NSHighResolutionCapable"] is True
    opened = [kind["LSItemContentTypes"][0] for kind in said["CFBundleDocumentTypes"]]
    suffixes = {
        kind["UTTypeIdentifier"]: kind["UTTypeTagSpecification"]["public.filename-extension"][0]
        for kind in said["UTImportedTypeDeclarations"]
    }
    assert [suffixes[identifier] for identifier in opened] == ["gguf", "onnx"]


def test_hearth_asks_for_no_exception_from_the_hardened_runtime():
    with (ROOT / "installer" / "macos" / "entitlements.plist").open("rb") as file:
        assert plistlib.load(file) == {}


def test_signing_goes_from_the_inside_out(app):
    contents = app / "Contents"
    assert signing_order(app) == [
        contents / "Frameworks" / "llama_cpp" / "lib" / "libllama.dylib",
        contents / "Frameworks" / "QtCore.framework" / "QtCore",
        contents / "Frameworks" / "libpython3.12.dylib",
        contents / "Frameworks" / "QtCore.framework",
        contents / "MacOS" / "hearth",
        app,
    ]


def test_a_bundle_without_a_program_is_refused(tmp_path):
    (tmp_path / "Hearth.app").mkdir()
    with pytest.raises(SetupError, match="holds no program"):
        signing_order(tmp_path / "Hearth.app")


def test_what_was_written_after_the_freeze_gets_into_the_bundle(app, tmp_path):
    resources = tmp_path / "hearth" / "_internal" / "resources"
    resources.mkdir(parents=True)
    (resources / "build.json").write_text("{}", encoding="utf-8")
    (resources / "catalogue.toml").write_text("new", encoding="utf-8")
    (resources.parent / "plugins" / "chat").mkdir(parents=True)
    complete_bundle(tmp_path / "hearth", app)
    assert (app / "Contents" / "Resources" / "resources" / "build.json").read_text(encoding="utf-8") == "{}"
    assert (app / "Contents" / "Resources" / "resources" / "catalogue.toml").read_text(encoding="utf-8") == "new"
    assert (app / "Contents" / "Resources" / "plugins" / "chat").is_dir()


@posix_only
def test_the_image_holds_the_bundle_and_a_link_to_the_programs(app, tmp_path, monkeypatch):
    stand_in(tmp_path, 'while [ "$1" != -srcfolder ]; do shift; done; tar -C "$2" -cf "$8" .; echo "$8"')
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    image = tmp_path / "dist" / "Hearth-1.0.dmg"
    make_image(app, image)
    listed = subprocess.run(["tar", "-tvf", image], capture_output=True, text=True, check=True).stdout
    assert "Applications -> /Applications" in listed
    assert "Hearth.app/Contents/MacOS/hearth" in listed


@posix_only
def test_a_disk_image_that_cannot_be_made_is_said(app, tmp_path, monkeypatch):
    stand_in(tmp_path, "echo 'no space left' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(SetupError, match="no space left"):
        make_image(app, tmp_path / "Hearth.dmg")


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="needs shellcheck")
def test_shellcheck_has_nothing_to_say_about_the_script():
    script = ROOT / "installer" / "macos" / "build.sh"
    done = subprocess.run(["shellcheck", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="only elsewhere than on a Mac")
def test_elsewhere_the_script_says_that_it_needs_a_mac():
    done = subprocess.run(
        ["sh", ROOT / "installer" / "macos" / "build.sh"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "A disk image for macOS can only be made on a Mac.\n")


def stand_in(folder: Path, script: str) -> None:
    program = folder / "hdiutil"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    program.chmod(0o755)
