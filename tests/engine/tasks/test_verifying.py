"""Verifying: the whole file is read, compared with what it should be, and tried again."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cards import Arrival, Trust
from engine.errors import ModelFileError, ModelNotFoundError
from engine.jobs import JobStopped
from tests.engine.tasks.library import STARTER, Desk, Told, copied

SHA256 = hashlib.sha256(STARTER.read_bytes()).hexdigest()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home", trusted=(tmp_path,))


def test_a_digest_is_noted_and_then_held_against_the_file(desk):
    path, told = copied(STARTER, desk.models / "mine.gguf"), Told()
    found = desk.verifying.verify("mine", told.control)
    assert (found.sha256, found.expected, found.path) == (SHA256, "", path)
    assert desk.card("mine").sha256 == SHA256
    assert desk.verifying.verify("mine", told.control).expected == SHA256
    assert told.steps[-1][0] == path.stat().st_size


def test_damage_of_the_disk_is_noticed(desk):
    path = copied(STARTER, desk.models / "mine.gguf")
    desk.arrived(path, Arrival(sha256=SHA256))
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(ModelFileError, match=rf"should be {SHA256[:12]}") as damaged:
        desk.verifying.verify("mine", Told().control)
    assert damaged.value.remedy == "Download it again."


def test_what_the_hub_said_counts_for_a_file_that_was_replaced_in_hearths_folder(desk):
    path = copied(STARTER, desk.models / "mine.gguf")
    desk.arrived(path, Arrival(sha256="0" * 64))
    os.utime(path)
    with pytest.raises(ModelFileError, match="is not what it was"):
        desk.verifying.verify("mine", Told().control)


def test_a_file_that_somebody_replaced_in_a_folder_of_theirs_is_a_new_one(tmp_path):
    desk = Desk(tmp_path / "home", trusted=(tmp_path,), model_dirs=(tmp_path / "theirs",))
    path = copied(STARTER, tmp_path / "theirs" / "mine.gguf")
    desk.library.notes.change(path, lambda note: replace(note, sha256="0" * 64, stamp=(1, 1)))
    assert desk.verifying.verify("mine", Told().control).sha256 == SHA256
    assert desk.card("mine").sha256 == SHA256


@pytest.mark.parametrize("digest", [SHA256, "0" * 64])
def test_blobs_of_other_programs_are_called_by_their_digest(tmp_path, monkeypatch, digest):
    monkeypatch.setenv("HEARTH_FOREIGN_HOME", str(tmp_path))
    store = tmp_path / ".ollama" / "models"
    copied(STARTER, store / "blobs" / f"sha256-{digest}")
    manifest = store / "manifests" / "registry.ollama.ai" / "library" / "mine" / "1"
    manifest.parent.mkdir(parents=True)
    layer = f'{{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:{digest}"}}'
    manifest.write_text(f'{{"layers": [{layer}]}}')
    desk = Desk(tmp_path / "home", trusted=(tmp_path,))
    if digest == SHA256:
        assert desk.verifying.verify("mine:1", Told().control).expected == SHA256
    else:
        with pytest.raises(ModelFileError, match="is not what it was"):
            desk.verifying.verify("mine:1", Told().control)


def test_it_is_tried_again_in_a_process_of_its_own(tmp_path):
    desk = Desk(tmp_path / "home")
    copied(STARTER, desk.models / "mine.gguf")
    report = desk.verifying.verify("mine", Told().control).report
    assert (report.trust, report.took_s > 0) == (Trust.PASSED, True)
    assert desk.card("mine").gate.trust is Trust.PASSED


def test_it_stops_when_it_is_told_to(desk):
    copied(STARTER, desk.models / "mine.gguf")
    with pytest.raises(JobStopped):
        desk.verifying.verify("mine", Told(lambda _done: True).control)
    assert desk.card("mine").sha256 == ""


def test_a_job_is_begun_for_a_model_that_is_there(desk):
    path = copied(STARTER, desk.models / "mine.gguf")
    assert desk.begin_verify("mine") == 1
    assert desk.jobs == [("verify", "starter", {"path": str(path), "subject": "mine"})]
    assert desk.verifying.run({"path": str(path)}, Told().control) == str(path)
    with pytest.raises(ModelNotFoundError):
        desk.begin_verify("nothing")
