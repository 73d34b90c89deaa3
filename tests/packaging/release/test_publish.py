"""What is made of all installers together."""

import json

import pytest
from failure import SetupError
from release.publish import publish


def test_the_sums_cover_the_list_of_versions_too(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    monkeypatch.setenv("HEARTH_RELEASE_URL", "https://example.org/files")
    monkeypatch.delenv("HEARTH_GPG_KEY", raising=False)
    (tmp_path / "hearth_1.0_amd64.deb").write_bytes(b"deb")
    assert publish(tmp_path, "1.0", {})
    said = json.loads((tmp_path / "latest.json").read_text(encoding="utf-8"))
    sums = (tmp_path / "SHA256SUMS").read_text(encoding="utf-8")
    assert f"{said['files'][0]['sha256']}  hearth_1.0_amd64.deb" in sums
    assert "  latest.json" in sums
    assert "hearth_1.0_amd64.deb  0.0 MB  <= 100 MB  met" in capsys.readouterr().out


def test_nothing_made_is_an_error(tmp_path):
    with pytest.raises(SetupError, match="Make an installer first"):
        publish(tmp_path, "1.0", {})
