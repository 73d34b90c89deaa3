"""What can be found: what leaves the computer and when, and that no late answer is shown."""

import asyncio
from dataclasses import replace

from app.models.discover_controller import DiscoverController, Phase
from engine import HubError, HubQuery, JobState
from tests.app.models.finds import BARE, CODER, GATED, QWEN, FakeHub, Stage, hub_installed, job


class Desk(Stage):
    """A controller over a hub, loaded."""

    def __init__(self, hub: FakeHub) -> None:
        super().__init__()
        self.hub = hub
        self.controller = DiscoverController(hub, self.tasks)

    async def __aenter__(self) -> "Desk":
        self.controller.watch(True)
        await self.until(lambda: self.controller.is_loaded)
        await self.settled()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.controller.watch(False)
        await super().__aexit__()


def test_what_is_recommended_needs_no_network_and_typing_asks_nobody(run):
    async def body() -> None:
        hub = FakeHub()
        hub.set_offline(True)
        hub.calls.clear()
        async with Desk(hub) as desk:
            controller = desk.controller
            assert controller.recommended == (QWEN, CODER, GATED)
            controller.narrow(HubQuery(text="strong texts"))
            assert controller.recommended == (QWEN,)
            controller.narrow(HubQuery(task="code"))
            assert controller.recommended == (CODER,)
            controller.narrow(HubQuery(most_bytes=2_000_000_000, fits_only=True, format="gguf"))
            assert controller.recommended == (CODER, GATED)
            controller.choose(CODER.repo)
            await asyncio.sleep(0.3)  # longer than a card waits
            assert hub.calls == []

    run(body())


def test_an_answer_to_an_older_question_is_never_shown(run):
    async def body() -> None:
        hub = FakeHub()
        hub.gates["search first"] = asyncio.Event()
        async with Desk(hub) as desk:
            controller = desk.controller
            controller.narrow(HubQuery(text="first"))
            controller.search()
            await desk.until(lambda: ("search", "first") in hub.calls)
            assert controller.phase is Phase.SEARCHING
            hub.found = (replace(BARE, repo="a/second"),)
            controller.narrow(HubQuery(text="second"))
            controller.search()
            await desk.until(lambda: controller.phase is Phase.FOUND)
            hub.gates["search first"].set()
            await desk.settled()
            assert [model.repo for model in controller.results] == ["a/second"]

    run(body())


def test_a_search_can_be_given_up(run):
    async def body() -> None:
        hub = FakeHub()
        hub.gates["search "] = asyncio.Event()
        async with Desk(hub) as desk:
            desk.controller.search()
            await desk.until(lambda: hub.calls)
            desk.controller.cancel_search()
            assert desk.controller.phase is Phase.NONE
            await desk.settled()
            assert desk.controller.results == ()

    run(body())


def test_what_is_recommended_is_not_listed_twice(run):
    async def body() -> None:
        hub = FakeHub()
        hub.found = (replace(QWEN, is_catalogued=False), BARE)
        async with Desk(hub) as desk:
            desk.controller.search()
            await desk.until(lambda: desk.controller.phase is Phase.FOUND)
            assert desk.controller.results == (BARE,)

    run(body())


def test_no_answer_an_empty_one_and_offline_are_told_apart(run):
    async def body() -> None:
        hub = FakeHub()
        async with Desk(hub) as desk:
            controller = desk.controller
            hub.error = HubError("It does not answer.", "Look again in a minute.")
            controller.search()
            await desk.until(lambda: controller.phase is Phase.FAILED)
            assert controller.error == ("It does not answer.", "Look again in a minute.")
            hub.found = ()
            controller.search()
            await desk.until(lambda: controller.phase is Phase.NOTHING)
            hub.set_offline(True)
            controller.search()
            await desk.until(lambda: controller.phase is Phase.OFFLINE)
            hub.found = (BARE,)
            controller.settings.set_offline(False)
            await desk.until(lambda: controller.phase is Phase.FOUND)  # it goes on by itself
            assert controller.results == (BARE,)

    run(body())


def test_a_card_is_fetched_when_it_is_wanted_and_a_late_one_is_not_shown_for_another(run):
    async def body() -> None:
        hub = FakeHub()
        hub.gates[f"card {QWEN.repo}"] = asyncio.Event()
        async with Desk(hub) as desk:
            controller = desk.controller
            controller.choose(QWEN.repo)
            controller.load_card()
            assert controller.detail.is_loading
            controller.choose(CODER.repo)
            await desk.until(lambda: controller.detail.card is not None)  # by itself: the person has asked once
            hub.gates[f"card {QWEN.repo}"].set()
            await desk.settled()
            assert controller.detail.card.model.repo == CODER.repo
            controller.choose(QWEN.repo)
            assert controller.detail.card is not None  # kept, and not asked for again
            assert hub.calls.count(("card", QWEN.repo)) == 1

    run(body())


def test_what_a_card_says_is_known_in_the_list_too(run):
    async def body() -> None:
        hub = FakeHub()
        async with Desk(hub) as desk:
            controller = desk.controller
            controller.search()
            await desk.until(lambda: controller.results)
            assert controller.results[0].files == ()
            controller.choose(BARE.repo)
            await desk.until(lambda: controller.detail.card is not None)
            assert controller.results[0].files
            assert controller.detail.model.files

    run(body())


def test_a_card_that_cannot_be_fetched_says_why_and_a_token_has_it_tried_again(run):
    async def body() -> None:
        hub = FakeHub()
        async with Desk(hub) as desk:
            controller = desk.controller
            controller.choose(GATED.repo)
            hub.error = HubError("It needs a token.", "Enter one.")
            controller.load_card()
            await desk.until(lambda: controller.detail.cause)
            assert controller.detail.remedy == "Enter one."
            controller.settings.set_token("hf_secret")
            await desk.until(lambda: controller.detail.card is not None)
            assert ("token", "hf_secret") in hub.calls

    run(body())


def test_a_download_is_followed_until_the_model_is_here(run):
    async def body() -> None:
        hub = FakeHub()
        async with Desk(hub) as desk:
            controller, file = desk.controller, "model-Q4_K_M.gguf"
            began = []
            controller.began.connect(began.append)
            controller.choose(QWEN.repo)
            controller.download(file)
            await desk.until(lambda: began)
            assert controller.download_of(QWEN, file).state is JobState.RUNNING
            assert controller.download_of(QWEN, "model-Q2_K.gguf") is None
            hub.board[1] = job(1, JobState.DONE)
            hub.here = (hub_installed("qwen-7b", QWEN.repo, file),)
            hub.version += 1
            controller.look()
            await desk.until(lambda: controller.installed(QWEN, file))
            assert controller.installed(QWEN, file) == "qwen-7b"
            assert controller.installed(QWEN) == "qwen-7b"
            assert controller.installed(QWEN, "model-Q2_K.gguf") == ""

    run(body())


def test_a_download_that_does_not_begin_says_why(run):
    async def body() -> None:
        hub = FakeHub()
        async with Desk(hub) as desk:
            said = []
            desk.controller.failed.connect(lambda *words: said.append(words))
            desk.controller.choose(QWEN.repo)
            hub.error = HubError("The disk is too full.", "Free some space.")
            desk.controller.download("model-Q4_K_M.gguf")
            await desk.until(lambda: said)
            assert said == [("The disk is too full.", "Free some space.")]

    run(body())


def test_nothing_is_looked_at_while_nobody_sees_it(run):
    async def body() -> None:
        hub = FakeHub()
        async with Desk(hub) as desk:
            desk.controller.watch(False)
            hub.version += 1
            looked = []
            desk.controller.changed.connect(lambda: looked.append(1))
            await asyncio.sleep(0.7)
            assert looked == []

    run(body())
