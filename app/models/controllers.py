"""ModelsControllers: everything behind the Models page, as one thing to open and to close."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject

from app.models.controller import ModelsController, Uses
from app.models.discover_controller import DiscoverController
from app.models.import_controller import ImportController
from app.models.jobs_controller import JobsController
from app.models.quantize_controller import QuantizeController
from app.tasks import Tasks
from engine import Engine

Keep = Callable[[Mapping[str, tuple[str, ...]]], None]
"""Writes settings of the engine for its next start; may raise OSError or ValueError."""


class ModelsControllers(QObject):
    """What the page and the window need.

    Attributes:
        engine: whose models these are.
        tasks: where coroutines are started.
        installed: the models that are here.
        jobs: downloads and other work in the background.
        discover: what could be fetched.
        imports: files from elsewhere.
        quantize: makes models smaller.
        keep: writes settings of the engine.

    Thread: UI only.
    """

    def __init__(
        self, engine: Engine, tasks: Tasks, keep: Keep, uses: Uses | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.engine = engine
        self.tasks = tasks
        self.keep = keep
        self.installed = ModelsController(engine, tasks, uses, self)
        self.jobs = JobsController(engine, tasks, self)
        self.discover = DiscoverController(engine, tasks, self)
        self.imports = ImportController(engine, tasks, self)
        self.quantize = QuantizeController(engine, tasks, self)
        self.imports.began.connect(lambda _jobs: self.jobs.look())
        self.quantize.began.connect(lambda _job: self.jobs.look())
        self.discover.began.connect(lambda _job: self.jobs.look())
        self.jobs.ended.connect(lambda _job: self.installed.look())

    def open(self, *, resumes_jobs: bool = True) -> None:
        """Take up work: the engine is open now. Safe to call twice.

        Args:
            resumes_jobs: whether to go on with what the last run left; otherwise it waits for a press.
        """
        self.installed.open()
        if resumes_jobs:
            self.jobs.open()

    def close(self) -> None:
        """Look no more; call before the engine closes. Safe to call twice."""
        self.installed.close()
        self.jobs.close()
        self.discover.watch(False)
