"""HostedPlugin: one plugin, whether it may run, and its life."""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, cast

from engine.errors import PluginError, PluginRefusedError
from engine.plugins import loader
from engine.plugins.consent import Decision, Stored
from engine.plugins.contract.offers import Sample
from engine.plugins.contract.values import Values
from engine.plugins.description import describe
from engine.plugins.development import Stamp, tree_stamp
from engine.plugins.digest import tree_digest
from engine.plugins.discovery import FoundPlugin, look
from engine.plugins.elsewhere import inode
from engine.plugins.guard import Guard, guarded
from engine.plugins.infos import PluginInfo, PluginState
from engine.plugins.manifest import Manifest, Permission
from engine.plugins.running import Running
from engine.plugins.settings import check_values, usable_values
from engine.plugins.surroundings import Surroundings

log = logging.getLogger(__name__)

FAILURE_WINDOW_S: Final = 300.0
SAFE_MODE: Final = "Hearth was started in safe mode, in which only its own plugins run."
CRASHED: Final = "It was running when Hearth ended unexpectedly. Start it again if you trust it."
NEW: Final = "It is new. Look at what it wants to do before you allow it."
FORGOTTEN: Final = "The file with your decisions was damaged and put aside as {}. Look at what it wants, and allow it."
CHANGED: Final = "Its files have changed since you allowed it. Look at what it wants to do before you allow it again."


@dataclass(frozen=True, slots=True)
class _Condition:
    """How a plugin is, as far as its host decides that; replaced as a whole."""

    state: PluginState
    reason: str = ""
    details: str = ""


class HostedPlugin:
    """A plugin.

    Thread: any. What starts, stops or decides is one at a time and may take as long as the plugin's limits allow;
    `info` never blocks.

    Attributes:
        id: of the plugin.
        folder: where it lies.
        is_bundled: whether it came with Hearth, and runs in this process.
    """

    def __init__(self, found: FoundPlugin, around: Surroundings, *, is_bundled: bool) -> None:
        self.is_bundled = is_bundled
        self._around = around
        # Of a stranger's that has the id of a bundled one both are shown; nothing else can have such an id.
        self.id = f"{found.id}~" if self._is_impostor(found) else found.id
        self.folder = found.folder
        self._turn = threading.RLock()  # held while it is started, stopped or decided about
        self._found = self._checked(found)
        self._condition = self._first_condition()
        self._digest = ""
        self._running = Running(self.id, around)
        self._failures: deque[float] = deque(maxlen=100)  # times; appending is atomic
        self._samples: dict[str, tuple[Sample, ...]] = {}  # by source; replaced, never changed
        self._session: tuple[str, tuple[Permission, ...]] | None = None  # digest and permissions allowed until the end
        self._stamp: Stamp = ()
        self._acted_on = around.store.get(self.id)  # what it is, is because of this
        self._inode = inode(self.folder)

    @property
    def manifest(self) -> Manifest | None:
        """What it says about itself; None if it is refused."""
        return self._found.manifest

    @property
    def is_running(self) -> bool:
        """Whether it has offers that can be used."""
        return self._running.offers is not None

    @property
    def started_from(self) -> Stamp | None:
        """Development: how its files were when it was last started; None if the user has not allowed it to run."""
        return self._stamp if self._session is not None else None

    def start(self, found: FoundPlugin | None = None) -> None:
        """Stop it, and run it from its files if it may run; its state says what came of it.

        Args:
            found: what has just been read of it; None reads it again.
        """
        with self._turn:
            if self.is_bundled and self.is_running:
                loader.unload(self.folder)
            self._stop(_Condition(PluginState.STARTING))
            if self._around.is_development:
                self._stamp = tree_stamp(self.folder)
            self._inode = inode(self.folder)
            self._found = self._checked(found or look(self.folder))
            self._condition = self._start()
            self._around.changed(self.id)

    def stop(self, state: PluginState = PluginState.DISABLED, reason: str = "") -> None:
        """Take its offers back and end it."""
        with self._turn:
            self._stop(_Condition(state, reason))
            self._around.changed(self.id)

    def interrupt(self) -> None:
        """End its process at once, even while it is being started, and never start one again."""
        self._running.end_for_good()

    def enable(self, digest: str) -> None:
        """Let it run from now on.

        Args:
            digest: of the files that the user has looked at; empty: those that were allowed before.

        Raises:
            PluginError: the files are others, nothing has been allowed yet, or it failed to start.
        """
        with self._turn:
            manifest = self._require_manifest()
            if not self.is_bundled:
                wanted, current = digest or self._around.store.get(self.id).digest, tree_digest(self.folder)
                if wanted != current:
                    self.start()  # shows what there is to be allowed now
                    raise self._not_allowed(manifest, has_changed=bool(wanted))
                digest = current
            self._decide(digest=digest, is_enabled=True, stopped="")
            self._start_anew()

    def disable(self) -> None:
        """Stop it, now and at the next start.

        Raises:
            PluginError: that could not be kept; it is stopped all the same.
        """
        with self._turn:
            self._session = None
            self.stop(PluginState.DISABLED, "You have disabled it.")
            self._decide(is_enabled=False)

    def reload(self) -> None:
        """Run it anew from its files, if it may run.

        Raises:
            PluginError: it failed to start, or its files are no longer those that were allowed.
        """
        with self._turn:
            if self._around.store.get(self.id).stopped:
                self._decide(stopped="")
            self._start_anew()

    def set_settings(self, values: Values) -> None:
        """Change settings; those that are not given stay. It runs anew if it is running.

        Raises:
            InvalidRequestError: a value is wrong.
            PluginError: they could not be kept, or it failed to start with them.
        """
        with self._turn:
            manifest = self._require_manifest()
            stored = self._stored_settings(manifest)
            checked = check_values(manifest.settings, {**stored, **values})
            plain = {name: list(v) if isinstance(v, tuple) else v for name, v in checked.items()}
            settings = cast("dict[str, Stored]", plain)  # files and tables are no settings, which `check_values` knows
            self._around.store.change(self.id, partial(_with_settings, settings, values))
            self._acted_on = self._around.store.get(self.id)
            if self.is_running:
                self._start_anew()
            self._around.changed(self.id)

    def adopt_changes(self) -> None:
        """Development: run it anew from changed files, if what was allowed in this session still covers it.

        The consent on the disk stays bound to the files that it was given for.
        """
        with self._turn:
            if self._session is None or self._stamp == tree_stamp(self.folder):
                return
            found = look(self.folder)
            with suppress(PluginRefusedError):
                if found.manifest is not None and found.manifest.permissions == self._session[1]:
                    self._session = (tree_digest(self.folder), self._session[1])
            self.start()

    @property
    def is_outdated(self) -> bool:
        """Whether another process of Hearth has decided something about it, or put other files in its place."""
        return self._acted_on != self._around.store.get(self.id) or self._inode != inode(self.folder)

    def catch_up(self) -> None:
        """Do what was decided in another process, if this has not been done meanwhile."""
        with self._turn:
            if self.is_outdated:
                self.start()

    def report(self, error: PluginError) -> None:
        """Note a failure of a plugin that runs in this process; it goes on."""
        log.error("%s %s", error, error.details)
        self._failures.append(time.monotonic())
        self._condition = replace(self._condition, reason=str(error), details=error.details)
        self._around.changed(self.id)

    def keep_samples(self, source: str, samples: Sequence[Sample]) -> None:
        """Keep the newest numbers of one of its sources."""
        if self.is_running:
            self._samples = {**self._samples, source: tuple(samples)}
        self._around.changed(self.id)

    def info(self) -> PluginInfo:
        """What is shown of it."""
        condition, status, manifest = self._condition, self._running.status(), self.manifest
        memory_bytes, failures = None, self._recent_failures()
        if status is not None:
            condition = _Condition(status.state, status.reason, status.details)
            failures = status.failures
            if status.memory_bytes is not None:
                memory_bytes = status.memory_bytes >> 20 << 20  # whole MiB, so that not every look is a change
        plain = PluginInfo(
            id=self.id,
            folder=self.folder,
            is_bundled=self.is_bundled,
            is_isolated=not self.is_bundled,
            state=condition.state,
            reason=condition.reason,
            details=condition.details,
            digest=self._digest,
            samples=tuple(sample for samples in self._samples.values() for sample in samples),
            memory_bytes=memory_bytes,
            failures=failures,
        )
        if manifest is None:
            return plain
        return describe(plain, manifest, self._running.offers, self._stored_settings(manifest))

    def _decide(self, **changes: Any) -> None:
        self._around.store.change(self.id, lambda decision: replace(decision, **changes))
        self._acted_on = self._around.store.get(self.id)

    def _start_anew(self) -> None:
        self.start()
        if self._condition.state in {PluginState.STOPPED, PluginState.REFUSED, PluginState.NEEDS_CONSENT}:
            raise PluginError(
                self.id,
                f"The plugin {self.manifest.name if self.manifest else self.id} does not run.",
                self._condition.reason,
                self._condition.details,
            )

    def _start(self) -> _Condition:
        """Run it if it may run, and say how it then is."""
        decision = self._acted_on = self._around.store.get(self.id)
        if self._found.refusal is not None:
            return _Condition(PluginState.REFUSED, str(self._found.refusal))
        manifest = self._require_manifest()
        try:
            if (reason := self._why_not(decision)) is not None:
                return reason
            if self._around.is_idle:
                return _Condition(PluginState.ACTIVE)
            if self.is_bundled:
                self._run_inside(manifest)
            else:
                self._run_outside(manifest)
        except PluginRefusedError as error:
            return _Condition(PluginState.REFUSED, str(error))
        except PluginError as error:
            log.warning("%s %s", error, error.details)
            return _Condition(PluginState.STOPPED, str(error), error.details)
        return _Condition(PluginState.ACTIVE)

    def _why_not(self, decision: Decision) -> _Condition | None:
        """Why it must not run; None if it may."""
        if self.is_bundled:
            return None if decision.is_enabled else _Condition(PluginState.DISABLED, "You have disabled it.")
        if self._around.is_safe:
            return _Condition(PluginState.DISABLED, SAFE_MODE)
        self._digest = tree_digest(self.folder)
        if look(self.folder).manifest != self._found.manifest:
            # What is shown beside the digest must be what it stands for.
            raise PluginError(self.id, "Its files are being changed.", "Reload it when they are complete.")
        if self._digest != decision.digest and (self._session is None or self._digest != self._session[0]):
            return _Condition(PluginState.NEEDS_CONSENT, CHANGED if decision.digest else self._new())
        if not decision.is_enabled:
            return _Condition(PluginState.DISABLED, "You have disabled it.")
        if decision.stopped:
            return _Condition(PluginState.STOPPED, decision.stopped)
        return None

    def _run_inside(self, manifest: Manifest) -> None:
        offers = loader.load(self.folder, manifest, self._stored_settings(manifest))
        self._running.begin(guarded(offers, Guard(self.id, manifest.name, self.report)))

    def _run_outside(self, manifest: Manifest) -> None:
        if self._around.is_development:
            self._session = (self._digest, manifest.permissions)
        self._around.changed(self.id)
        settings = self._stored_settings(manifest)
        self._running.begin_outside(partial(self._around.isolate, self.folder, manifest, settings))

    def _stop(self, condition: _Condition) -> None:
        self._samples = {}
        self._condition = condition
        self._running.end()

    def _first_condition(self) -> _Condition:
        """How it is until it is first started, as far as that is known without reading its files."""
        decision = self._around.store.get(self.id)
        if self._found.refusal is not None:
            return _Condition(PluginState.REFUSED, str(self._found.refusal))
        if not self.is_bundled and self._around.is_safe:
            return _Condition(PluginState.DISABLED, SAFE_MODE)
        if not self.is_bundled and not decision.digest:
            return _Condition(PluginState.NEEDS_CONSENT, self._new())
        return _Condition(PluginState.STARTING if decision.is_enabled else PluginState.DISABLED)

    def _new(self) -> str:
        damaged = self._around.store.damaged
        return NEW if damaged is None else FORGOTTEN.format(damaged.name)

    def _checked(self, found: FoundPlugin) -> FoundPlugin:
        """A stranger's plugin must not take the place of one of Hearth's."""
        if not self._is_impostor(found):
            return found
        cause = f"The plugin in the folder {found.folder.name} has the id of a plugin that comes with Hearth."
        return FoundPlugin(
            found.folder,
            refusal=PluginRefusedError(found.id, cause, "Its author has to choose another id; remove it."),
        )

    def _is_impostor(self, found: FoundPlugin) -> bool:
        return not self.is_bundled and found.id in self._around.reserved

    def _require_manifest(self) -> Manifest:
        if self._found.manifest is None:
            raise self._found.refusal or PluginError(self.id, f"The plugin {self.id} has no manifest.")
        return self._found.manifest

    def _not_allowed(self, manifest: Manifest, *, has_changed: bool) -> PluginError:
        if has_changed:
            cause = f"The files of the plugin {manifest.name} are others than those that were allowed."
        else:
            cause = f"The plugin {manifest.name} has not been allowed to run yet."
        return PluginError(self.id, cause, "Look at what it wants to do, and allow it.")

    def _stored_settings(self, manifest: Manifest) -> Values:
        return usable_values(manifest.settings, self._around.store.get(self.id).settings)

    def _recent_failures(self) -> int:
        since_s = time.monotonic() - FAILURE_WINDOW_S
        return sum(1 for time_s in tuple(self._failures) if time_s > since_s)


def _with_settings(settings: dict[str, Stored], given: Values, decision: Decision) -> Decision:
    """A decision with settings, of which those that were not given stay as another process may have set them."""
    others = {name: value for name, value in decision.settings.items() if name in settings and name not in given}
    return replace(decision, settings={**settings, **others})
