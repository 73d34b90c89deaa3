"""Asking for a new version, over real HTTP: what is sent, what is believed, and what is refused."""

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Engine, EngineConfig
from engine.errors import ConfigError, HubError, OfflineError
from engine.hub import connection as connecting
from engine.hub.transfer import Network
from engine.hub.updates import MOST_BYTES, ReleaseFeed, release_of
from tests.engine.hub.release_server import LATEST, ReleaseServer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReleaseServer]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with ReleaseServer() as running:
        yield running


def asked(server: ReleaseServer, network: Network | None = None):
    return ReleaseFeed(server.url, "", network or Network()).latest()


def test_the_list_is_read(server: ReleaseServer) -> None:
    release = asked(server)
    assert (release.version, release.released) == ("99.2.0", "2026-12-24")
    assert release.page == "https://hearth.example/download"
    (file,) = release.files_for("linux")
    assert (file.name, file.sha256, file.size_bytes) == ("hearth-99.2.0-linux.bin", "a" * 64, 123_456_789)


def test_nothing_is_sent_but_the_request(server: ReleaseServer) -> None:
    asked(server)
    ((_, path, headers),) = server.seen
    assert path == "/hearth/latest.json"
    assert set(headers) <= {"host", "accept", "range", "user-agent", "accept-encoding", "connection"}
    assert headers["user-agent"] == "hearth"


def test_what_a_later_list_adds_is_passed_over(server: ReleaseServer) -> None:
    server.tell(more={"deep": [1, 2]})
    assert asked(server).version == "99.2.0"


@pytest.mark.parametrize(
    "change",
    [
        {"version": "newest"},
        {"version": "1.0\n"},
        {"version": 2},
        {"version": None},
        {"released": "24.12.2026"},
        {"notes": "x" * 100_001},
        {"notes": None},
        {"page": "http://hearth.example/download"},
        {"page": "javascript:alert(1)"},
        {"page": "file:///etc/passwd"},
        {"page": "https://user:secret@hearth.example/"},
        {"page": "https://hearth.example/a b"},
        {"page": "https://[::1"},
        {"page": "https://" + "a" * 2050},
        {"files": [{**LATEST["files"][0], "sha256": "A" * 64}]},
        {"files": [{**LATEST["files"][0], "sha256": "a" * 63}]},
        {"files": [{**LATEST["files"][0], "sha256": "a" * 64 + "\n"}]},
        {"files": [{**LATEST["files"][0], "bytes": -1}]},
        {"files": [{**LATEST["files"][0], "bytes": 1.5}]},
        {"files": [{**LATEST["files"][0], "name": "../x"}]},
        {"files": [{**LATEST["files"][0], "system": "beos"}]},
        {"files": [{**LATEST["files"][0], "url": "http://hearth.example/x"}]},
        {"files": [LATEST["files"][0]] * 51},
        {"files": {}},
    ],
    ids=str,
)
def test_a_list_with_something_wrong_is_not_believed(server: ReleaseServer, change: dict[str, object]) -> None:
    server.tell(**change)
    with pytest.raises(HubError, match="cannot be understood") as error:
        asked(server)
    assert error.value.remedy


@pytest.mark.parametrize(
    "body", [b"", b"<html>log in</html>", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 9000]
)
def test_what_is_no_list_is_not_believed(server: ReleaseServer, body: bytes) -> None:
    server.body = body
    with pytest.raises(HubError):
        asked(server)
    with pytest.raises(ValueError):
        release_of(body)


def test_a_huge_answer_is_refused(server: ReleaseServer) -> None:
    server.body = json.dumps(LATEST).encode().ljust(MOST_BYTES + 1)
    with pytest.raises(HubError, match="more than a list of versions can be"):
        asked(server)
    server.body = json.dumps(LATEST).encode().ljust(MOST_BYTES * 20)
    with pytest.raises(HubError):
        asked(server)
    server.body = json.dumps(LATEST).encode().ljust(MOST_BYTES)
    assert asked(server).version == "99.2.0"


def test_a_slow_answer_is_given_up(server: ReleaseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "_ANSWER_S", 0.3)
    server.drip_s = 0.02
    with pytest.raises(HubError, match="takes longer"):
        asked(server)


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_a_refusal_is_one_sentence_that_speaks_of_versions(server: ReleaseServer, status: int) -> None:
    server.status = status
    with pytest.raises(HubError, match=f"has no list of versions there .HTTP {status}") as error:
        asked(server)
    assert "update_url" in error.value.remedy


def test_being_sent_on_to_an_open_line_is_refused_and_nobody_is_asked_there(
    server: ReleaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.status, server.headers = 302, {"Location": "http://mirror.example/latest.json"}
    lookups: list[object] = []
    look_up = socket.getaddrinfo

    def noted(host: object, *more: object, **kinds: object):
        lookups.append(host)
        return look_up(host, *more, **kinds)

    monkeypatch.setattr(socket, "getaddrinfo", noted)
    with pytest.raises(HubError, match=r"leads to mirror\.example, where others could change what comes"):
        asked(server)
    assert set(lookups) == {"127.0.0.1"}
    assert len(server.seen) == 1


def test_being_sent_in_circles_ends(server: ReleaseServer) -> None:
    server.status, server.headers = 302, {"Location": server.url}
    with pytest.raises(HubError):
        asked(server)
    assert len(server.seen) < 10


def test_an_open_line_is_never_asked() -> None:
    with pytest.raises(HubError, match="others could change what comes"):
        ReleaseFeed("http://hearth.example/latest.json", "", Network()).latest()
    with pytest.raises(ConfigError, match="update_url"):
        EngineConfig(update_url="http://hearth.example/latest.json")
    with pytest.raises(HubError):
        ReleaseFeed("http://localhost.hearth.example/latest.json", "", Network()).latest()


def test_offline_holds(server: ReleaseServer) -> None:
    with pytest.raises(OfflineError):
        asked(server, Network(is_offline=True))
    assert server.seen == []


def test_a_server_that_is_not_there_gets_a_sentence(server: ReleaseServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/latest.json"
        with pytest.raises(HubError, match="cannot be reached") as error:
            ReleaseFeed(url, "", Network()).latest()
    assert "update_url" in error.value.remedy


def test_the_proxy_of_the_settings_is_used(server: ReleaseServer) -> None:
    with ReleaseServer() as proxy:
        proxy.tell(version="77.0")
        address = proxy.url.removesuffix("/hearth/latest.json")
        assert ReleaseFeed(server.url, address, Network()).latest().version == "77.0"
        assert proxy.seen[0][1] == server.url
    assert server.seen == []


def test_the_door_obeys_its_setting_and_the_offline_switch(server: ReleaseServer, tmp_path: Path) -> None:
    async def body() -> None:
        engine = Engine(EngineConfig(home=tmp_path, update_url=server.url), backends={})
        assert engine.update_host() == server.url.split("/")[2]
        assert (await engine.latest_release()).version == "99.2.0"
        engine.set_offline(True)
        with pytest.raises(OfflineError):
            await engine.latest_release()
        nowhere = Engine(EngineConfig(home=tmp_path), backends={})
        assert (nowhere.update_url(), nowhere.update_host()) == ("", "")
        with pytest.raises(HubError, match="does not know"):
            await nowhere.latest_release()

    asyncio.run(body())
