"""A worker that does what drivers do on bad days."""

import ctypes
import os
import time

import numpy as np

from engine.backends.process.shared import SharedFloats
from engine.errors import OutOfMemoryError


class OddWorker:
    def methods(self):
        return {
            "echo": lambda body, payloads, tell: (body, payloads),
            "fill": self.fill,
            "count": self.count,
            "refuse": self.refuse,
            "fail": lambda body, payloads, tell: 1 / 0,
            "noise": self.noise,
            "abort": self.abort,
            "hang": lambda body, payloads, tell: time.sleep(60),
            "exit": lambda body, payloads, tell: os._exit(3),
        }

    def fill(self, body, payloads, tell):
        shared = SharedFloats(body["rows"], body["columns"], body["shared"])
        shared.array[:] = np.frombuffer(payloads[0], np.float32)
        return None, ()

    def count(self, body, payloads, tell):
        for number in range(body):
            tell(number / body)
        return body, ()

    def refuse(self, body, payloads, tell):
        raise OutOfMemoryError("It does not fit.", "Take less.")

    def noise(self, body, payloads, tell):
        os.write(1, b"native noise on standard output\n")
        return "quiet", ()

    def abort(self, body, payloads, tell):
        os.write(2, b"device lost, goodbye\n")
        ctypes.CDLL(None).abort()
