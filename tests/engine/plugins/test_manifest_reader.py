"""What a manifest must be, and that nothing but a refusal comes of a wrong one."""

import os
import time
from pathlib import Path

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import PluginRefusedError
from engine.plugins.contract.values import Field, Kind
from engine.plugins.manifest import Manifest, OfferKind, Permission, PermissionKind
from engine.plugins.manifest_reader import MAX_BYTES, folder_name, is_plugin_id, read_manifest

LEAST = {
    "id": "shout",
    "name": "Shout",
    "version": "1.0.0",
    "api": "1.0",
    "summary": "Writes texts in capitals.",
    "provides": ["task:shout"],
}
SETTING = {"name": "loud", "title": "Loud", "kind": "flag", "default": True}


def write(root: Path, table: dict[str, object] | bytes | str, name: str = "shout") -> Path:
    folder = root / name
    folder.mkdir(exist_ok=True)
    data = (
        table
        if isinstance(table, bytes)
        else table.encode()
        if isinstance(table, str)
        else tomli_w.dumps(table).encode()
    )
    (folder / "plugin.toml").write_bytes(data)
    return folder


def refusal(root: Path, table: dict[str, object] | bytes | str, name: str = "shout") -> PluginRefusedError:
    with pytest.raises(PluginRefusedError) as raised:
        read_manifest(write(root, table, name))
    return raised.value


def outcome(folder: Path) -> Manifest | PluginRefusedError:
    try:
        return read_manifest(folder)
    except PluginRefusedError as error:
        return error


def test_least_manifest(tmp_path: Path):
    assert read_manifest(write(tmp_path, LEAST)) == Manifest(
        id="shout",
        name="Shout",
        version="1.0.0",
        api="1.0",
        summary="Writes texts in capitals.",
        provides=((OfferKind.TASK, "shout"),),
    )


def test_full_manifest(tmp_path: Path):
    table = {
        **LEAST,
        "id": "shout-twice",
        "entry": "main",
        "author": "Ann Äöü <ann@example.org>",
        "licence": "MIT",
        "homepage": "https://example.org/shout",
        "permissions": [
            {"kind": "network", "reason": "Looks words up.", "hosts": ["api.example.org:443", "*.example.com"]},
            {"kind": "read", "reason": "Reads your texts.", "folders": ["~/Documents", "/srv/texts"]},
        ],
        "settings": [
            SETTING,
            {"name": "rounds", "title": "Rounds", "kind": "integer", "least": 1, "most": 9, "default": 3},
            {"name": "gain", "title": "Gain", "kind": "number", "default": 2, "help": "How much."},
            {"name": "tone", "title": "Tone", "kind": "choice", "choices": ["rude", "kind"], "default": "kind"},
            {"name": "judges", "title": "Judges", "kind": "models", "accepts": "messages", "default": ["starter"]},
        ],
        "limits": {"time_limit_s": 90, "memory_mb": 256},
    }
    found = read_manifest(write(tmp_path, table, "shout_twice"))
    assert found.permissions == (
        Permission(PermissionKind.NETWORK, "Looks words up.", hosts=("api.example.org:443", "*.example.com")),
        Permission(PermissionKind.READ, "Reads your texts.", folders=("~/Documents", "/srv/texts")),
    )
    assert found.settings[0] == Field(name="loud", title="Loud", kind=Kind.FLAG, default=True)
    assert found.defaults() == {"loud": True, "rounds": 3, "gain": 2.0, "tone": "kind", "judges": ("starter",)}
    assert isinstance(found.defaults()["gain"], float)
    assert (found.time_limit_s, found.memory_bytes, found.entry) == (90.0, 256 << 20, "main")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"licens": "MIT"}, "key licens is unknown; known are id, name"),
        ({"id": "Shout"}, "`id` must be"),
        ({"id": "sh--out"}, "`id` must be"),
        ({"id": "-shout"}, "`id` must be"),
        ({"id": "s"}, "`id` must be"),
        ({"id": "s" * 41}, "`id` must be"),
        ({"id": "con"}, "`id` must be"),
        ({"id": "class"}, "`id` must be"),
        ({"id": 3}, "`id` must be"),
        ({"id": "whisper"}, "folder must be called whisper"),
        ({"name": ""}, "`name` must be"),
        ({"name": "a\nb"}, "`name` must be"),
        ({"name": "gpj.\N{RIGHT-TO-LEFT OVERRIDE}exe"}, "`name` must be"),
        ({"name": " Shout"}, "`name` must not begin"),
        ({"summary": "x" * 201}, "`summary` must be"),
        ({"version": "1.0"}, "three numbers"),
        ({"version": "1.0.0\n"}, "three numbers"),
        ({"version": "1.٠.0"}, "three numbers"),
        ({"api": "1"}, "two numbers"),
        ({"api": 1.0}, "two numbers"),
        ({"provides": []}, "`provides` must list"),
        ({"provides": "task:shout"}, "`provides` must be a list"),
        ({"provides": ["task:shout", "task:shout"]}, "anything twice"),
        ({"provides": ["tasks:shout"]}, "kinds are family, pipeline, task, tool, telemetry"),
        ({"provides": ["task:"]}, "`provides` must list"),
        ({"entry": "../evil"}, "`entry` must be"),
        ({"entry": "a.b"}, "`entry` must be"),
        ({"homepage": "javascript:alert(1)"}, "`homepage` must be"),
        ({"homepage": "https://a b"}, "`homepage` must be"),
        ({"permissions": {"kind": "models"}}, "up to 5 tables"),
        ({"permissions": [{"kind": "root", "reason": "x"}]}, "one of models, network"),
        ({"permissions": [{"kind": "models"}]}, "are wrong for models"),
        ({"permissions": [{"kind": "models", "reason": ""}]}, "are wrong for models"),
        ({"permissions": [{"kind": "models", "reason": "x", "why": "y"}]}, "unknown key why"),
        ({"permissions": [{"kind": "models", "reason": "x"}] * 2}, "one table per kind"),
        ({"permissions": [{"kind": "models", "reason": "x", "hosts": ["a"]}]}, "`hosts` for network only"),
        ({"permissions": [{"kind": "network", "reason": "x", "hosts": ["a/b"]}]}, "`hosts` for network only"),
        ({"permissions": [{"kind": "read", "reason": "x"}]}, "must have `folders`"),
        ({"permissions": [{"kind": "read", "reason": "x", "folders": ["texts"]}]}, "must have `folders`"),
        ({"permissions": [{"kind": "read", "reason": "x", "folders": ["~/../root"]}]}, "must have `folders`"),
        ({"permissions": [{"kind": "models", "reason": "x", "folders": ["~"]}]}, "must have `folders`"),
        ({"settings": [{**SETTING, "colour": "red"}]}, "number 1 has the unknown key 'colour'"),
        ({"settings": [{"name": "loud", "title": "Loud"}]}, "has no `default`"),
        ({"settings": [{**SETTING, "name": "Loud"}]}, "wrong `name`"),
        ({"settings": [{**SETTING, "name": "class"}]}, "wrong `name`"),
        ({"settings": [{**SETTING, "kind": "file"}]}, "wrong `kind`"),
        ({"settings": [{**SETTING, "default": 1}]}, "must be true or false"),
        ({"settings": [{**SETTING, "choices": ["a"]}]}, "must list `choices` if it is a choice, and only then"),
        ({"settings": [{**SETTING, "kind": "choice", "choices": ["a"], "default": "b"}]}, "must be one of a"),
        ({"settings": [{**SETTING, "kind": "integer", "default": 3, "least": 4}]}, "must be at least 4"),
        ({"settings": [{**SETTING, "kind": "integer", "default": 3, "least": 4, "most": 2}]}, "above its `most`"),
        ({"settings": [{**SETTING, "kind": "number", "default": float("nan")}]}, "finite"),
        ({"settings": [{**SETTING, "kind": "number", "default": 1, "most": float("nan")}]}, "wrong `most`"),
        ({"settings": [{**SETTING, "least": 1}]}, "but is no number"),
        ({"settings": [{**SETTING, "kind": "text", "default": "a\nb"}]}, "must be one line"),
        ({"settings": [{**SETTING, "kind": "text", "default": "abc", "most": 2}]}, "may have 2"),
        ({"settings": [{**SETTING, "kind": "model", "default": "", "accepts": "smells"}]}, "wrong `accepts`"),
        ({"settings": [SETTING, SETTING]}, "two of the same name"),
        ({"settings": [3]}, "up to 50 tables"),
        ({"limits": 3}, "`limits` must be a table"),
        ({"limits": {"time_limit_s": 0}}, "`limits` must be a table"),
        ({"limits": {"time_limit_s": float("nan")}}, "`limits` must be a table"),
        ({"limits": {"memory_mb": 1 << 40}}, "`limits` must be a table"),
        ({"limits": {"memory_mb": True}}, "`limits` must be a table"),
        ({"limits": {"cpu": 1}}, "`limits` must be a table"),
    ],
)
def test_every_rule_is_said_in_one_sentence(change: dict[str, object], said: str, tmp_path: Path):
    error = refusal(tmp_path, {**LEAST, **change})
    assert said in error.cause
    assert error.cause.endswith(".")
    assert error.cause.isprintable()
    assert error.remedy


@pytest.mark.parametrize("key", LEAST)
def test_a_missing_key_is_named_with_its_rule(key: str, tmp_path: Path):
    error = refusal(tmp_path, {name: value for name, value in LEAST.items() if name != key})
    assert f"`{key}` is missing; it must " in error.cause


@pytest.mark.parametrize(
    ("api", "remedy"), [("1.1", "Update Hearth."), ("2.0", "Update Hearth."), ("0.9", "Look for a newer version")]
)
def test_another_version_of_the_contract_is_refused(api: str, remedy: str, tmp_path: Path):
    error = refusal(tmp_path, {**LEAST, "api": api})
    assert f"version {api} of the contract; this is 1.0." in error.cause
    assert remedy in error.remedy
    assert error.plugin == "shout"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff", "not UTF-8"),
        (b"x = [", "no TOML"),
        (b"x" * (MAX_BYTES + 1), "larger than 64 KiB"),
        (b"x = " + b"[\n" * 900, "nested too deeply"),
        (b"x = " + b"9" * 990, "key x is unknown"),
        (b"\n" * 1500, "more than 1000 lines"),
        (b"# " + b"x" * 2000, "more than 1000 bytes"),
        (b"a" + b".a" * 2000 + b" = 1", "more than 1000 bytes"),
        (b"", "`id` is missing"),
    ],
)
def test_what_is_no_toml_is_refused(data: bytes, said: str, tmp_path: Path):
    assert said in refusal(tmp_path, data).cause


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path):
    data = b"\xef\xbb\xbf" + tomli_w.dumps(LEAST).encode().replace(b"\n", b"\r\n")
    assert read_manifest(write(tmp_path, data)).id == "shout"


def test_the_longest_keys_are_refused_in_time(tmp_path: Path):
    # A parser's time grows with the square of the parts of a key; this is the worst that the bounds let through.
    data = "\n".join(f"k{number}{'.a' * 480} = 1" for number in range(65))
    began_s = time.monotonic()
    refusal(tmp_path, data)
    assert time.monotonic() - began_s < 10


def test_no_manifest(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(PluginRefusedError, match=r"has no plugin\.toml"):
        read_manifest(tmp_path / "empty")


@pytest.mark.skipif(os.name == "nt", reason="needs rights that most users of Windows lack")
def test_links_and_pipes_are_not_followed(tmp_path: Path):
    write(tmp_path, LEAST, "real")
    for name in ("link", "pipe", "folder"):
        (tmp_path / name).mkdir()
    (tmp_path / "link" / "plugin.toml").symlink_to(tmp_path / "real" / "plugin.toml")
    os.mkfifo(tmp_path / "pipe" / "plugin.toml")
    (tmp_path / "folder" / "plugin.toml").mkdir()
    for name in ("link", "pipe", "folder"):
        with pytest.raises(PluginRefusedError, match="is no file"):
            read_manifest(tmp_path / name)


def test_ids_and_folders():
    assert is_plugin_id("read-text")
    assert folder_name("read-text") == "read_text"
    assert not is_plugin_id("read_text")
    assert not is_plugin_id("lpt1")


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
KEYS = st.sampled_from([*LEAST, "entry", "author", "licence", "homepage", "permissions", "settings", "limits"])
TABLES = {
    "permissions": st.lists(
        st.dictionaries(st.sampled_from(["kind", "reason", "hosts", "folders"]), JSON_LIKE | st.just("network")),
        max_size=2,
    ),
    "settings": st.lists(
        st.fixed_dictionaries(
            {"name": st.just("loud"), "title": st.just("Loud"), "default": JSON_LIKE},
            optional={
                "kind": st.sampled_from([*Kind]),
                "least": JSON_LIKE,
                "most": JSON_LIKE,
                "choices": JSON_LIKE,
                "suffixes": JSON_LIKE,
                "accepts": JSON_LIKE,
            },
        ),
        max_size=2,
    ),
    "limits": st.dictionaries(st.sampled_from(["time_limit_s", "memory_mb"]), JSON_LIKE),
}
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(changes=st.dictionaries(KEYS, JSON_LIKE, max_size=3), tables=st.fixed_dictionaries({}, optional=TABLES))
def test_wrong_values_are_refused_and_nothing_else(
    changes: dict[str, object], tables: dict[str, object], tmp_path: Path
):
    try:
        text = tomli_w.dumps({**LEAST, **changes, **tables})
    except (TypeError, ValueError):  # TOML has no None, and no lone surrogates
        return
    found = outcome(write(tmp_path, text.encode("utf-8", "replace")))
    if isinstance(found, Manifest):
        assert found.id == "shout"
        assert set(found.defaults()) == {field.name for field in found.settings}
    else:
        assert found.cause.isprintable()


@QUICK
@given(data=st.binary(max_size=200), at=st.integers(0, 10_000), cut=st.integers(0, 20))
def test_damaged_files_are_refused_and_nothing_else(data: bytes, at: int, cut: int, tmp_path: Path):
    whole = tomli_w.dumps({**LEAST, "settings": [SETTING], "limits": {"memory_mb": 64}}).encode()
    at %= len(whole)
    found = outcome(write(tmp_path, whole[:at] + data + whole[at + cut :]))
    assert isinstance(found, Manifest) or found.cause.isprintable()
