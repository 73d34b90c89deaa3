"""Actions: what can be done with a plugin in each of its states, and what that is called."""

from enum import Enum, auto

from app.plugins.wording import name_of
from engine import PluginInfo, PluginState


class Action(Enum):
    """Something that the person can ask for."""

    ALLOW = auto()  # read what it wants, then let it run
    ENABLE = auto()
    DISABLE = auto()
    RELOAD = auto()
    SETTINGS = auto()
    REMOVE = auto()
    FOLDER = auto()
    DETAILS = auto()  # copy them
    DIGEST = auto()  # copy it
    HOMEPAGE = auto()


_IN_STATE = {
    PluginState.ACTIVE: (Action.DISABLE, Action.RELOAD),
    PluginState.STARTING: (Action.DISABLE, Action.RELOAD),
    PluginState.DISABLED: (Action.ENABLE,),
    PluginState.NEEDS_CONSENT: (Action.ALLOW,),
    PluginState.STOPPED: (Action.ENABLE, Action.DISABLE),
    PluginState.REFUSED: (Action.RELOAD,),
}
_WORDS = {
    Action.ALLOW: "Review and allow…",
    Action.ENABLE: "Enable",
    Action.DISABLE: "Disable",
    Action.RELOAD: "Reload",
    Action.SETTINGS: "Settings…",
    Action.REMOVE: "Remove…",
    Action.FOLDER: "Open folder",
    Action.DETAILS: "Copy details",
    Action.DIGEST: "Copy SHA-256",
    Action.HOMEPAGE: "Open homepage",
}
_NAMES = {
    Action.ALLOW: "Review what {} wants, and allow it",
    Action.FOLDER: "Open the folder of {}",
    Action.SETTINGS: "Settings of {}",
    Action.DETAILS: "Copy details of {}",
    Action.DIGEST: "Copy the SHA-256 of {}",
    Action.HOMEPAGE: "Open the homepage of {}",
}


def actions_for(info: PluginInfo) -> tuple[Action, ...]:
    """What can be done with a plugin's state, its settings and its files, the most likely first."""
    actions = _IN_STATE[info.state]
    if info.fields and info.state not in {PluginState.NEEDS_CONSENT, PluginState.REFUSED}:
        actions += (Action.SETTINGS,)
    return actions if info.is_bundled else (*actions, Action.REMOVE)


def words_for(action: Action, info: PluginInfo) -> str:
    """Words on a button."""
    if info.state is PluginState.STOPPED:
        return {Action.ENABLE: "Start again", Action.DISABLE: "Leave out"}.get(action) or _WORDS[action]
    return _WORDS[action]


def name_for(action: Action, info: PluginInfo) -> str:
    """What a button does, with its object, for those who do not see what it belongs to."""
    words = words_for(action, info).rstrip("…")
    return _NAMES[action].format(name_of(info)) if action in _NAMES else f"{words} {name_of(info)}"
