"""Wording: how states, offers and permissions are said, and what is copied for a report."""

import unicodedata
from collections import Counter
from html import escape
from typing import Final, Literal, NamedTuple

from PySide6.QtCore import QUrl

from engine import OfferKind, Permission, PermissionKind, PluginInfo, PluginState, Sample

NBSP: Final = "\u00a0"
_MIB = 1 << 20
_LONGEST = 2000  # characters of one text that a stranger wrote


class Look(NamedTuple):
    """A state: its word, its icon, and the role of the icon's colour."""

    word: str
    icon: str
    role: Literal["success", "warning", "danger", "text-muted"]


LOOKS: Final = {
    PluginState.ACTIVE: Look("Active", "success", "success"),
    PluginState.STARTING: Look("Starting", "clock", "text-muted"),
    PluginState.DISABLED: Look("Disabled", "pause", "text-muted"),
    PluginState.NEEDS_CONSENT: Look("Not allowed yet", "lock", "warning"),
    PluginState.STOPPED: Look("Stopped", "error", "danger"),
    PluginState.REFUSED: Look("Cannot be used", "error", "danger"),
}

_OFFERS: Final = {
    OfferKind.FAMILY: ("model family", "model families"),
    OfferKind.PIPELINE: ("picture pipeline", "picture pipelines"),
    OfferKind.TASK: ("task", "tasks"),
    OfferKind.TOOL: ("tool", "tools"),
    OfferKind.TELEMETRY: ("telemetry source", "telemetry sources"),
}

_PERMISSIONS: Final = {
    PermissionKind.MODELS: ("chat", "Ask the models on this computer"),
    PermissionKind.NETWORK: ("globe", "Reach the network"),
    PermissionKind.READ: ("file", "Read files"),
    PermissionKind.WRITE: ("edit", "Change files"),
    PermissionKind.SUBPROCESS: ("play", "Start other programs"),
}

NO_PERMISSIONS: Final = "It asks for nothing: no models, no network, no files, no other programs."


def clean(text: str) -> str:
    """A stranger's text without characters that hide or turn round what stands beside them, and of bounded length."""
    if text.isprintable() and len(text) <= _LONGEST:
        return text
    kept = "".join(c if c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"} else " " for c in text)
    return kept if len(kept) <= _LONGEST else f"{kept[:_LONGEST]}…"


def line(text: str) -> str:
    """The same in one line."""
    return " ".join(clean(text).split())


def as_tooltip(text: str) -> str:
    """A stranger's text for a tooltip, which would otherwise be read as HTML where it looks like it."""
    return f"<p>{escape(text)}</p>".replace("\n", "<br>") if "<" in text else text


def name_of(info: PluginInfo) -> str:
    """What a plugin is called; its id where the manifest is unreadable."""
    return line(info.name) or line(info.id)


def where_of(info: PluginInfo) -> str:
    """Where a plugin runs, in two words."""
    return "Own process" if info.is_isolated else "In Hearth"


def whereabouts(info: PluginInfo) -> str:
    """Where a plugin runs, in a sentence."""
    return "Runs in its own process" if info.is_isolated else "Full access, inside Hearth"


def look_of(info: PluginInfo) -> Look:
    """How a plugin's state is shown."""
    return LOOKS[info.state]


def offer_words(kind: OfferKind, count: int = 1) -> str:
    """A kind of offer, counted: "task", "2 tasks"."""
    one, many = _OFFERS[kind]
    return one if count == 1 else f"{count}{NBSP}{many}"


def offer_chips(info: PluginInfo) -> tuple[str, ...]:
    """What a plugin offers, a few words per kind."""
    counts = Counter(offer.kind for offer in info.offers)
    return tuple(offer_words(kind, counts[kind]) for kind in OfferKind if counts[kind])


def permission_icon(permission: Permission) -> str:
    """Icon of a permission."""
    return _PERMISSIONS[permission.kind][0]


def permission_title(permission: Permission) -> str:
    """What a plugin wants to do, with the hosts or folders that it names."""
    title = _PERMISSIONS[permission.kind][1]
    places = ", ".join(line(place) for place in (*permission.hosts, *permission.folders))
    if not places:
        return title
    return f"{title}: {places}" if permission.kind is PermissionKind.NETWORK else f"{title} in {places}"


def sample_words(sample: Sample) -> str:
    """A number with its unit on one line."""
    number = f"{sample.value:,.0f}" if abs(sample.value) >= 100 else f"{sample.value:.3g}"
    return f"{number}{NBSP}{line(sample.unit)}".rstrip()


def memory_words(memory_bytes: int | None) -> str:
    """Memory of a plugin's process; inside Hearth it cannot be told apart."""
    return "Counted with Hearth" if memory_bytes is None else f"{memory_bytes / _MIB:,.0f}{NBSP}MB"


def failure_words(count: int) -> str:
    """How often a plugin failed lately."""
    return f"{count or 'None'} in the last 5{NBSP}minutes"


def short_digest(digest: str) -> str:
    """The ends of a SHA-256, for reading aloud."""
    return f"{digest[:8]}…{digest[-8:]}" if len(digest) > 20 else digest


def web_address(homepage: str) -> str:
    """A homepage as it will be opened: http(s) only, with what could be mistaken written out; else empty."""
    url = QUrl(homepage.strip(), QUrl.ParsingMode.StrictMode)
    if not url.isValid() or url.scheme() not in {"http", "https"} or not url.host() or url.userInfo():
        return ""
    return bytes(url.toEncoded().data()).decode("ascii")


def details_of(info: PluginInfo) -> str:
    """Everything that a report about a plugin needs, as text."""
    rows = [
        ("Plugin", f"{name_of(info)} {line(info.version)} ({info.id})"),
        ("State", " · ".join(filter(None, (look_of(info).word, line(info.reason))))),
        ("Runs", whereabouts(info)),
        ("Written for", f"plugin API {line(info.api)}" if info.api else ""),
        ("Author", line(info.author)),
        ("Folder", str(info.folder)),
        ("SHA-256", info.digest),
        ("Offers", ", ".join(f"{offer.kind.value}:{offer.id}" for offer in info.offers)),
        ("Permissions", ", ".join(permission.kind.value for permission in info.permissions)),
        ("Memory", memory_words(info.memory_bytes)),
        ("Failures", failure_words(info.failures)),
    ]
    text = "\n".join(f"{title}: {value}" for title, value in rows if value)
    return f"{text}\n\n{info.details.strip()}" if info.details.strip() else text
