#!/bin/sh
# Makes dist/Hearth-<version>.dmg on a Mac. Never run where Hearth was written; see packaging/README.md.
#
#   HEARTH_SIGN_IDENTITY    certificate in the key chain, such as "Developer ID Application: ..."; without it the bundle
#                           is only sealed, and macOS asks whoever opens it for permission
#   HEARTH_NOTARY_PROFILE   name given to `xcrun notarytool store-credentials`; without it nothing is sent to Apple
#   PYTHON                  interpreter to build with, 3.11 to 3.13 (python3)
set -eu

cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
icon=$PWD/build/release/macos/hearth.icns

if [ "$(uname -s)" != Darwin ]; then
    echo "A disk image for macOS can only be made on a Mac." >&2
    exit 1
fi
for tool in codesign hdiutil xcrun; do
    if ! command -v "$tool" >/dev/null; then
        echo "$tool is missing. Install Xcode's command line tools: xcode-select --install" >&2
        exit 1
    fi
done

"$python" packaging/bootstrap.py install
.venv/bin/python -m pip install --quiet --disable-pip-version-check "$(
    .venv/bin/python -c 'import tomllib
with open("pyproject.toml", "rb") as file:
    tools = tomllib.load(file)["project"]["optional-dependencies"]["package"]
print(next(tool for tool in tools if tool.startswith("cyclonedx")))'
)"

export PYTHONPATH="$PWD/packaging"
mkdir -p "$(dirname "$icon")"
.venv/bin/python -c 'import sys
from pathlib import Path
from release.icons import write_icns
write_icns(Path(sys.argv[1]))' "$icon"

# PyInstaller signs on its own what it collects; what is added afterwards is why all of it is signed again below.
HEARTH_ICON="$icon" HEARTH_ENTITLEMENTS="$PWD/installer/macos/entitlements.plist" \
    .venv/bin/python packaging/release/freeze.py
.venv/bin/python -m release.macos_image
