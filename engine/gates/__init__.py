"""Gates for model files that somebody else has made: nothing loads one that was not checked and tried out before.

First its header is checked against every rule that can be checked without the inference library, then a process of its
own loads it and uses it once, and what came of that is kept by the digest of its content.
"""

from engine.gates.gatekeeper import Gatekeeper

__all__ = ["Gatekeeper"]
