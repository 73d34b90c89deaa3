"""Downloads over TLS: who is trusted, that nobody is sent to a plain address, and that waits end at once there too."""

import shutil
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest

from engine.errors import HubError
from engine.hub.transfer.line import _certificates
from engine.jobs import JobStopped
from tests.engine.hub.bad_server import Bad, BadServer
from tests.engine.hub.transfer.downloading import MIB, Downloads, control_of, noise, quick

NAME = "model.gguf"
DATA = noise(4 * MIB + 9)

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For 127.0.0.1, with its key, signed by itself."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    key = path.with_name("key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", key, "-out", path], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return path


@pytest.fixture
def server(certificate: Path):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with BadServer({NAME: DATA}, tls=tls) as server:
        yield server


@pytest.fixture
def is_trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    _certificates.cache_clear()
    yield
    _certificates.cache_clear()


def test_a_host_that_cannot_prove_who_it_is_gets_nothing(server: BadServer, tmp_path: Path):
    with pytest.raises(HubError, match=r"127\.0\.0\.1 cannot prove that it is 127\.0\.0\.1: .*certificate") as caught:
        Downloads(tmp_path, quick(token=lambda _host: "hf_secret")).fetch(server.remote(NAME))
    assert "system's" in caught.value.remedy
    assert server.requests == []


@pytest.mark.usefixtures("is_trusted")
def test_certificates_of_the_system_are_trusted(server: BadServer, tmp_path: Path):
    server.script(Bad("drop", at=2 * MIB))
    assert Downloads(tmp_path).fetch(server.remote(NAME)).read_bytes() == DATA


@pytest.mark.usefixtures("is_trusted")
def test_nobody_is_sent_on_to_a_plain_address(server: BadServer, tmp_path: Path):
    with BadServer({NAME: DATA}) as plain:
        server.redirect = f"http://{plain.content}"
        with pytest.raises(HubError, match="without encryption"):
            Downloads(tmp_path).fetch(server.remote(NAME))
        assert plain.requests == []


@pytest.mark.usefixtures("is_trusted")
def test_a_wait_ends_at_once(server: BadServer, tmp_path: Path):
    server.script(Bad("stall", at=MIB))
    control = control_of()
    threading.Timer(0.5, control.stop).start()
    begin_s = time.monotonic()
    downloads = Downloads(tmp_path, quick(stall_s=30.0))
    with pytest.raises(JobStopped):
        downloads.fetch(server.remote(NAME), control=control)
    assert time.monotonic() - begin_s < 2
    assert downloads.fetch(server.remote(NAME)).read_bytes() == DATA
