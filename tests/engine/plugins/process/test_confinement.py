"""What a stranger's plugin may reach: its own files, a folder of its own, and what its user has agreed to."""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from engine.plugins.manifest import Manifest, OfferKind, Permission, PermissionKind
from engine.plugins.process import confine_linux
from engine.plugins.process.confine_windows import ExtendedLimits, limits_of
from engine.plugins.process.confinement import (
    FILES,
    NETWORK,
    PROGRAMS,
    SIGNALS,
    Confinement,
    confinement_of,
    unenforced,
)
from engine.plugins.process.launch import child_command, child_environment

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="confinement of Linux")
confined = pytest.mark.skipif(not {SIGNALS}.issuperset(unenforced()), reason="this system cannot confine plugins")

TRY = """
import ctypes, json, os, signal, socket, subprocess, tempfile, threading

libc = ctypes.CDLL(None, use_errno=True)

def system_call(*arguments):
    if libc.syscall(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")

def go(arguments):
    outcomes = {}
    for source in arguments["tries"]:
        try:
            outcomes[source] = repr(eval(source, globals() | arguments))
        except BaseException as error:
            outcomes[source] = type(error).__name__
    return json.dumps(outcomes)
"""


@pytest.fixture
def outcomes(make_plugin):
    """What comes of expressions inside a plugin."""

    def run(*tries, permissions=(), **names):
        plugin = make_plugin(TRY, permissions=permissions, limits={"call_s": 5.0})
        plugin.start()
        return json.loads(plugin.go(tries=list(tries), **names))

    return run


@confined
def test_what_is_refused(outcomes, tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("password", encoding="utf-8")
    tries = [
        "open(secret).read()",
        "os.listdir(home)",
        "os.listdir('/')",
        "open('/etc/passwd').read()",
        "open('/proc/self/environ').read()",
        "open(f'/proc/{os.getppid()}/environ').read()",
        "open(__file__, 'a')",
        "os.unlink(__file__)",
        "os.rename(__file__, 'x')",
        "open(secret, 'w')",
        "os.truncate(secret, 0)",
        "os.chmod(secret, 0o777)",
        "os.utime(secret)",
        "open(os.symlink(secret, 'y') or 'y').read()",
        "os.mkdir('/tmp/hearth-outside')",
        "socket.socket()",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_UNIX)",
        "os.fork()",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "subprocess.run(['/bin/true'])",
        "os.execv('/bin/true', ['true'])",
        "os.kill(os.getppid(), 0)",
        "os.kill(-1, 0)",
        "os.kill(1, 0)",
        "os.setpriority(os.PRIO_PROCESS, 0, -5)",
        "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
        "os.sched_setaffinity(os.getppid(), {0})",
        "__import__('resource').prlimit(os.getppid(), 4)",
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', mailbox)",
        "__import__('fcntl').fcntl(socket.socketpair()[0], 8, os.getppid())",  # F_SETOWN
        "os.memfd_create('x')",
        "system_call(425, 1, 0)",  # io_uring_setup
        "system_call(434, os.getpid(), 0)",  # pidfd_open
    ]
    monkeypatch.chdir(tmp_path)  # a short name, as addresses of sockets have to be
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mailbox:
        mailbox.bind("mailbox")
        names = {name: str(tmp_path / name) for name in ("secret", "mailbox")}
        outcome = outcomes(*tries, home=str(Path.home()), **names)
    assert outcome == dict.fromkeys(tries, "PermissionError")
    assert (tmp_path / "secret").read_text(encoding="utf-8") == "password"


@confined
def test_what_is_allowed(outcomes):
    tries = [
        "bool(open(__file__).read())",
        "tempfile.TemporaryFile().write(b'x') == 1",
        "tempfile.gettempdir() == os.getcwd() == os.environ['HOME']",
        "bool(os.makedirs('a/b') is None and os.listdir('a'))",
        "bool(threading.Thread(target=int).start() is None)",
        "bool(socket.socketpair())",
        "os.kill(os.getpid(), 0) is None",
        "len(open('/dev/urandom', 'rb').read(3)) == 3",
        "bool(__import__('sqlite3').connect('a.db').execute('create table t(a)'))",
        "__import__('PIL.Image').Image.new('RGB', (3, 3)).save('a.png') is None",
        "bool(__import__('tokenizers') and __import__('jinja2') and __import__('ssl'))",
        "os.cpu_count() > 0",
    ]
    assert outcomes(*tries) == dict.fromkeys(tries, "True")


@confined
def test_permissions_open_what_they_name(outcomes, tmp_path):
    for name in ("readable", "writable", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name, encoding="utf-8")
    permissions = (
        Permission(PermissionKind.NETWORK, "To call home."),
        Permission(PermissionKind.READ, "To read.", folders=(str(tmp_path / "readable"), "/nowhere")),
        Permission(PermissionKind.WRITE, "To write.", folders=(str(tmp_path / "writable"),)),
        Permission(PermissionKind.SUBPROCESS, "To run git."),
    )
    tries = {
        "open(f'{folder}/readable/file').read()": "'readable'",
        "open(f'{folder}/readable/file', 'a')": "PermissionError",
        "open(f'{folder}/writable/file', 'w').write('new')": "3",
        "open(f'{folder}/other/file').read()": "PermissionError",
        "socket.socket().connect_ex(('127.0.0.1', 1)) in (111, 113)": "True",
        "socket.socket(socket.AF_UNIX)": "PermissionError",
        "subprocess.run(['/bin/sh', '-c', 'exit 3']).returncode": "3",
        "subprocess.run(['cat', f'{folder}/other/file'], stderr=-3).returncode": "1",
        "os.kill(os.getppid(), 0)": "None" if SIGNALS in unenforced() else "PermissionError",
        "subprocess.run(['/bin/true'], start_new_session=True)": "PermissionError",  # all end with the plugin
    }
    assert outcomes(*tries, permissions=permissions, folder=str(tmp_path)) == tries


def test_a_link_inside_a_folder_that_it_may_change_leads_nowhere(tmp_path):
    for name in ("keys", "notes/kept", "other"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "notes" / "swapped").symlink_to(tmp_path / "keys")  # it was a folder when its user agreed
    (tmp_path / "alias").symlink_to(tmp_path / "notes")
    names = ("notes/swapped", "notes/swapped/deeper", "notes/kept", "alias/swapped", "other")
    (tmp_path / "keys" / "deeper").mkdir()
    folders = tuple(str(tmp_path / name) for name in names)
    permissions = (
        Permission(PermissionKind.WRITE, "To write.", folders=(str(tmp_path / "notes"), folders[0])),
        Permission(PermissionKind.READ, "To read.", folders=folders),
    )
    named = {"id": "offender", "name": "Offender", "version": "1.0.0", "api": "1.0", "summary": "", "provides": ()}
    found = confinement_of(tmp_path, tmp_path, Manifest(**named, permissions=permissions))
    assert (found.writable, found.readable) == ((str(tmp_path / "notes"),), (str(tmp_path / "other"),))


@linux_only
def test_limits_and_environment(outcomes, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "password")
    outcome = outcomes(
        "'SECRET_TOKEN' in os.environ",
        "os.nice(0) >= 10",
        "__import__('resource').getrlimit(4)",  # core
        "__import__('resource').getrlimit(9)[0] < 4 << 30",  # address space
        "os.getsid(0) == os.getpid()",
        "__import__('resource').getrlimit(6)[0] < 1 << 22",  # threads of the user
    )
    assert list(outcome.values()) == ["False", "True", "(0, 0)", "True", "True", "True"]


@linux_only
def test_it_never_outlives_hearth(make_plugin, tmp_path):
    plugin = make_plugin("def go(a): return 7 ** (10 ** 8)")  # holds the lock, so that it cannot notice anything
    code = (
        "import threading, sys\nfrom pathlib import Path\n"
        "from engine.plugins.manifest import Manifest, OfferKind\n"
        "from engine.plugins.process.process import PluginProcess\n"
        "m = Manifest(id='a', name='A', version='1', api='1.0', summary='', provides=((OfferKind.TOOL, 'go'),))\n"
        "p = PluginProcess(Path(sys.argv[1]), m, {}, lambda: None)\n"
        "tool = p.start().tools[0]\n"
        "print(p._life._process.pid, flush=True)\n"
        "tool.call({})\n"
    )
    command = [sys.executable, "-c", code, str(plugin.folder)]
    hearth = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"TMPDIR": str(tmp_path)})
    with hearth:
        child = psutil.Process(int(hearth.stdout.readline()))
        hearth.send_signal(signal.SIGKILL)
        hearth.wait()
        gone, alive = psutil.wait_procs([child], timeout=10)
    assert (len(gone), alive) == (1, [])


@linux_only
@pytest.mark.parametrize(
    ("version", "has_seccomp", "count"),
    [(7, True, 0), (5, True, 1), (0, True, 2), (7, False, 2), (3, False, 3), (0, False, 4)],
)
def test_what_is_missing_is_said(monkeypatch, version, has_seccomp, count):
    monkeypatch.setattr(confine_linux, "landlock_version", lambda: version)
    monkeypatch.setattr(confine_linux, "has_seccomp", lambda: has_seccomp)
    sentences = confine_linux.unenforced_linux()
    assert len(sentences) == count
    assert (FILES in sentences) == (version == 0)
    assert (PROGRAMS in sentences) == (not has_seccomp)
    assert (SIGNALS in sentences) == (version < 6)
    assert (NETWORK in sentences) == (not has_seccomp and version < 4)
    assert all(sentence.startswith("On this system it can ") and sentence.endswith(".") for sentence in sentences)


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_other_systems_say_what_they_do_not_enforce(monkeypatch, system):
    monkeypatch.setattr(sys, "platform", system)
    assert {FILES, NETWORK} <= set(unenforced())
    assert (PROGRAMS in unenforced()) == (system == "darwin")


def test_the_job_of_windows():
    assert ctypes.sizeof(ExtendedLimits) == 144  # as winnt.h has it, in 64 bits
    limits = limits_of(Confinement(folder="a", scratch="b", memory_bytes=1 << 30))
    assert (limits.basic.active_processes, limits.process_memory) == (1, 3 << 29)
    assert limits.basic.flags & 0x8
    assert limits_of(Confinement(folder="a", scratch="b", memory_bytes=1, programs=True)).basic.flags & 0x8 == 0


def test_a_confinement_crosses_as_json(tmp_path):
    manifest = Manifest(
        id="a",
        name="A",
        version="1.0.0",
        api="1.0",
        summary="",
        provides=((OfferKind.TASK, "a"),),
        permissions=(Permission(PermissionKind.READ, "x", folders=("~", str(tmp_path / "missing"))),),
    )
    confinement = confinement_of(tmp_path, tmp_path, manifest)
    assert confinement.readable == (str(Path.home().resolve()),)
    assert (confinement.writable, confinement.network, confinement.programs) == ((), False, False)
    assert json.loads(confinement.to_json())["folder"] == str(tmp_path.resolve())


def test_the_command_sees_neither_environment_nor_working_folder(monkeypatch, tmp_path):
    confinement = Confinement(folder="a", scratch="b", memory_bytes=1)
    assert child_command(5, confinement)[:2] == [sys.executable, "-I"]
    assert child_command(5, confinement)[-2:] == ["5", confinement.to_json()]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert child_command(5, confinement)[1:] == ["--plugin-process", "5", confinement.to_json()]
    monkeypatch.setitem(os.environ, "PYTHONPATH", "/somewhere")
    assert "PYTHONPATH" not in child_environment(tmp_path)


@linux_only
def test_of_a_frozen_program_its_libraries_can_be_read_and_not_what_lies_beside_it(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path / "_internal"), raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "hearth"))
    monkeypatch.setattr(sys, "path", [str(tmp_path / "_internal" / "base_library.zip"), str(tmp_path / "_internal")])
    folders = [Path(folder) for folder in confine_linux._python_folders()]
    assert {tmp_path / "_internal", tmp_path / "hearth"} <= set(folders)
    assert not any((tmp_path / "hearth-data").is_relative_to(folder) for folder in folders)
