import logging
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.errors import PasswordDeleteError

from engine.errors import HubError
from engine.hub.token_store import TokenStore

HOST = "hub.example"


class Safe(KeyringBackend):
    """A keyring that keeps what it is given."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError


@pytest.fixture(autouse=True)
def other_keyring() -> Iterator[None]:
    """The real keyring is left alone."""
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


@pytest.fixture
def safe() -> Safe:
    """A keyring that works."""
    found = Safe()
    keyring.set_keyring(found)
    return found


@pytest.fixture(params=["none", "one that forgets"])
def no_keyring(request: pytest.FixtureRequest) -> None:
    """A system without a keyring, or with one that only says that it keeps things."""
    keyring.set_keyring(fail.Keyring() if request.param == "none" else null.Keyring())


def test_the_keyring_keeps_it_and_no_file_does(tmp_path: Path, safe: Safe) -> None:
    store = TokenStore(tmp_path, HOST)
    store.keep(" hf_secret\n")
    assert store.get() == "hf_secret"
    assert safe.kept == {("hearth", HOST): "hf_secret"}
    assert store.kept_in() == "the system's keyring"
    assert all(b"hf_secret" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert TokenStore(tmp_path, HOST).get() == "hf_secret", "also after a restart"
    assert TokenStore(tmp_path, "mirror.example").get() == "", "a mirror gets no token of the hub"
    assert TokenStore(tmp_path, "mirror.example").kept_in() == ""


@pytest.mark.usefixtures("no_keyring")
def test_without_a_keyring_a_file_keeps_it_that_nobody_else_can_read(tmp_path: Path) -> None:
    store = TokenStore(tmp_path, HOST)
    store.keep("hf_secret")
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert file.read_text() == "hf_secret"
    assert str(file) in store.kept_in()
    assert "no keyring" in store.kept_in(), "people are told"
    assert TokenStore(tmp_path, HOST).get() == "hf_secret"
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_in_portable_mode_a_file_keeps_it_and_the_keyring_is_left_alone(tmp_path: Path, safe: Safe) -> None:
    TokenStore(tmp_path, HOST).keep("hf_of_the_machine")
    store = TokenStore(tmp_path / "stick", HOST, is_portable=True)
    assert store.get() == ""
    store.keep("hf_secret")
    assert safe.kept == {("hearth", HOST): "hf_of_the_machine"}
    (file,) = (path for path in (tmp_path / "stick").rglob("*") if path.is_file())
    assert store.get() == file.read_text() == "hf_secret"
    assert f"the file {file}, which only you can read: portable mode" in store.kept_in()
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    store.keep("")
    assert not file.exists()
    assert safe.kept, "what was kept elsewhere is not forgotten with it"


@pytest.mark.usefixtures("no_keyring")
def test_it_is_forgotten_in_a_file(tmp_path: Path) -> None:
    store = TokenStore(tmp_path, HOST)
    store.keep("hf_secret")
    store.keep("")
    assert store.get() == store.kept_in() == ""
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_it_is_forgotten_in_the_keyring(tmp_path: Path, safe: Safe) -> None:
    store = TokenStore(tmp_path, HOST)
    store.keep("hf_secret")
    store.keep("")
    assert store.get() == store.kept_in() == ""
    assert safe.kept == {}


def test_a_new_one_replaces_the_old_one_wherever_it_is(tmp_path: Path) -> None:
    keyring.set_keyring(fail.Keyring())
    store = TokenStore(tmp_path, HOST)
    store.keep("hf_old")
    keyring.set_keyring(Safe())
    store.keep("hf_new")
    assert store.get() == "hf_new"
    assert store.kept_in() == "the system's keyring"
    assert all(b"hf_old" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_tokens_of_others_are_read_and_named_but_never_changed(
    tmp_path: Path, no_other_tokens: Path, safe: Safe, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = TokenStore(tmp_path / "home", HOST)
    no_other_tokens.mkdir()
    (no_other_tokens / "token").write_text("hf_of_their_tools\n")
    assert store.get() == "hf_of_their_tools"
    assert "Hugging Face's own file" in store.kept_in()
    monkeypatch.setenv("HF_TOKEN", "hf_of_environment")
    store = TokenStore(tmp_path / "home", HOST)
    assert store.get() == "hf_of_environment"
    assert "HF_TOKEN" in store.kept_in()
    store.keep("hf_own")
    assert store.get() == "hf_own", "one's own comes first"
    store.keep("")
    assert store.get() == "hf_of_environment"
    assert (no_other_tokens / "token").read_text() == "hf_of_their_tools\n"
    assert os.environ["HF_TOKEN"] == "hf_of_environment"


@pytest.mark.parametrize("text", ["hf with spaces", "hf_\n_lines", "hf_ümlaut", "x" * 5000, "hf_\x1b[31m"])
def test_what_is_no_token_is_refused_and_not_repeated(text: str, tmp_path: Path, safe: Safe) -> None:
    store = TokenStore(tmp_path, HOST)
    with pytest.raises(HubError, match="no token") as error:
        store.keep(text)
    assert text not in str(error.value)
    assert safe.kept == {}


def test_it_is_never_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for ring in (fail.Keyring(), null.Keyring(), Safe()):
        keyring.set_keyring(ring)
        store = TokenStore(tmp_path, HOST)
        store.keep("hf_secret")
        assert store.get() == "hf_secret"
    assert "hf_secret" not in caplog.text
