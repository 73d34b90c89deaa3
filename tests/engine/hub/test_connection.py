import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from engine.errors import HubError, OfflineError
from engine.finds import HubQuery
from engine.hub import connection as connecting
from engine.hub.connection import HubConnection
from engine.hub.transfer import Network
from engine.tasks.hub_desk import HubDesk
from tests.engine.hub.conftest import MakeDesk
from tests.engine.hub.hub_server import HubServer, starter_repo

REPO = "hearth/starter-GGUF"


def ask_everything(desk: HubDesk) -> None:
    desk.search(HubQuery(text="starter"))
    desk.card(REPO)
    desk.download(REPO)


def test_nothing_is_sent_about_the_person_or_the_machine(desk: HubDesk, hub: HubServer, no_other_tokens: Path) -> None:
    ask_everything(desk)
    names = {name for request in hub.seen for name in request.headers}
    assert names <= {"host", "accept", "range", "user-agent", "accept-encoding", "connection"}
    assert {request.headers["user-agent"] for request in hub.seen} == {"hearth"}
    assert not no_other_tokens.exists(), "Hugging Face's own cache is nobody's business here"


def test_the_token_goes_to_the_hub_and_to_no_server_that_it_sends_to(desk: HubDesk, hub: HubServer) -> None:
    hub.repos[REPO] = starter_repo(gated=True)
    desk.set_token(hub.token)
    ask_everything(desk)
    assert hub.sent_to(is_hub=False), "large files come from another server"
    assert all("authorization" not in request.headers for request in hub.sent_to(is_hub=False))
    assert {request.headers.get("authorization") for request in hub.sent_to(is_hub=True)} == {f"Bearer {hub.token}"}
    assert all(hub.token not in request.target for request in hub.seen)


def test_no_token_goes_where_others_on_the_way_could_read_it() -> None:
    open_line = HubConnection("http://hub.example", "", Network(), lambda: "hf_secret")
    closed_line = HubConnection("https://hub.example", "", Network(), lambda: "hf_secret")
    assert open_line.token_for("hub.example") == ""
    assert closed_line.token_for("hub.example") == "hf_secret"
    assert closed_line.token_for("store.example") == closed_line.token_for("hub.example:8080") == ""


@pytest.mark.usefixtures("no_sockets")
def test_a_hub_that_is_encrypted_leads_nowhere_that_is_not() -> None:
    connection = HubConnection("https://hub.example", "", Network(), lambda: "hf_secret")
    with pytest.raises(HubError, match=r"leads to store\.example, where others could change what comes"):
        connection.answer(httpx2.Request("GET", "http://store.example/file"))


@pytest.mark.parametrize("url", ["http://127.0.0.1:none", "http://", "http://[::1", "http://127.0.0.1:99999999"])
def test_an_address_that_is_none_gets_a_sentence(make_desk: MakeDesk, url: str) -> None:
    with pytest.raises(HubError):
        make_desk(hub_url=url).search(HubQuery())
    with pytest.raises(HubError):
        make_desk(hub_url=url).card(REPO)


@pytest.mark.parametrize("proxy", ["http://", "http://127.0.0.1:none"])
def test_a_proxy_that_is_none_gets_a_sentence(make_desk: MakeDesk, proxy: str) -> None:
    with pytest.raises(HubError):
        make_desk(proxy=proxy).search(HubQuery())


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting anywhere fails the test, whoever catches the error."""

    def connect(*address: object) -> None:
        pytest.fail(f"connected to {address}")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket.socket, "connect_ex", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)


@pytest.mark.usefixtures("no_sockets")
@pytest.mark.parametrize("is_switched_later", [False, True])
def test_offline_is_enforced_on_every_path(make_desk: MakeDesk, is_switched_later: bool) -> None:
    desk = make_desk(offline=not is_switched_later)
    if is_switched_later:
        desk.set_offline(True)
    for ask in (
        lambda: desk.search(HubQuery()),
        lambda: desk.card(REPO),
        lambda: desk.order(REPO),
        lambda: desk.download(REPO),
    ):
        with pytest.raises(OfflineError, match="offline"):
            ask()
    assert desk.state().is_offline
    assert desk.catalogue(), "this needs no network"


@pytest.mark.usefixtures("no_sockets")
def test_the_library_below_is_offline_as_well(hub: HubServer) -> None:
    network = Network()
    connection = HubConnection(hub.url, "", network, lambda: "")
    with connection.asking() as api:
        network.set_offline(True)
        with pytest.raises(OfflineError):
            list(api.list_models(limit=1))


def test_switched_on_again_it_asks_again(desk: HubDesk) -> None:
    desk.set_offline(True)
    desk.set_offline(False)
    assert desk.search(HubQuery(text="starter"))


def test_what_hearth_did_not_begin_does_not_ask_the_hub(desk: HubDesk, hub: HubServer) -> None:
    from huggingface_hub import HfApi

    desk.search(HubQuery())
    before = len(hub.seen)
    with pytest.raises(OfflineError, match="Only Hearth itself"):
        list(HfApi(endpoint=hub.url).list_models(limit=1))
    assert len(hub.seen) == before


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("429", "no more questions for 3,600 seconds"),
        ("503", r"trouble of its own \(HTTP 503\)"),
        ("404", "refuses to answer|no model"),
        ("403", "refuses to answer|wants to know"),
        ("garbage", "cannot be understood"),
        ("login", "cannot be understood"),
        ("gzip", "cannot be understood"),
        ("huge", "cannot be understood"),
    ],
)
def test_a_hub_that_misbehaves_gets_a_sentence_at_once(desk: HubDesk, hub: HubServer, fault: str, words: str) -> None:
    hub.fault = fault
    began_s = time.monotonic()
    for ask in (lambda: desk.search(HubQuery()), lambda: desk.card(REPO)):
        with pytest.raises(HubError, match=words) as error:
            ask()
        assert error.value.remedy
    assert time.monotonic() - began_s < 10, "huggingface_hub would try again for minutes"


def test_an_answer_that_never_ends_is_given_up(desk: HubDesk, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "_ANSWER_S", 0.5)
    hub.fault = "slow"
    with pytest.raises(HubError, match="takes longer"):
        desk.card(REPO)


def test_switching_off_ends_an_answer_that_is_under_way(desk: HubDesk, hub: HubServer) -> None:
    hub.fault = "slow"
    threading.Timer(0.5, desk.set_offline, (True,)).start()
    with pytest.raises(OfflineError):
        desk.card(REPO)


def test_a_hub_that_is_not_there_gets_a_sentence(make_desk: MakeDesk) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        desk = make_desk(hub_url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(HubError, match="cannot be reached") as error:
            desk.search(HubQuery())
    assert "proxy" in error.value.remedy


def test_nothing_but_questions_is_sent(hub: HubServer) -> None:
    connection = HubConnection(hub.url, "", Network(), lambda: "")
    with connection.asking() as api, pytest.raises(HubError, match="sends nothing"):
        api.create_repo("hearth/new")
    assert hub.seen == []


class _Proxy(BaseHTTPRequestHandler):
    """A proxy for http:// addresses that remembers what it was asked for."""

    asked: list[str]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.asked.append(self.path)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        with httpx2.Client(trust_env=False) as client:
            answer = client.get(self.path, headers=headers)
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in {"connection", "transfer-encoding"}:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """Address of a proxy, and what it was asked for."""
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Proxy", (_Proxy,), {"asked": asked}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_everything_goes_through_the_proxy(make_desk: MakeDesk, hub: HubServer, proxy: tuple[str, list[str]]) -> None:
    address, asked = proxy
    ask_everything(make_desk(proxy=address))
    assert sorted(urlsplit(url).path for url in asked) == sorted(urlsplit(it.target).path for it in hub.seen)
    assert {urlsplit(url).port for url in asked} == {hub.hub.server_port, hub.store.server_port}


def test_the_systems_proxy_is_taken_if_none_is_set(
    make_desk: MakeDesk, proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, asked = proxy
    monkeypatch.setenv("HTTP_PROXY", address)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    make_desk().search(HubQuery())
    assert asked


def test_a_proxy_that_is_not_there_gets_a_sentence(make_desk: MakeDesk) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(HubError, match=r"cannot be reached|proxy"):
            make_desk(proxy=address).search(HubQuery())
