"""What is taken out of a log, and what stays."""

from pathlib import Path

import pytest

from app.recovery.scrub import LEFT_OUT, Scrubber

HOME, DATA = Path("/home/anna"), Path("/home/anna/.local/share/hearth")
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def scrubber() -> Scrubber:
    return Scrubber(HOME, DATA)


@pytest.mark.parametrize(
    "text",
    [
        "'/home/anna/My secret pictures/a secret.png' cannot be read",
        "/home/anna/My secret pictures/a secret.png cannot be read",
        "/media/usb secret/x.gguf is broken",
        "/mnt/secret",
        "open(/mnt/secret)",
        "[/mnt/secret]",
        "/proc/meminfo and /mnt/secret",
        "D:\\secret\\a b.png broken",
        "\\\\server\\secret\\x",
        "a secret holiday.jpeg cannot be read",
        '"secret.tiff"',
        "~/secret/x.txt",
        "~/Documents/letter to secret.txt",
        "https://anna:secret@hub.example/x",
        "https://hub.example/secret/x?y=secret",
        "GET http://hub.example/#secret",
        "Authorization: Bearer secret",
        "bearer secret",
        "token=secret",
        "password: secret",
        "hf_secretsecret",
        "sk-secretsecretsecret",
        "eyJsecretsecretsecret.x.y",
        "secret" * 8,
        "/home/anna/.local/share/hearth/secret.png",
        "file:///home/anna/secret.png",
    ],
)
def test_what_is_nobodys_business_goes(scrubber: Scrubber, text: str) -> None:
    cleaned = scrubber.line(f"2026-11-30 07:00:00,123 ERROR MainThread app.x: {text}")
    assert "secret" not in cleaned
    assert "anna" not in cleaned
    assert cleaned.startswith("2026-11-30 07:00:00,123 ERROR MainThread app.x: ")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-30 07:00:00,123 INFO hearth-loader-cpu engine.backends.llama: n_ctx_seq (10240) > n_ctx_train (1024)",
        "1/2 done and/or 3/4, 12 MB/s",
        "/proc/vmstat cannot be read: denied",
        "https://hub.example cannot be reached: [Errno -2] Name or service not known",
        "the proxy leads to 127.0.0.1:8080",
        "~5 s",
    ],
)
def test_the_rest_stays(scrubber: Scrubber, text: str) -> None:
    assert scrubber.line(text) == text.replace("https://hub.example cannot", "https://hub.example cannot")


def test_folders_have_names(scrubber: Scrubber) -> None:
    said = scrubber.line(f"{DATA}/engine.toml, {ROOT}/app/main.py")
    assert said == "<data>/engine.toml, <hearth>/app/main.py"


def test_texts_of_errors_go_and_where_they_were_raised_stays(scrubber: Scrubber) -> None:
    log = f"""\
2026-11-30 07:00:00,123 ERROR MainThread app.chat: Chat failed
  + Exception Group Traceback (most recent call last):
Traceback (most recent call last):
  File "{ROOT}/app/chat/controller.py", line 3, in send
    await self._go(text)
  File "<string>", line 2, in go
engine.errors.GrammarError: it says "secret
and secret in the next line

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "{ROOT}/app/chat/controller.py", line 9, in send
    raise
ValueError
2026-11-30 07:00:01,123 INFO MainThread app.chat: a text of two lines
secret
2026-11-30 07:00:02,123 INFO MainThread app.chat: the end"""
    cleaned = scrubber.log(log).splitlines()
    assert not [line for line in cleaned if "secret" in line]
    assert '  File "<hearth>/app/chat/controller.py", line 3, in send' in cleaned
    assert "    await self._go(text)" in cleaned
    assert f"engine.errors.GrammarError: {LEFT_OUT}" in cleaned
    assert cleaned[-1].endswith("the end")


def test_a_text_without_its_record_above_gives_nothing_away(scrubber: Scrubber) -> None:
    assert "secret" not in scrubber.log("secret words\nsecret: more\n    secret code\nsecret.Path")
