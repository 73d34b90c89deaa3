"""Every fault of a network ends in the exact file or in a sentence, and costs little that comes twice."""

import os
import random
import stat
import sys
from pathlib import Path

import pytest

from engine.errors import HubError
from tests.engine.hub.bad_server import CHUNK, Bad, BadServer
from tests.engine.hub.transfer.downloading import MIB, Downloads, noise, quick

NAME = "model.gguf"
DATA = noise(12 * MIB + 12_345)
PASSING = {
    "nothing": [],
    "drop": [Bad("drop", at=5 * MIB)],
    "drop at the first byte": [Bad("drop", at=0)],
    "drop before the last byte": [Bad("drop", at=len(DATA) - 1)],
    "forty drops": [Bad("drop", at=300_000, times=40)],
    "stall": [Bad("stall", at=3 * MIB)],
    "stalls in a row": [Bad("stall", at=MIB), Bad("stall", at=0), Bad("stall", at=MIB)],
    "slow-loris": [Bad("drip", at=2 * MIB + 77)],
    "headers that do not end": [Bad("slow headers")],
    "headers that are too long": [Bad("long headers")],
    "no answer": [Bad("silent")],
    "hang up": [Bad("hang up", times=3)],
    "hang up at the hub": [Bad("hang up", times=3, at_hub=True)],
    "no HTTP": [Bad("garbage", times=2)],
    "says less": [Bad("says less", size=MIB)],
    "says more": [Bad("says more", size=MIB)],
    "says less of the rest": [Bad("drop", at=4 * MIB), Bad("says less", size=1000)],
    "says more of the rest": [Bad("drop", at=4 * MIB), Bad("says more", size=1000)],
    "says nothing of the length": [Bad("says nothing", times=-1)],
    "ignores a range once": [Bad("drop", at=8 * MIB), Bad("ignores ranges")],
    "wrong offset": [Bad("drop", at=5 * MIB), Bad("wrong offset", size=17)],
    "wrong offset before": [Bad("drop", at=5 * MIB), Bad("wrong offset", size=-1)],
    "no content-range": [Bad("drop", at=5 * MIB), Bad("no content-range")],
    "another encoding": [Bad("gzip")],
    "503 in bursts": [Bad("503", times=4), Bad("drop", at=MIB), Bad("503", times=5)],
    "429 of the hub": [Bad("429", times=2, at_hub=True, headers=(("Retry-After", "0"),))],
    "an expired address": [Bad("drop", at=MIB), Bad("403"), Bad("410")],
    "a portal's page": [Bad("portal")],
    "a portal instead of the hub": [Bad("portal", at_hub=True)],
    "sent in circles": [Bad("circle", times=24)],
}
"""Faults that pass, each with the exact file at the end."""

FINAL = {
    "always drops at once": ([Bad("drop", at=0, times=-1)], "The connection to 127.0.0.1 broke."),
    "always stalls": ([Bad("stall", at=0, times=-1)], "sent nothing for 0 s."),
    "always says more": ([Bad("says more", size=5, times=-1)], "says that model.gguf has 12,595,262 bytes, not"),
    "always says less": ([Bad("says less", size=5, times=-1)], "says that model.gguf has 12,595,252 bytes, not"),
    "always another encoding": ([Bad("gzip", times=-1)], "sends the file in another encoding."),
    "always 503": ([Bad("503", times=-1)], "has too much to do (503)."),
    "always 500 at the hub": ([Bad("500", times=-1, at_hub=True)], "failed inside (500)."),
    "always a portal": ([Bad("portal", times=-1)], "says that model.gguf has 29 bytes, not"),
    "always in circles": ([Bad("circle", times=-1)], "sends in circles."),
    "always no HTTP": ([Bad("garbage", times=-1)], "The connection to 127.0.0.1 broke."),
    "always a wrong offset": ([Bad("drop", at=MIB), Bad("wrong offset", size=3, times=-1)], "sends other bytes"),
    "not there": ([Bad("404", at_hub=True)], "has no model.gguf (404)."),
    "gated": ([Bad("403", at_hub=True)], "gives model.gguf only to people who have accepted its licence (403)."),
    "no such repository": (
        [Bad("401", at_hub=True, headers=(("X-Error-Code", "RepoNotFound"),))],
        "has no model.gguf (401).",
    ),
    "refused": ([Bad("451", at_hub=True)], "refuses to send model.gguf (451)."),
    "comes back in an hour": (
        [Bad("429", at_hub=True, headers=(("Retry-After", "3600"),))],
        "wants nobody to come back for 60 minutes.",
    ),
    "always flips": ([Bad("flip", at=9 * MIB, times=-1)], "does not have the digest that the hub names"),
}
"""Faults that stay, each with a part of the sentence that they end in."""


def fetch(server: BadServer, folder: Path, faults: list[Bad], **settings: float) -> tuple[Downloads, float]:
    """Download under faults; returns what there is then, and the share of the file that came twice."""
    server.script(*faults)
    downloads = Downloads(folder, quick(**settings))
    path = downloads.fetch(server.remote(NAME))
    assert path.read_bytes() == DATA
    assert downloads.left() == [f"owner--model/{NAME}"]
    return downloads, server.served / len(DATA) - 1


@pytest.mark.parametrize("name", PASSING)
def test_a_fault_that_passes_costs_next_to_nothing(name: str, tmp_path: Path):
    with BadServer({NAME: DATA}) as server:
        _, twice = fetch(server, tmp_path, PASSING[name])
    assert twice <= 0.05


@pytest.mark.parametrize("name", FINAL)
def test_a_fault_that_stays_is_said_in_a_sentence(name: str, tmp_path: Path):
    faults, sentence = FINAL[name]
    with BadServer({NAME: DATA}) as server:
        server.script(*faults)
        downloads = Downloads(tmp_path, quick(tries=4, tries_of_nonsense=4, stall_s=0.2))
        with pytest.raises(HubError) as caught:
            downloads.fetch(server.remote(NAME))
        assert sentence in caught.value.cause
        assert caught.value.cause.endswith(".")
        assert caught.value.remedy.endswith(".")
        assert not (tmp_path / "owner--model" / NAME).exists()
        server.faults[True].clear()
        server.faults[False].clear()
        assert downloads.fetch(server.remote(NAME)).read_bytes() == DATA


def test_a_server_without_ranges_is_read_from_the_start_and_only_then(tmp_path: Path):
    with BadServer({NAME: DATA}) as server:
        server.script(Bad("drop", at=6 * MIB), *[Bad("ignores ranges", times=4)])
        downloads = Downloads(tmp_path)
        assert downloads.fetch(server.remote(NAME)).read_bytes() == DATA
        assert server.served / len(DATA) == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize("block", [0, 1, 3])
def test_a_byte_that_came_wrong_costs_no_more_than_up_to_its_block(block: int, tmp_path: Path):
    with BadServer({NAME: DATA}) as server:
        downloads, _ = fetch(server, tmp_path, [Bad("flip", at=block * 4 * MIB + 5)])
    assert downloads.said("Looks for what came wrong")
    assert downloads.throttle.came - len(DATA) <= min(len(DATA), (block + 1) * 4 * MIB + CHUNK)


def test_two_bytes_that_came_wrong_are_both_found(tmp_path: Path):
    with BadServer({NAME: DATA}) as server:
        _, twice = fetch(server, tmp_path, [Bad("drop", at=5 * MIB), Bad("flip", at=6 * MIB), Bad("flip", at=2)])
        assert twice <= 1.4


def test_bytes_of_elsewhere_under_an_honest_header_cost_the_rest_once(tmp_path: Path):
    with BadServer({NAME: DATA}) as server:
        _, twice = fetch(server, tmp_path, [Bad("drop", at=8 * MIB), Bad("other bytes", size=1000)])
    assert twice <= 1.4


def test_a_byte_at_a_seam_costs_one_block(tmp_path: Path):
    with BadServer({NAME: DATA}) as server:
        downloads, _ = fetch(server, tmp_path, [Bad("drop", at=9 * MIB), Bad("flip", at=9 * MIB + 3)])
    assert downloads.throttle.came - len(DATA) <= 4 * MIB + CHUNK


def scenario(dice: random.Random) -> list[Bad]:
    """One to five faults at random places."""
    kinds = ["drop"] * 6 + ["503", "hang up", "garbage", "says less", "says more", "wrong offset", "no content-range"]
    kinds += ["ignores ranges", "gzip", "portal", "stall", "drip"]
    faults = []
    for _ in range(dice.randint(1, 5)):
        kind = dice.choice(kinds)
        at_hub = kind in {"503", "hang up", "garbage"} and dice.random() < 0.5
        faults.append(Bad(kind, at=dice.randrange(len(DATA)), size=dice.randint(1, MIB), at_hub=at_hub))
    return faults


def check_scenarios(folder: Path, count: int) -> None:
    dice = random.Random(count)
    faults, twice = 0, 0.0
    for number in range(count):
        with BadServer({NAME: DATA}) as server:
            script = scenario(dice)
            faults += len(script)
            twice += fetch(server, folder / str(number), script, stall_s=0.25)[1]
        (folder / str(number) / "owner--model" / NAME).unlink()
    sys.stdout.write(f"{count} downloads, {faults} faults, all exact, {twice / count:.2%} fetched twice\n")
    assert twice / count <= 0.05


def test_fifteen_downloads_with_random_faults_are_exact(tmp_path: Path):
    check_scenarios(tmp_path, 15)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_two_hundred_downloads_with_random_faults_are_exact(tmp_path: Path):
    check_scenarios(tmp_path, 200)


def test_the_file_is_read_only_and_its_digest_is_told(tmp_path: Path):
    with BadServer({NAME: DATA}) as server:
        downloads, _ = fetch(server, tmp_path, [])
        ((path, arrival),) = downloads.arrivals
        assert (arrival.repo, arrival.revision, arrival.url) == ("owner/model", "main", server.url(NAME))
        assert arrival.sha256 == server.digests[NAME]
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == 0o444
