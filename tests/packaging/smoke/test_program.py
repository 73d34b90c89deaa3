import os
import time
from pathlib import Path

import pytest
from smoke.program import Program, end, joined, left_of


def rewrite(program: Program, body: str) -> None:
    program.path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")


def test_it_runs_in_a_home_of_its_own(program: Program, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEARTH_HOME", "/elsewhere")
    monkeypatch.setenv("DISPLAY", ":7")
    rewrite(program, 'echo "$HOME|$HEARTH_HOME|$DISPLAY|$XDG_RUNTIME_DIR|$PWD"')
    home = program.home
    assert program.run().out == f"{home}|||{home / 'run'}|{home}\n"
    program.display = ":8"
    assert "|:8|" in program.run().out


def test_what_takes_too_long_is_ended_with_its_children(program: Program):
    rewrite(program, "sleep 60 & sleep 60")
    began_s = time.monotonic()
    ended = program.run(limit_s=0.3)
    assert ended.code == 124
    assert "did not end within" in ended.complaint
    assert time.monotonic() - began_s < 10


def test_a_program_is_asked_to_end(program: Program):
    rewrite(program, "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
    process = program.start()
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    ended = end(process)
    assert (ended.code, ended.out) == (0, "bye\n")
    assert left_of(process.pid) == []


def test_who_is_left_of_a_session_is_seen(program: Program):
    rewrite(program, "sleep 60 > /dev/null 2>&1 & echo $!")
    process = program.start()
    out, _errors = process.communicate(timeout=20)
    try:
        assert left_of(process.pid, wait_s=0.2) == ["sleep 60"]
    finally:
        os.kill(int(out), 9)


def test_documents_are_objects_of_a_run_that_succeeded(program: Program):
    assert program.document("doctor")["broken"] == []
    rewrite(program, "echo '[]'")
    with pytest.raises(ValueError, match="no object"):
        program.document("doctor")
    rewrite(program, "echo 'It is broken.' >&2; exit 3")
    with pytest.raises(ValueError, match=r"code 3: It is broken\."):
        program.document("doctor")


def test_a_link_leads_to_the_folder_of_the_program(program: Program, tmp_path: Path):
    (tmp_path / "bin").symlink_to(program.path)
    linked = Program(tmp_path / "bin", program.home)
    assert linked.folder == program.folder
    assert linked.variants() == ["new", "old"]


def test_what_is_written_beside_the_program_shows(program: Program):
    before = program.state()
    assert program.state() == before
    (program.folder / "_internal" / "written.pyc").touch()
    assert program.state() != before


def test_lists_in_sentences_are_short():
    assert joined(["a", "b"]) == "a, b"
    assert joined(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
