"""Plugins that misbehave, one per case. Data for tests, also for those of the window; nothing here runs in a test.

Each source defines `go(arguments)`, which a tool calls; `arguments` has the plugin's folder and a file of the user.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Misbehaviour:
    """A plugin, and what comes of it.

    Attributes:
        source: of its module, after the tool.
        failure: pattern of what is said about it; empty: it does not fail.
        answer: pattern of what it answers where it does not fail.
        at_start: whether it fails while it is being started.
        is_late: whether it fails some time after it has answered.
        limits: other limits than the usual ones.
        memory_bytes: that it may take.
    """

    source: str
    failure: str = ""
    answer: str = ""
    at_start: bool = False
    is_late: bool = False
    limits: dict[str, object] = field(default_factory=dict)
    memory_bytes: int = 512 << 20


_FRAME = """
import os, struct, sys, time, msgspec
def send(head, *rest):
    os.write(int(sys.argv[-2]), struct.pack("<I", len(head)) + head + b"".join(rest))
def frame(kind, number, name, body, sizes=()):
    return msgspec.msgpack.encode([kind, number, name, body, list(sizes)])
"""

CASES = {
    "raises at import": Misbehaviour(
        "raise ValueError('no')", r"could not be loaded: ValueError: no", at_start=True
    ),
    "never ends importing": Misbehaviour(
        "while True: pass", r"took more than 1\.5 s to start", at_start=True, limits={"start_s": 1.5}
    ),
    "raises": Misbehaviour("def go(a): raise KeyError('lost')", r"failed inside: KeyError: 'lost'"),
    "sleeps": Misbehaviour("import time\ndef go(a): time.sleep(1e9)", r"did not answer within 0\.4 s"),
    "loops": Misbehaviour("def go(a):\n    while True: pass", r"did not answer within 0\.4 s"),
    "holds the lock of Python": Misbehaviour("def go(a): return 7 ** (10 ** 8)", r"did not answer within 0\.4 s"),
    "exits": Misbehaviour("import os\ndef go(a): os._exit(3)", r"ended by itself with the exit code 3"),
    "raises SystemExit": Misbehaviour("def go(a): raise SystemExit(4)", r"failed inside: SystemExit: 4"),
    "reads address 0": Misbehaviour("import ctypes\ndef go(a): return ctypes.string_at(0)", r"has crashed \(SIG"),
    "forks without end": Misbehaviour(
        "import os\ndef go(a):\n    while True: os.fork()", r"failed inside: PermissionError"
    ),
    "takes 4 GiB": Misbehaviour("def go(a): return len(bytearray(4 << 30))", r"failed inside: MemoryError"),
    "leaks": Misbehaviour(
        "import time\nkept = []\ndef go(a):\n    while True:\n        kept.append(b'x' * (4 << 20)); time.sleep(0.01)",
        r"took \d+ MiB of memory, of which it may take 128 MiB",
        limits={"call_s": 3.0},
        memory_bytes=128 << 20,
    ),
    "starts threads": Misbehaviour(
        "import threading, time\ndef go(a):\n    threading.stack_size(32768)\n"
        "    for _ in range(600): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "    time.sleep(60)",
        r"has started \d+ threads, of which it may have 512",
        limits={"call_s": 5.0},
    ),
    "prints 1 GB": Misbehaviour(
        "def go(a):\n    for _ in range(1024): print('x' * (1 << 20))\n    return 'printed'",
        r"did not answer within 0\.4 s",
    ),
    "changes builtins": Misbehaviour(
        "import builtins\ndef go(a):\n    for name in ('isinstance', 'len', 'next', 'int', 'str', 'list'):\n"
        "        setattr(builtins, name, None)",
        r"did not answer|failed inside|has ended|sent",
    ),
    "replaces stdout": Misbehaviour(
        "import os, sys\ndef go(a):\n    sys.stdout = sys.stderr = None; os.close(1); os.close(2)\n    return 'here'",
        answer="here",
    ),
    "has threads that never end": Misbehaviour(
        "import threading\ndef spin():\n    while True: pass\n"
        "def go(a):\n    for _ in range(3): threading.Thread(target=spin).start()\n    return 'started'",
        r"kept the processor busy for 0\.5 s while nothing was asked of it",
        is_late=True,
        limits={"call_s": 2.0},
    ),
    "recurses": Misbehaviour(
        "import sys\ndef deep(): return deep() + 1\ndef go(a):\n    sys.setrecursionlimit(1 << 30); return deep()",
        r"failed inside|has crashed|MiB of memory|did not answer",
        memory_bytes=128 << 20,
    ),
    "deletes its files": Misbehaviour(
        "import shutil\ndef go(a): shutil.rmtree(a['folder'])", r"failed inside: PermissionError"
    ),
    "sends a million messages": Misbehaviour(
        f"{_FRAME}\ndef go(a):\n    for _ in range(1_000_000): send(frame(3, 2, 'progress', [0.5, '']))",
        r"floods Hearth with messages",
        limits={"call_s": 3.0},
    ),
    "sends garbage": Misbehaviour(
        f"{_FRAME}\ndef go(a): os.write(int(sys.argv[-2]), b'\\xc1' * 100)", r"sent a message of [\d,]+ bytes"
    ),
    "sends an endless frame": Misbehaviour(
        f"{_FRAME}\ndef go(a): send(frame(1, 2, '', None, [1 << 62]))", r"sent a message with 1 attachments of"
    ),
    "answers what nobody asked": Misbehaviour(
        f"{_FRAME}\ndef go(a): send(frame(1, 999, '', 'x'))", r"answered what nobody had asked"
    ),
    "answers with nonsense": Misbehaviour(
        f"{_FRAME}\ndef go(a): send(frame(1, 2, '', [1, 2])); time.sleep(1e9)", r"answered with no text"
    ),
    "answers with a quarter of a million lists": Misbehaviour(
        f"{_FRAME}\ndef go(a):\n    many = 260_000\n"
        "    body = msgspec.Raw(b'\\xdd' + many.to_bytes(4, 'big') + b'\\x90' * many)\n"
        "    send(frame(1, 2, '', body)); time.sleep(1e9)",
        r"sent a message of more than 20,000 lists",
    ),
    "answers with 60 MB": Misbehaviour(
        "def go(a): return '\U0001f525' * (15 << 20)",
        r"returned a value that cannot be handed over",
        limits={"call_s": 3.0},
    ),
    "reaches the network": Misbehaviour(
        "import socket\ndef go(a): socket.create_connection(('127.0.0.1', 9))", r"failed inside: PermissionError"
    ),
    "reads the user's files": Misbehaviour("def go(a): return open(a['secret']).read()", r"failed inside: Permission"),
}  # fmt: skip
