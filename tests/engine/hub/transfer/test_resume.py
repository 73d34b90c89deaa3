"""What is here already is used again, as far as it is right; several files come together; two do not fetch one."""

import hashlib
import os
import threading
import time
from pathlib import Path

import msgspec
import pytest

from engine.errors import HubError
from engine.hub.transfer.place import alone
from engine.jobs import JobStopped
from tests.engine.hub.bad_server import Bad, BadServer
from tests.engine.hub.transfer.downloading import MIB, Downloads, control_of, noise, quick, sha256, spec_of

NAME = "model.gguf"
DATA = noise(12 * MIB + 12_345)


@pytest.fixture
def server():
    with BadServer({NAME: DATA, "README.md": b"# A model\n", "empty.txt": b""}) as server:
        yield server


@pytest.fixture
def downloads(tmp_path: Path) -> Downloads:
    return Downloads(tmp_path / "models", quick(tries=1))


def break_at(server: BadServer, downloads: Downloads, at: int, **remote: object) -> Path:
    """Fetch a part; returns its file."""
    server.script(Bad("drop", at=at))
    with pytest.raises(HubError, match="broke"):
        downloads.fetch(server.remote(NAME, **remote))
    server.served = 0
    part = downloads.folder / "owner--model" / f"{NAME}.part"
    assert 0 < part.stat().st_size <= at
    return part


def note_of(part: Path) -> dict[str, object]:
    return msgspec.json.decode(part.with_name(f"{part.name}.json").read_bytes())


def test_what_is_here_is_not_fetched_again(server: BadServer, downloads: Downloads):
    part = break_at(server, downloads, 9 * MIB)
    there = part.stat().st_size
    assert downloads.left() == [f"owner--model/{NAME}.part", f"owner--model/{NAME}.part.json"]
    assert downloads.fetch(server.remote(NAME)).read_bytes() == DATA
    assert server.served == len(DATA) - there
    assert downloads.said("Checks what is here of model.gguf")


def test_a_whole_part_needs_no_network(server: BadServer, downloads: Downloads):
    part = break_at(server, downloads, 9 * MIB)
    part.write_bytes(DATA)
    downloads.network.set_offline(True)
    assert downloads.fetch(server.remote(NAME)).read_bytes() == DATA


@pytest.mark.parametrize("at", [0, 4 * MIB - 1, 5 * MIB])
def test_a_byte_that_the_disk_has_damaged_costs_one_block(at: int, server: BadServer, downloads: Downloads):
    part = break_at(server, downloads, 9 * MIB)
    there = part.stat().st_size
    with part.open("r+b") as file:
        file.seek(at)
        file.write(bytes([DATA[at] ^ 0x10]))
    assert downloads.fetch(server.remote(NAME)).read_bytes() == DATA
    assert server.served == len(DATA) - there + 4 * MIB
    assert downloads.said("the disk has damaged it")


def test_blocks_that_the_power_cut_has_emptied_are_fetched_again(server: BadServer, downloads: Downloads):
    part = break_at(server, downloads, 11 * MIB)
    there = part.stat().st_size
    with part.open("r+b") as file:
        file.write(bytes(5 * MIB))
    assert downloads.fetch(server.remote(NAME)).read_bytes() == DATA
    assert server.served == len(DATA) - there + 8 * MIB


def test_what_a_part_has_beyond_its_last_note_is_only_trusted_while_the_system_runs(
    server: BadServer, downloads: Downloads
):
    part = break_at(server, downloads, 9 * MIB)
    note = note_of(part)
    note["booted_s"] = 1.0
    part.with_name(f"{part.name}.json").write_bytes(msgspec.json.encode(note))
    assert downloads.fetch(server.remote(NAME)).read_bytes() == DATA
    assert server.served == len(DATA) - 8 * MIB


def test_a_part_that_was_cut_short_goes_on_where_it_ends(server: BadServer, downloads: Downloads):
    part = break_at(server, downloads, 9 * MIB)
    os.truncate(part, 3 * MIB + 1)
    assert downloads.fetch(server.remote(NAME)).read_bytes() == DATA
    assert server.served == len(DATA) - 3 * MIB - 1


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"{}",
        b"\xff",
        b"[1]",
        b'{"url": "u", "crcs": ["x"]}',
        b'{"url": "u", "size": -1}',
        b'{"url": "u", "seams": [-1]}',
        None,
    ],
)
def test_a_part_whose_note_is_broken_is_begun_anew(note: bytes | None, server: BadServer, downloads: Downloads):
    part = break_at(server, downloads, 9 * MIB)
    path = part.with_name(f"{part.name}.json")
    path.unlink() if note is None else path.write_bytes(note)
    assert downloads.fetch(server.remote(NAME)).read_bytes() == DATA
    assert server.served == len(DATA)


def test_a_part_of_another_revision_is_begun_anew(server: BadServer, downloads: Downloads):
    break_at(server, downloads, 9 * MIB)
    server.files[NAME] = newer = noise(12 * MIB, seed=2)
    server.digests[NAME] = sha256(newer)
    assert downloads.fetch(server.remote(NAME)).read_bytes() == newer


def test_a_part_is_used_again_when_the_same_content_is_elsewhere(server: BadServer, downloads: Downloads):
    part = break_at(server, downloads, 9 * MIB)
    there = part.stat().st_size
    server.etag = '"of another server"'
    assert downloads.fetch(server.remote(NAME, url=server.url(NAME) + "?mirror=1")).read_bytes() == DATA
    assert server.served == len(DATA) - there


def test_an_older_file_is_replaced_only_by_a_whole_new_one(server: BadServer, downloads: Downloads):
    path = downloads.folder / "owner--model" / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(b"older")
    break_at(server, downloads, 9 * MIB)
    assert path.read_bytes() == b"older"
    assert downloads.fetch(server.remote(NAME)).read_bytes() == DATA


def test_a_file_that_is_here_already_is_not_fetched(server: BadServer, downloads: Downloads):
    downloads.fetch(server.remote(NAME))
    server.requests.clear()
    downloads.fetch(server.remote(NAME))
    assert server.requests == []
    assert len(downloads.arrivals) == 2


@pytest.mark.parametrize("size", [0, 10])
def test_without_a_digest_the_etag_tells_whether_it_is_the_same(size: int, tmp_path: Path):
    for etag, is_used in (('"one"', True), ('"two"', False), ('W/"one"', False)):
        with BadServer({NAME: DATA}, is_linked=False) as server:
            downloads = Downloads(tmp_path / etag.strip('W/"'), quick(tries=3))
            known = {"sha256": "", "size_bytes": len(DATA) if size else 0}
            downloads.settings = quick(tries=1)
            part = break_at(server, downloads, 9 * MIB, **known)
            there = part.stat().st_size
            downloads.settings = quick(tries=3)
            server.etag = etag
            server.files[NAME] = expected = DATA if is_used else noise(len(DATA), seed=3)
            assert downloads.fetch(server.remote(NAME, **known)).read_bytes() == expected
            assert server.served == len(DATA) - (there if is_used else 0)


def test_a_file_that_changes_while_it_is_fetched_is_begun_anew_and_not_for_ever(tmp_path: Path):
    with BadServer({NAME: DATA}, is_linked=False) as server:
        downloads = Downloads(tmp_path, quick())
        count = 0

        def tell(done: int, *_: object) -> None:
            nonlocal count
            if done > 2 * MIB:
                count += 1
                server.etag = f'"{count}"'

        control = control_of()
        control._tell = tell
        server.script(Bad("drop", at=5 * MIB, times=-1))
        with pytest.raises(HubError, match=r"changes on .* while it is fetched"):
            downloads.fetch(server.remote(NAME, sha256=""), control=control)


def test_the_digest_that_the_hub_names_on_the_way_counts(server: BadServer, downloads: Downloads):
    server.script(Bad("flip", at=100))
    path = downloads.fetch(server.remote(NAME, sha256="", size_bytes=0))
    assert path.read_bytes() == DATA
    assert downloads.said("Looks for what came wrong")


def test_another_file_under_the_same_name_is_noticed_before_the_first_byte(server: BadServer, downloads: Downloads):
    with pytest.raises(HubError, match="is another file on the hub than when the download was begun"):
        downloads.fetch(server.remote(NAME, sha256="0" * 64))
    assert server.served == 0


def test_small_files_are_checked_by_the_id_that_git_gives_them(tmp_path: Path):
    blob = hashlib.sha1(b"blob 10\0# A model\n").hexdigest()
    with BadServer({"README.md": b"# A model\n"}, is_linked=False) as server:
        server.script(Bad("flip", at=3))
        remote = server.remote("README.md", sha256="", etag=blob)
        downloads = Downloads(tmp_path)
        assert downloads.fetch(remote).read_bytes() == b"# A model\n"
        server.script(Bad("flip", at=3, times=2))
        (tmp_path / "owner--model" / "README.md").unlink()
        with pytest.raises(HubError, match="digest that the hub names"):
            downloads.fetch(remote)


def test_files_appear_together_and_the_model_last(server: BadServer, downloads: Downloads):
    files = [server.remote(NAME), server.remote("README.md", sha256=""), server.remote("empty.txt", sha256="")]
    server.script(Bad("nothing"), Bad("drop", at=9 * MIB))
    with pytest.raises(HubError, match="broke"):
        downloads.fetch(files[1], files[0], files[2])
    assert not [name for name in downloads.left() if not name.endswith((".part", ".part.json"))]
    downloads.settings = quick()
    path = downloads.fetch(*files)
    assert downloads.left() == [f"owner--model/{name}" for name in ("README.md", "empty.txt", NAME)]
    assert path.name == NAME
    assert downloads.told[-1][:2] == (len(DATA) + 10, len(DATA) + 10)
    assert downloads.said("File 1 of 3: model.gguf")


def test_a_crash_between_the_renames_loses_nothing(server: BadServer, downloads: Downloads, monkeypatch):
    files = [server.remote(NAME), server.remote("README.md", sha256="")]
    replace = os.replace

    def crash(source: str, target: str) -> None:
        if str(target).endswith(NAME):
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            downloads.fetch(*files)
    assert "owner--model/README.md" in downloads.left()
    server.requests.clear()
    assert downloads.fetch(*files).read_bytes() == DATA
    assert server.requests == []
    assert downloads.left() == ["owner--model/README.md", f"owner--model/{NAME}"]


def test_a_part_that_was_about_to_be_put_in_place_is_used(server: BadServer, downloads: Downloads):
    part = break_at(server, downloads, 9 * MIB)
    part.write_bytes(DATA)
    part.chmod(0o444)
    assert downloads.fetch(server.remote(NAME)).read_bytes() == DATA
    assert server.served == 0


def test_files_in_folders_are_put_into_folders(tmp_path: Path):
    with BadServer({"onnx/model.onnx": b"graph", "onnx/weights/a.bin": b"weights"}) as server:
        downloads = Downloads(tmp_path)
        downloads.fetch(server.remote("onnx/model.onnx"), server.remote("onnx/weights/a.bin"))
    assert downloads.left() == ["owner--model/onnx/model.onnx", "owner--model/onnx/weights/a.bin"]


def test_a_folder_that_leads_elsewhere_is_refused(server: BadServer, downloads: Downloads, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    downloads.folder.mkdir()
    (downloads.folder / "owner--model").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HubError, match=r"leads out of the model folder"):
        downloads.fetch(server.remote(NAME))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_two_do_not_fetch_one_file(server: BadServer, downloads: Downloads, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("engine.hub.transfer.place._TRIES", 2)
    other = alone(downloads.folder / "owner--model" / NAME)
    with other, pytest.raises(HubError, match=r"model\.gguf is being fetched already"):
        downloads.fetch(server.remote(NAME))
    assert downloads.fetch(server.remote(NAME)).read_bytes() == DATA


def test_a_second_one_waits_a_moment_for_one_that_was_cancelled(server: BadServer, downloads: Downloads):
    other = alone(downloads.folder / "owner--model" / NAME)
    other.__enter__()
    threading.Timer(0.4, other.__exit__, (None, None, None)).start()
    assert downloads.fetch(server.remote(NAME)).read_bytes() == DATA


def test_discarding_removes_everything_but_what_another_one_fetches(server: BadServer, downloads: Downloads):
    break_at(server, downloads, 9 * MIB)
    spec = spec_of([server.remote(NAME)])
    with alone(downloads.folder / "owner--model" / NAME):
        downloads.work().discard(spec)
        assert f"owner--model/{NAME}.part" in downloads.left()
    downloads.work().discard(spec)
    assert list(downloads.folder.iterdir()) == []
    downloads.work().discard(spec)
    downloads.work().discard({"repo": "nonsense"})


@pytest.mark.parametrize("fault", [Bad("stall", at=2 * MIB), Bad("silent"), Bad("silent", at_hub=True)])
def test_stopping_ends_every_wait_for_the_network_at_once(fault: Bad, server: BadServer, downloads: Downloads):
    downloads.settings = quick(stall_s=30.0)
    server.script(fault)
    control = control_of()
    threading.Timer(0.3, control.stop).start()
    begin_s = time.monotonic()
    with pytest.raises(JobStopped):
        downloads.fetch(server.remote(NAME), control=control)
    assert time.monotonic() - begin_s < 1.5
    server.served = 0
    assert downloads.fetch(server.remote(NAME)).read_bytes() == DATA
