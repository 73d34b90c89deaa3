"""What is said about plugins, and what a stranger's text cannot do."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.plugins.actions import Action, actions_for, name_for, words_for
from app.plugins.wording import (
    LOOKS,
    as_tooltip,
    clean,
    details_of,
    line,
    name_of,
    offer_chips,
    permission_title,
    sample_words,
    short_digest,
    web_address,
    whereabouts,
)
from engine import Field, OfferInfo, OfferKind, Permission, PermissionKind, PluginInfo, PluginState, Sample

INFO = PluginInfo(id="weather", folder=Path("/p/weather"), name="Weather", version="1.0.0", digest="ab" * 32)


def test_every_state_has_a_word_and_an_icon():
    assert set(LOOKS) == set(PluginState)
    assert len({look.word for look in LOOKS.values()}) == len(PluginState)
    for look in LOOKS.values():
        assert (Path("resources/icons") / f"{look.icon}.svg").exists()


def test_what_turns_text_round_or_hides_is_taken_out():
    assert clean("a\u202eb\u200bc\x1bd\ne") == "a b c d\ne"
    assert line("  two\n\twords ") == "two words"
    assert len(clean("x" * 100_000)) < 3000


def test_a_tooltip_is_never_read_as_html():
    assert as_tooltip("plain & simple") == "plain & simple"
    assert "<img" not in as_tooltip('<img src="file:///etc/passwd">')


@pytest.mark.parametrize(
    ("homepage", "address"),
    [
        ("https://example.org/a?b=c&d", "https://example.org/a?b=c&d"),
        ("http://example.org", "http://example.org"),
        ("https://ex\u0430mple.org/", "https://xn--exmple-4nf.org/"),
        ("file:///etc/passwd", ""),
        ("javascript:alert(1)", ""),
        ("https://bank.example@evil.example/", ""),
        ("https://", ""),
        ("", ""),
        ("not a url", ""),
    ],
)
def test_only_addresses_of_the_web_can_be_opened(homepage: str, address: str):
    assert web_address(homepage) == address


def test_offers_are_counted_by_kind():
    offers = (OfferInfo(OfferKind.TASK, "a"), OfferInfo(OfferKind.TOOL, "b"), OfferInfo(OfferKind.TASK, "c"))
    assert offer_chips(replace(INFO, offers=offers)) == ("2\u00a0tasks", "tool")
    assert offer_chips(INFO) == ()


def test_permissions_name_their_places():
    network = Permission(PermissionKind.NETWORK, "why", hosts=("a.example", "b.example"))
    read = Permission(PermissionKind.READ, "why", folders=("~/x",))
    assert permission_title(network) == "Reach the network: a.example, b.example"
    assert permission_title(read) == "Read files in ~/x"
    assert permission_title(Permission(PermissionKind.SUBPROCESS, "why")) == "Start other programs"


def test_numbers_keep_their_unit_on_the_same_line():
    assert sample_words(Sample("GPU memory", 12345.6, "MiB")) == "12,346\u00a0MiB"
    assert sample_words(Sample("load", 0.1234, "")) == "0.123"


def test_a_plugin_without_a_readable_manifest_is_called_by_its_id():
    assert name_of(replace(INFO, name="")) == "weather"


def test_where_it_runs_is_said_plainly():
    assert whereabouts(INFO) == "Runs in its own process"
    assert whereabouts(replace(INFO, is_isolated=False)) == "Full access, inside Hearth"


def test_a_digest_is_shortened_to_its_ends():
    assert short_digest("0123456789abcdef" * 4) == "01234567…89abcdef"


def test_copied_details_hold_everything_a_report_needs():
    info = replace(INFO, state=PluginState.STOPPED, reason="It hung.", details="Traceback\n  line 1", failures=3)
    text = details_of(info)
    for part in ("Weather 1.0.0 (weather)", "Stopped · It hung.", "SHA-256: abab", "3 in the last", "Traceback\n"):
        assert part in text


# -------------------------------------------------------------------------------------------------------------- actions


@pytest.mark.parametrize(
    ("state", "actions"),
    [
        (PluginState.ACTIVE, {Action.DISABLE, Action.RELOAD, Action.SETTINGS, Action.REMOVE}),
        (PluginState.STARTING, {Action.DISABLE, Action.RELOAD, Action.SETTINGS, Action.REMOVE}),
        (PluginState.DISABLED, {Action.ENABLE, Action.SETTINGS, Action.REMOVE}),
        (PluginState.NEEDS_CONSENT, {Action.ALLOW, Action.REMOVE}),
        (PluginState.STOPPED, {Action.ENABLE, Action.DISABLE, Action.SETTINGS, Action.REMOVE}),
        (PluginState.REFUSED, {Action.RELOAD, Action.REMOVE}),
    ],
)
def test_every_state_offers_what_helps(state: PluginState, actions: set[Action]):
    info = replace(INFO, state=state, fields=(Field(name="place", title="Place"),))
    assert set(actions_for(info)) == actions
    assert set(actions_for(replace(info, is_bundled=True))) == actions - {Action.REMOVE}


def test_buttons_say_action_and_object():
    assert name_for(Action.DISABLE, INFO) == "Disable Weather"
    assert name_for(Action.FOLDER, INFO) == "Open the folder of Weather"
    stopped = replace(INFO, state=PluginState.STOPPED)
    assert (words_for(Action.ENABLE, stopped), words_for(Action.DISABLE, stopped)) == ("Start again", "Leave out")
    assert name_for(Action.ENABLE, stopped) == "Start again Weather"
