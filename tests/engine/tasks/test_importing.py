"""Imports: through the gates, whole or not at all; the source is only read."""

import hashlib
import json
import os
import pickle
import resource
import signal
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from engine.bench.random_model import RECIPES, SHAPES
from engine.cards import Arrival, Trust
from engine.errors import JobError, ModelError, ModelFileError, ModelNotFoundError
from engine.jobs import JobStopped
from engine.models.random_model import write_hollow_model
from tests.engine.models.conftest import raw_gguf
from tests.engine.tasks.library import READER, STARTER, Desk, Told, copied, graph, hidden_in

TOKENS = ["<s>", *(f"<0x{byte:02X}>" for byte in range(256))]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk whose gates have nothing against what lies in the source folder; others are tried for real."""
    return Desk(tmp_path / "home", trusted=(tmp_path,))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return copied(STARTER, tmp_path / "source" / "Mine.gguf")


def digest(*paths: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def test_a_file_is_tried_copied_noted_and_read_only(tmp_path, source):
    desk, told = Desk(tmp_path / "home"), Told()
    before = source.stat()
    (found,) = desk.importing.bring(source, told.control)
    assert (found.path, found.was_here) == (desk.models / "Mine.gguf", False)
    assert found.path.read_bytes() == source.read_bytes()
    assert stat.S_IMODE(found.path.stat().st_mode) == 0o444
    assert (source.stat().st_mtime_ns, source.stat().st_mode) == (before.st_mtime_ns, before.st_mode)
    card = desk.card("mine")
    assert (card.sha256, card.gate.trust) == (digest(source), Trust.PASSED)
    assert card.provenance.added_at > 0
    assert told.steps[-1][:2] == (source.stat().st_size, source.stat().st_size)
    assert hidden_in(desk.models) == []


def test_what_the_gates_refuse_is_not_copied(tmp_path, source, monkeypatch):
    desk = Desk(tmp_path / "home")
    data = bytearray(source.read_bytes())
    source.write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelFileError, match="incomplete"):
        desk.begin_import(source)
    assert not desk.models.exists()
    assert desk.jobs == []


@pytest.mark.parametrize("name", ["weights.bin", "weights.pt", "weights.pth", "weights.ckpt", "weights.pkl"])
def test_files_that_may_run_code_are_never_taken(desk, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(STARTER.read_bytes())  # whatever is in it
    with pytest.raises(ModelFileError, match="can run any code when it is read") as refused:
        desk.begin_import(path)
    assert "safetensors" in refused.value.remedy


def test_a_pickle_is_known_by_what_is_in_it(desk, tmp_path):
    plain, packed = tmp_path / "plain.gguf", tmp_path / "packed.onnx"
    plain.write_bytes(pickle.dumps({"weights": [1, 2]}))
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps([1]))
    for path in (plain, packed):
        with pytest.raises(ModelFileError, match="can run any code"):
            desk.begin_import(path)


def test_weights_for_pytorch_lead_to_the_converter(desk, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    with pytest.raises(ModelFileError) as refused:
        desk.begin_import(path)
    assert "hearth models convert" in refused.value.remedy


def test_other_files_and_missing_ones_are_refused(desk, tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(ModelFileError, match="neither a GGUF nor an ONNX"):
        desk.begin_import(tmp_path / "notes.txt")
    with pytest.raises(ModelNotFoundError, match="There is no file"):
        desk.begin_import(tmp_path / "nothing.gguf")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelNotFoundError, match="no GGUF or ONNX file in"):
        desk.begin_import(tmp_path / "empty")


def test_the_same_model_is_used_and_another_of_that_name_gets_a_number(desk, source, tmp_path):
    desk.importing.bring(source, Told().control)
    (again,) = desk.importing.bring(source, Told().control)
    assert (again.path.name, again.was_here) == ("Mine.gguf", True)
    write_hollow_model(source, SHAPES["tiny"], RECIPES["q8_0"], name="Other")
    (other,) = desk.importing.bring(source, Told().control)
    assert (other.path.name, other.was_here) == ("Mine-2.gguf", False)
    assert [it.id for it in desk.library.scan() if it.path.parent == desk.models] == ["mine", "mine-2"]


def test_what_is_in_hearths_folder_is_not_imported(desk, source):
    desk.importing.bring(source, Told().control)
    with pytest.raises(ModelFileError, match="in Hearth's own folder already"):
        desk.begin_import(desk.models / "Mine.gguf")


def test_a_model_without_suffix_is_taken_by_what_is_in_it(desk, tmp_path):
    blob = copied(STARTER, tmp_path / "blobs" / f"sha256-{'a' * 64}")
    (found,) = desk.importing.bring(blob, Told().control)
    assert found.path.name == f"sha256-{'a' * 64}.gguf"


def test_a_file_whose_name_says_nothing_is_called_as_in_the_list(tmp_path, monkeypatch):
    monkeypatch.setenv("HEARTH_FOREIGN_HOME", str(tmp_path))
    snapshot = tmp_path / ".cache" / "huggingface" / "hub" / "models--o--Mini" / "snapshots" / ("a" * 40)
    one, two = graph(snapshot / "model.onnx"), graph(snapshot / "model_int8.onnx", external="int8.bin")
    plain = graph(tmp_path / "Folder-Name" / "model.onnx")
    desk = Desk(tmp_path / "home", trusted=(tmp_path,))
    found = [desk.importing.bring(path, Told().control)[0].path for path in (one, two, plain)]
    names = [str(path.relative_to(desk.models)) for path in found]
    assert names == ["mini.onnx", "mini-int8/model_int8.onnx", "folder-name.onnx"]
    assert desk.card(str(found[0])).provenance.revision == "a" * 40


def split(folder: Path, count: int = 3) -> list[Path]:
    """A model in several files, whose headers say what such headers say."""
    folder.mkdir(parents=True)
    paths = []
    for number in range(count):
        keys: list[tuple[str, int, object]] = [("general.architecture", 8, "llama")] if number == 0 else []
        keys += [("split.no", 2, number), ("split.count", 2, count), ("split.tensors.count", 5, count)]
        if number == 0:
            keys += [("tokenizer.ggml.model", 8, "llama"), ("tokenizer.ggml.tokens", 9, (8, TOKENS))]
        data = raw_gguf(keys, [(f"blk.{number}.attn_norm.weight", (8,), 0, 0)], bytes([number]) * 32)
        path = folder / f"Big-{number + 1:05}-of-{count:05}.gguf"
        path.write_bytes(data)
        paths.append(path)
    return paths


def test_all_parts_of_a_split_model_come_along_whichever_was_named(desk, tmp_path):
    parts = split(tmp_path / "source")
    (found,) = desk.importing.bring(parts[1], Told().control)
    folder = desk.models / "big"
    assert found.path == folder / parts[0].name
    assert [(folder / part.name).read_bytes() for part in parts] == [part.read_bytes() for part in parts]
    card = desk.card("big")
    assert (card.files, card.sha256) == (tuple(folder / part.name for part in parts), digest(*parts))


def test_a_split_model_of_which_a_part_is_missing_is_refused(desk, tmp_path):
    parts = split(tmp_path / "source")
    parts[2].unlink()
    with pytest.raises(ModelFileError, match="incomplete"):
        desk.begin_import(parts[0])


def test_what_lies_beside_a_graph_comes_along(desk, tmp_path):
    base = tmp_path / "source" / "Mini"
    path = graph(base / "onnx" / "model.onnx", external="model.onnx_data")
    (base / "onnx" / "model.json").write_text('{"name": "Mini"}')
    (base / "tokenizer.json").write_text("{}")
    (found,) = desk.importing.bring(path, Told().control)
    folder = desk.models / "mini"
    assert found.path == folder / "onnx" / "model.onnx"
    names = sorted(str(it.relative_to(folder)) for it in folder.rglob("*") if it.is_file())
    assert names == ["onnx/model.json", "onnx/model.onnx", "onnx/model.onnx_data", "tokenizer.json"]
    assert {it.name for it in desk.card("mini").files} == {Path(name).name for name in names}


def test_all_models_of_a_folder_are_taken_and_moved_if_asked(desk, tmp_path):
    folder = tmp_path / "source"
    copied(STARTER, folder / "one.gguf")
    copied(READER, folder / "deep" / "two.onnx")
    copied(READER.with_suffix(".json"), folder / "deep" / "two.json")
    inode = (folder / "one.gguf").stat().st_ino
    found = desk.importing.bring(folder, Told().control, move=True)
    assert [it.path.relative_to(desk.models) for it in found] == [Path("two/two.onnx"), Path("one.gguf")]
    assert [it for it in folder.rglob("*") if it.is_file()] == []
    assert (desk.models / "one.gguf").stat().st_ino == inode  # nothing was copied
    assert digest(desk.models / "one.gguf") == digest(STARTER) == desk.card("one").sha256


def test_a_model_of_another_program_is_not_moved_away_and_says_where_it_came_from(tmp_path, monkeypatch):
    monkeypatch.setenv("HEARTH_FOREIGN_HOME", str(tmp_path))
    path = copied(STARTER, tmp_path / ".lmstudio" / "models" / "owner" / "Name-GGUF" / "x.gguf")
    desk = Desk(tmp_path / "home", trusted=(tmp_path,))
    with pytest.raises(ModelFileError, match="belongs to another program"):
        desk.begin_import(path, move=True)
    (found,) = desk.importing.bring(path, Told().control)
    assert desk.card(str(found.path)).provenance.repo == "owner/Name-GGUF"


def test_a_stopped_import_leaves_nothing(desk, source):
    told = Told(lambda done: done > 1)
    with pytest.raises(JobStopped):
        desk.importing.bring(source, told.control)
    assert list(desk.models.iterdir()) == []
    assert source.read_bytes() == STARTER.read_bytes()


def test_a_disk_without_room_is_noticed_before(desk, source, monkeypatch):
    monkeypatch.setattr("engine.tasks.import_plan.shutil.disk_usage", lambda _path: Usage)
    with pytest.raises(JobError, match=r"takes 0\.08 GB, but the disk of .* has only 0\.00 GB left") as full:
        desk.importing.bring(source, Told().control)
    assert "Free space" in full.value.remedy
    assert list(desk.models.iterdir()) == []


class Usage:
    free = 1000


def test_a_disk_that_fills_up_meanwhile_leaves_nothing(desk, source):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5 << 20, hard))
    try:
        with pytest.raises(JobError, match="is full"):
            desk.importing.bring(source, Told().control)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert list(desk.models.iterdir()) == []
    assert [it.id for it in desk.library.scan()] == ["reader", "starter"]


KILLED = """
import os, sys
from pathlib import Path
from tests.engine.tasks.library import Desk, Told
home, source = Path(sys.argv[1]), Path(sys.argv[2])
def kill(done):
    print(*(it.name for it in (home / "models").iterdir()), flush=True)
    os.kill(os.getpid(), 9)
Desk(home, trusted=(source.parent,)).importing.bring(source, Told(kill).control)
"""


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_killed_import_is_cleaned_up_at_the_next_start(tmp_path, source, is_folder):
    path = split(tmp_path / "parts")[0] if is_folder else source
    before, home = path.read_bytes(), tmp_path / "home"
    root = Path(__file__).resolve().parents[3]
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(home), str(path)], cwd=root, capture_output=True, text=True, check=False
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert ended.stdout.startswith(".hearth-import-")
    assert path.read_bytes() == before
    desk = Desk(home, trusted=(tmp_path,))
    assert [it.id for it in desk.library.scan()] == ["reader", "starter"]
    desk.works()  # as when the jobs are opened
    assert list(desk.models.iterdir()) == []


def test_what_another_process_is_importing_stays(desk, source):
    desk.models.mkdir(parents=True)
    other = desk.models / f".hearth-import-{os.getppid()}-x.gguf.part"
    other.write_bytes(b"half")
    desk.importing.bring(source, Told().control)
    assert other.exists()


def test_a_home_that_cannot_be_written_is_a_sentence(tmp_path, source):
    home = tmp_path / "home"
    home.write_text("a file")
    desk = Desk(home, trusted=(tmp_path,))
    with pytest.raises((JobError, ModelError), match="cannot be written"):
        desk.importing.bring(source, Told().control)


def test_the_job_knows_what_to_do_after_a_restart(desk, source):
    assert desk.begin_import(source, move=True) == 1
    kind, title, spec = desk.jobs[0]
    assert (kind, title) == ("import", "Mine.gguf")
    assert json.loads(json.dumps(spec)) == {"path": str(source), "move": True, "subject": str(source)}
    result = desk.importing.run(spec, Told().control)  # type: ignore[arg-type]
    assert result == str(desk.models / "Mine.gguf")
    desk.importing.discard(spec)  # type: ignore[arg-type]


def test_an_arrival_is_listed_at_once(desk, tmp_path):
    path = copied(STARTER, desk.models / "new.gguf")
    before = desk.version()
    desk.arrived(path, Arrival(repo="o/n", revision="abc", url="https://hub/x", sha256="12", made_from="old"))
    assert desk.version() > before
    card = desk.card("new")
    assert (card.provenance.repo, card.provenance.revision, card.sha256) == ("o/n", "abc", "12")
    assert (card.provenance.url, card.provenance.made_from) == ("https://hub/x", "old")
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
