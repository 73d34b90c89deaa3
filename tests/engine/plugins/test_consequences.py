from pathlib import Path

import pytest

from engine.plugins.consequences import FAMILY, HOME, PIPELINE, TOOL, consequences
from engine.plugins.manifest import Manifest, OfferKind, Permission, PermissionKind


def manifest(*provides, folders=()):
    permissions = (Permission(PermissionKind.WRITE, "To tidy up.", folders=folders),) if folders else ()
    return Manifest(
        id="tidy", name="Tidy", version="1.0.0", api="1.0", summary="Tidies.", provides=provides,
        permissions=permissions,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (OfferKind.FAMILY, (FAMILY,)),
        (OfferKind.PIPELINE, (PIPELINE,)),
        (OfferKind.TOOL, (TOOL,)),
        (OfferKind.TASK, ()),
        (OfferKind.TELEMETRY, ()),
    ],
)
def test_what_a_plugin_will_see_is_said(kind, said, tmp_path):
    assert consequences(manifest((kind, "a")), tmp_path) == said


def test_a_folder_around_or_inside_hearths_own_is_said(tmp_path):
    home = tmp_path / "data" / "hearth"
    home.mkdir(parents=True)
    link = tmp_path / "link"
    link.symlink_to(home)
    for folder in (tmp_path, home, home / "models", link):
        assert consequences(manifest(folders=(str(folder),)), home) == (HOME,)
    for folder in (tmp_path / "else", tmp_path / "data" / "hearth-not"):
        assert consequences(manifest(folders=(str(folder),)), home) == ()


def test_the_home_folder_is_meant_by_its_sign():
    assert consequences(manifest(folders=("~",)), Path.home() / ".local" / "share" / "hearth") == (HOME,)
