"""DownloadWork: fetches the files of a model as a job."""

from collections.abc import Callable
from pathlib import Path

from engine.cards import Arrival
from engine.errors import HubError
from engine.hub.transfer.disk import Room
from engine.hub.transfer.network import Network
from engine.hub.transfer.remote import Wanted
from engine.hub.transfer.settings import TransferSettings
from engine.hub.transfer.throttle import Throttle
from engine.jobs import JobControl, Spec


class DownloadWork:
    """Fetches the files of a model; they appear together once all are whole.

    Thread: any; each job has its own.

    Attributes:
        can_pause: it goes on where it was.
        at_once: downloads that run together.
    """

    can_pause = True
    at_once = 3

    def __init__(
        self,
        folder: Path,
        settings: TransferSettings,
        throttle: Throttle,
        network: Network,
        arrived: Callable[[Path, Arrival], None],
    ) -> None:
        """Make it ready.

        Args:
            folder: of all models; the files go to `folder/TARGET/NAME`.
            settings: how.
            throttle: speed of all downloads together.
            network: whether it may be used.
            arrived: told of each model that is whole, on the job's thread.
        """
        self._folder, self._settings = folder, settings
        self._throttle, self._network, self._arrived = throttle, network, arrived
        self._room = Room(settings.reserve_bytes)

    def run(self, spec: Spec, control: JobControl) -> str:
        """Fetch them; see `Work.run`."""
        from engine.hub.transfer.download import Download
        from engine.hub.transfer.fetch import Way

        way = Way(self._settings, self._throttle, self._network)
        path, arrival = Download(self._folder, Wanted.of(spec), way, self._room, control).run()
        self._arrived(path, arrival)
        return str(path)

    def discard(self, spec: Spec) -> None:
        """Remove what has been fetched of them so far."""
        from engine.hub.transfer.download import discard

        try:
            wanted = Wanted.of(spec)
        except HubError:
            return  # then nothing was fetched either
        discard(self._folder, wanted)
