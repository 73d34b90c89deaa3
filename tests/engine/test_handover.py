"""A child gets its end of a connection, and no other end."""

import socket
import subprocess
import sys

from engine.handover import STANDARD_INPUT, hand_over, inherited

CHILD = """
import sys
from engine.handover import take
stream = take(sys.argv[1])
stream.sendall(b"here: " + stream.recv(64))
"""


def test_a_child_answers_over_the_connection_that_it_was_given() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(theirs.fileno())],
            stdin=STANDARD_INPUT,
            pass_fds=inherited(theirs.fileno()),
        )
        hand_over(theirs, process)
    with ours:
        ours.settimeout(30)
        ours.sendall(b"you?")
        assert ours.recv(64) == b"here: you?"
        assert ours.recv(64) == b""  # nobody else holds the other end
    assert process.wait(timeout=30) == 0
