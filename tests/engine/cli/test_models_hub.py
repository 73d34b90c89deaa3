import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail

from tests.engine.cli.conftest import Hearth
from tests.engine.hub.hub_server import COMMIT, HubServer, starter_repo

REPO = "hearth/starter-GGUF"


@pytest.fixture
def hub(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub that commands ask."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(home / "hf"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")  # for other processes
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    with HubServer() as server:
        server.repos[REPO] = starter_repo()
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server
    keyring.set_keyring(before)


@pytest.mark.usefixtures("hub")
def test_search_lists_what_there_is(hearth: Hearth) -> None:
    ended = hearth("models", "search", "starter", "--task", "chat", "--fits", "--size", "100MB", "--licence", "mit")
    assert ended.code == 0, ended.err
    assert REPO in ended.out
    assert "~8.4 MB" in ended.out
    found = hearth(
        "models", "search", "--quant", "F16", "--format", "gguf", "--sort", "likes", "--limit", "5", "--json"
    )
    assert [model["repo"] for model in found.document["models"]] == [REPO]
    assert "Nothing found" in hearth("models", "search", "nothing like it").err


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("--task", "dance"), "Choose from: chat"), (("--format", "pickle"), "gguf, onnx"), (("--limit", "0"), "limit")],
)
def test_a_search_that_makes_no_sense_is_wrong_use(hearth: Hearth, arguments: tuple[str, ...], words: str) -> None:
    ended = hearth("models", "search", *arguments)
    assert ended.code == 2
    assert words in ended.err


@pytest.mark.usefixtures("home")
def test_the_catalogue_needs_no_network(hearth: Hearth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    ended = hearth("models", "catalogue")
    assert ended.code == 0
    assert "Sizes are about" in ended.out
    models = hearth("models", "catalogue", "--task", "embed", "--json").document["models"]
    assert models
    assert all("embed" in model["tasks"] for model in models)
    assert all(file["fit"] for model in models for file in model["files"])
    assert "There is: " in hearth("models", "catalogue", "--task", "dance").err


@pytest.mark.usefixtures("hub")
def test_a_card_is_shown_without_control_codes(hearth: Hearth, hub: HubServer) -> None:
    hub.repos[REPO].files["README.md"] = b"---\nlicense: mit\n---\n# [red]Starter[/red]\n"
    ended = hearth("models", "card", REPO)
    assert ended.code == 0
    for words in ("starter-F16.gguf", "8.5 MB", "fits", "mit", "# [red]Starter[/red]", COMMIT):
        assert words in ended.out
    document = hearth("models", "card", REPO, "--json").document
    assert document["model"]["recommended"] == "starter-F16.gguf"
    assert document["licence_text"].startswith("MIT License")


@pytest.mark.usefixtures("hub")
def test_pull_fetches_verifies_tries_and_lists(hearth: Hearth, home: Path) -> None:
    ended = hearth("models", "pull", REPO, "--json")
    assert ended.code == 0, ended.err
    place = home / "models" / REPO / "starter-F16.gguf"
    document = ended.document
    assert (document["path"], document["revision"]) == (str(place), COMMIT)
    assert document["gate"]["trust"] == "passed"
    for words in ("8.5 MB", "Licence: mit", "On this machine: ✓ fits", "use it as starter-f16"):
        assert words in ended.err
    assert ended.err.index("Licence") < ended.err.index("It is ready")
    assert "starter-f16" in [model["id"] for model in hearth("models", "list", "--json").document["models"]]
    again = hearth("models", "pull", REPO)
    assert again.code == 1
    assert "is here already, byte for byte" in again.err


def test_a_gated_model_wants_a_token_that_is_read_from_standard_input(
    hearth: Hearth, hub: HubServer, home: Path
) -> None:
    hub.repos[REPO] = starter_repo(gated=True)
    refused = hearth("models", "pull", REPO)
    assert refused.code == 1
    assert f"Accept the conditions at {hub.url}/{REPO}" in refused.err
    kept = hearth("models", "token", stdin=f"{hub.token}\n")
    assert kept.code == 0
    assert "which only you can read: this system has no keyring" in kept.err
    assert hub.token not in kept.out + kept.err
    assert hearth("models", "pull", REPO).code == 0
    logs = [path.read_text(encoding="utf-8") for path in home.rglob("*.log")]
    assert not any(hub.token in log for log in logs)
    assert hearth("models", "token", "--forget").err == "Forgotten.\n"
    assert not list((home / "secrets").iterdir())


@pytest.mark.usefixtures("hub")
def test_no_token_gets_a_sentence(hearth: Hearth) -> None:
    ended = hearth("models", "token", stdin="\n")
    assert ended.code == 1
    assert "no token on standard input" in ended.err


def test_offline_is_said(hearth: Hearth, hub: HubServer, home: Path) -> None:
    (home / "engine.toml").write_text("offline = true\n", encoding="utf-8")
    for arguments in (("search",), ("card", REPO), ("pull", REPO)):
        ended = hearth("models", *arguments)
        assert ended.code == 1
        assert "switched to offline" in ended.err
    assert hub.seen == []


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C reaches other processes differently there")
def test_ctrl_c_keeps_what_was_fetched_and_says_how_to_go_on(hub: HubServer, home: Path) -> None:
    (home / "engine.toml").write_text("download_bytes_per_s = 400000\n", encoding="utf-8")
    command = [sys.executable, "-m", "engine", "models", "pull", REPO]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ) as pull:
        part = home / "models" / REPO / "starter-F16.gguf.part"
        until_s = time.monotonic() + 40
        while not (part.exists() and part.stat().st_size > 100_000) and time.monotonic() < until_s:
            time.sleep(0.05)
        pull.send_signal(signal.SIGINT)
        _, said = pull.communicate(timeout=30)
    assert pull.returncode == 130, said
    (again,) = re.findall(r"go on with: hearth (.*)", said)
    assert again == f"models pull {REPO} --file starter-F16.gguf --revision {COMMIT}"
    assert part.exists()
    (home / "engine.toml").unlink()
    done = subprocess.run([sys.executable, "-m", "engine", *again.split()], check=True, capture_output=True, text=True)
    assert done.stdout.strip().endswith("starter-F16.gguf")
    begun = [request.headers.get("range", "bytes=0-") for request in hub.sent_to(is_hub=False)]
    assert re.fullmatch(r"bytes=[1-9]\d*-", begun[-1]), "it goes on where it was"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo terminals")
def test_a_terminal_is_asked_first(hub: HubServer, home: Path) -> None:
    person, terminal = os.openpty()
    command = [sys.executable, "-m", "engine", "models", "pull", REPO]
    with subprocess.Popen(command, stdin=terminal, stderr=terminal, stdout=subprocess.DEVNULL, env=os.environ) as pull:
        os.close(terminal)
        said = b""
        while b"Fetch it? [Y/n]" not in said:
            said += os.read(person, 4096)
        assert not (home / "models" / "hearth").exists()
        os.write(person, b"n\n")
        assert pull.wait(timeout=30) == 1
    os.close(person)
    assert "Licence: mit" in said.decode()
    assert not (home / "models" / "hearth").exists()
    fetched = [request for request in hub.sent_to(is_hub=False) if request.headers.get("range") != "bytes=0-0"]
    assert len(fetched) <= 1, "nothing but the header was read"
