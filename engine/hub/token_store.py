"""TokenStore: keeps the token for gated models, in the system's keyring if there is one."""

import logging
import os
import threading
from pathlib import Path
from typing import Final

import msgspec

from engine.errors import HubError
from engine.plugins.atomic_file import replace_file

log = logging.getLogger(__name__)

_SERVICE: Final = "hearth"
_LONGEST: Final = 4096
_KEYRING: Final = "the system's keyring"
_VARIABLE: Final = "HF_TOKEN"
_OTHER_VARIABLE: Final = "HUGGING_FACE_HUB_TOKEN"


class _Note(msgspec.Struct, frozen=True):
    """Remembers that a token is in the keyring, and for which host; never the token itself."""

    host: str


class TokenStore:
    """Keeps a token for one hub.

    A token that was given to Hearth comes first, then that of the environment, then that of Hugging Face's own tools;
    the last two are only read. It is never logged, and no other host hears it.

    Thread: any; reading and keeping may block while the system asks for permission to use the keyring.
    """

    def __init__(self, home: Path, host: str, *, is_portable: bool = False) -> None:
        """Make one that has read nothing yet.

        Args:
            home: Hearth's folder.
            host: of the hub, as in its address.
            is_portable: keep nothing outside that folder, so that the system's keyring is neither read nor written.
        """
        self._is_portable = is_portable
        self._folder = home / "secrets"
        self._host = host
        self._lock = threading.Lock()
        self._known: str | None = None  # guarded by _lock; None until it was read

    def get(self) -> str:
        """The token; empty if there is none."""
        with self._lock:
            if self._known is None:
                self._known = self._read()
            return self._known

    def kept_in(self) -> str:
        """Where the token is, in words, without reading it; empty if there is none. Microseconds."""
        if self._noted():
            return _KEYRING
        if self._file.is_file():
            why = "portable mode leaves the keyring alone" if self._is_portable else "this system has no keyring"
            return f"the file {self._file}, which only you can read: {why}"
        if self._of_environment():
            return f"the environment ({_VARIABLE})"
        theirs = _file_of_others()
        return f"Hugging Face's own file {theirs}" if theirs.is_file() else ""

    def keep(self, token: str) -> None:
        """Keep a token in place of another; an empty one forgets it.

        Raises:
            HubError: it is no token, or there is nowhere to keep it.
        """
        token = token.strip()
        if len(token) > _LONGEST or not token.isascii() or not token.isprintable() or " " in token:
            cause = "That is no token: it has characters that none has."
            raise HubError(cause, "Copy it anew from the hub's settings.")
        with self._lock:
            self._forget()
            self._known = None
            if token and not self._keep_in_keyring(token):
                self._keep_in_file(token)

    @property
    def _file(self) -> Path:
        return self._folder / f"hub-token-{_as_name(self._host)}"

    @property
    def _note(self) -> Path:
        return self._folder / f"hub-keyring-{_as_name(self._host)}.json"

    def _noted(self) -> bool:
        return not self._is_portable and self._note.is_file()

    def _read(self) -> str:
        if self._noted() and (token := self._read_from_keyring()):
            return token
        return _text_of(self._file) or self._of_environment() or _text_of(_file_of_others())

    def _read_from_keyring(self) -> str:
        import keyring
        from keyring.errors import KeyringError

        try:
            return keyring.get_password(_SERVICE, self._host) or ""
        except (KeyringError, OSError, RuntimeError):
            log.warning("the keyring cannot be read", exc_info=True)
            return ""

    def _keep_in_keyring(self, token: str) -> bool:
        """Whether the keyring has it now; a keyring that keeps nothing says nothing, so it is read again."""
        if self._is_portable:
            return False
        import keyring
        from keyring.errors import KeyringError

        try:
            keyring.set_password(_SERVICE, self._host, token)
            is_kept = bool(keyring.get_password(_SERVICE, self._host) == token)
        except (KeyringError, OSError, RuntimeError) as error:  # RuntimeError: an old desktop's own
            log.info("no keyring keeps the token: %s", type(error).__name__)
            return False
        if is_kept:
            self._write(self._note, msgspec.json.encode(_Note(self._host)))
        return is_kept

    def _keep_in_file(self, token: str) -> None:
        self._write(self._file, token.encode())

    def _write(self, path: Path, data: bytes) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)
            replace_file(path, data)
        except OSError as error:
            cause = f"The token cannot be kept in {self._folder}: {error.strerror}."
            raise HubError(cause, "Check the folder's permissions, or set HF_TOKEN instead.") from error

    def _forget(self) -> None:
        if self._noted():
            import keyring
            from keyring.errors import KeyringError

            try:
                keyring.delete_password(_SERVICE, self._host)
            except (KeyringError, OSError, RuntimeError):
                log.warning("the keyring does not forget the token", exc_info=True)
        self._note.unlink(missing_ok=True)
        self._file.unlink(missing_ok=True)

    def _of_environment(self) -> str:
        return (os.environ.get(_VARIABLE) or os.environ.get(_OTHER_VARIABLE) or "").strip()


def _file_of_others() -> Path:
    """Where Hugging Face's tools keep their token."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or f"{cache}/huggingface"
    named = Path(os.environ.get("HF_TOKEN_PATH") or f"{home}/token")
    try:
        return named.expanduser()
    except RuntimeError:  # nobody's home folder is known
        return named


def _text_of(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            text = stream.read(_LONGEST + 1).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return text if len(text) <= _LONGEST and text.isprintable() and " " not in text else ""


def _as_name(host: str) -> str:
    return "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in host)
