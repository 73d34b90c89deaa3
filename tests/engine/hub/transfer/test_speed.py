"""Speed limit, offline switch, proxy, and who hears the token."""

import logging
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from engine.errors import HubError, OfflineError
from engine.hub.transfer import Network, Throttle
from engine.jobs import JobStopped
from tests.engine.hub.bad_server import Bad, BadServer
from tests.engine.hub.transfer.downloading import MIB, Downloads, control_of, noise, quick

NAME = "model.gguf"
DATA = noise(2 * MIB)


def test_no_limit_costs_nothing():
    throttle = Throttle()
    begin_s = time.monotonic()
    for _ in range(100_000):
        throttle.take(1 << 20)
    assert time.monotonic() - begin_s < 1


def test_all_that_share_a_limit_keep_it_together():
    throttle = Throttle(1_000_000)
    begin_s = time.monotonic()
    threads = [threading.Thread(target=lambda: [throttle.take(20_000) for _ in range(10)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.45 <= time.monotonic() - begin_s < 1.5


def test_time_without_any_is_not_saved_up():
    throttle = Throttle(1_000_000)
    time.sleep(0.5)
    begin_s = time.monotonic()
    throttle.take(300_000)
    assert time.monotonic() - begin_s >= 0.15


def test_a_limit_can_be_lifted_while_somebody_waits():
    throttle = Throttle(1000)
    threading.Timer(0.2, throttle.set_limit, (0,)).start()
    begin_s = time.monotonic()
    throttle.take(1_000_000)
    assert time.monotonic() - begin_s < 1
    assert throttle.limit == 0


def test_who_gives_up_waiting_does_not_make_others_wait():
    def give_up(_seconds: float) -> None:
        raise JobStopped

    throttle = Throttle(100_000)
    with pytest.raises(JobStopped):
        throttle.take(10_000_000, give_up)
    begin_s = time.monotonic()
    throttle.take(10_000)
    assert time.monotonic() - begin_s < 1


def test_downloads_keep_the_limit(tmp_path: Path):
    with BadServer({NAME: DATA}) as server:
        downloads = Downloads(tmp_path)
        downloads.throttle.set_limit(4 * MIB)
        begin_s = time.monotonic()
        downloads.fetch(server.remote(NAME))
        assert time.monotonic() - begin_s >= 0.4


def test_a_slow_limit_is_no_stall(tmp_path: Path):
    with BadServer({NAME: DATA}) as server:
        downloads = Downloads(tmp_path, quick(stall_s=0.2, tries=1))
        downloads.throttle.set_limit(1 * MIB)
        downloads.fetch(server.remote(NAME))
        assert server.served == len(DATA)


def test_offline_is_said_at_once():
    network = Network(is_offline=True)
    with pytest.raises(OfflineError, match="Hearth is switched to offline"):
        network.check()
    network.set_offline(False)
    network.check()


@pytest.mark.parametrize("fault", [Bad("nothing"), Bad("stall", at=MIB)])
def test_switched_to_offline_a_download_stops_at_once_says_so_and_goes_on_later(fault: Bad, tmp_path: Path):
    with BadServer({NAME: DATA}, bytes_per_s=MIB) as server:
        server.script(fault)
        downloads = Downloads(tmp_path, quick(stall_s=30.0))
        thread = threading.Thread(target=downloads.fetch, args=(server.remote(NAME),))
        thread.start()
        while server.served < MIB / 2:
            time.sleep(0.01)
        downloads.network.set_offline(True)
        until_s = time.monotonic() + 2
        while not downloads.said("Waits: Hearth is switched to offline."):
            assert time.monotonic() < until_s
            time.sleep(0.01)
        time.sleep(0.1)
        asked = len(server.requests)
        time.sleep(0.3)
        assert len(server.requests) == asked
        server.bytes_per_s = 0
        downloads.network.set_offline(False)
        thread.join(10)
        assert downloads.arrivals[0][0].read_bytes() == DATA


def test_offline_from_the_start_asks_nobody(tmp_path: Path):
    with BadServer({NAME: DATA}) as server:
        downloads = Downloads(tmp_path)
        downloads.network.set_offline(True)
        control = control_of(downloads.told)
        threading.Timer(0.3, control.stop).start()
        with pytest.raises(JobStopped):
            downloads.fetch(server.remote(NAME), control=control)
        assert server.requests == []
        assert downloads.said("offline")


def test_the_token_is_for_the_hub_alone(tmp_path: Path):
    asked: list[str] = []

    def token(host: str) -> str:
        asked.append(host)
        return "hf_secret"

    with BadServer({NAME: DATA}) as server:
        server.script(Bad("drop", at=MIB))
        Downloads(tmp_path, quick(token=token)).fetch(server.remote(NAME))
        assert {seen.headers.get("authorization") for seen in server.requests if seen.is_hub} == {"Bearer hf_secret"}
        assert {seen.headers.get("authorization") for seen in server.requests if not seen.is_hub} == {None}
        assert set(asked) == {server.hub}


def test_the_token_stays_with_the_hub_when_that_sends_to_itself(tmp_path: Path):
    with BadServer({NAME: DATA}) as server:
        there = f"/{NAME}?signed=1"
        server.script(
            Bad("302", at_hub=True, headers=(("Location", f"/moved{server.url(NAME).split(server.hub)[1]}"),))
        )
        Downloads(tmp_path, quick(token=lambda _host: "hf_secret")).fetch(server.remote(NAME))
        paths = [(seen.path, seen.headers.get("authorization")) for seen in server.requests]
    assert paths[1] == (f"/moved/owner/model/resolve/main/{NAME}", "Bearer hf_secret")
    assert paths[-1] == (there, None)


def test_no_address_that_is_a_key_and_no_token_is_written_down(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    with BadServer({NAME: DATA}) as server:
        server.script(Bad("drop", at=MIB))
        Downloads(tmp_path, quick(token=lambda _host: "hf_secret")).fetch(server.remote(NAME))
    assert "signed" not in caplog.text
    assert "hf_secret" not in caplog.text


@pytest.mark.parametrize("location", ["", "http://", "file:///etc/passwd", "http://[", "javascript:1", "gopher://x/"])
def test_addresses_that_are_none_are_not_followed(location: str, tmp_path: Path):
    with BadServer({NAME: DATA}) as server:
        server.script(Bad("302", at_hub=True, times=-1, headers=(("Location", location),)))
        with pytest.raises(
            HubError, match=r"sends to an address that is none|sends in circles|broke|cannot be reached"
        ):
            Downloads(tmp_path, quick(tries=2, tries_of_nonsense=2)).fetch(server.remote(NAME))


class _Proxy(BaseHTTPRequestHandler):
    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        if not self.path.startswith("http://hub.invalid/"):
            self.send_error(502)
            return
        host, name = self.server.behind  # type: ignore[attr-defined]
        connection = HTTPConnection(host, timeout=5)
        connection.request("GET", name)
        data = connection.getresponse().read()
        connection.close()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def proxy():
    """Address of a proxy, and what it was asked for; it alone knows `hub.invalid`."""
    with BadServer({NAME: DATA}) as server:
        seen: list[str] = []
        behind = type("Proxy", (_Proxy,), {"seen": seen})
        with ThreadingHTTPServer(("127.0.0.1", 0), behind) as running:
            running.behind = (server.content, f"/{NAME}")  # type: ignore[attr-defined]
            thread = threading.Thread(target=running.serve_forever, args=(0.05,))
            thread.start()
            yield f"http://127.0.0.1:{running.server_port}", seen
            running.shutdown()
            thread.join()


@pytest.mark.parametrize("is_set", [True, False])
def test_a_proxy_of_the_settings_or_of_the_system_is_used(
    is_set: bool, proxy: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    address, seen = proxy
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9" if is_set else address)
    downloads = Downloads(tmp_path, quick(proxy=address if is_set else ""))
    url = f"http://hub.invalid/owner/model/resolve/main/{NAME}"
    with BadServer({NAME: DATA}) as names:
        assert downloads.fetch(names.remote(NAME, url=url)).read_bytes() == DATA
    assert seen == [url]


def test_a_proxy_that_cannot_be_used_is_said_in_a_sentence(tmp_path: Path):
    with BadServer({NAME: DATA}) as server:
        for proxy in ("ftp://host", "http://127.0.0.1:9", "socks5://127.0.0.1:9"):
            with pytest.raises(HubError) as caught:
                Downloads(tmp_path, quick(proxy=proxy, tries=2)).fetch(server.remote(NAME))
            assert caught.value.cause.endswith(".")
            assert "proxy" in str(caught.value)
        assert server.requests == []


def test_a_host_that_is_not_there_is_said_in_a_sentence(tmp_path: Path):
    with BadServer({NAME: DATA}) as server:
        remote = server.remote(NAME, url=f"http://127.0.0.1:9/o/n/resolve/main/{NAME}")
        with pytest.raises(HubError, match=r"127\.0\.0\.1 cannot be reached\. Check the connection"):
            Downloads(tmp_path, quick(tries=2)).fetch(remote)
