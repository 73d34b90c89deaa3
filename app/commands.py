"""What the command palette offers: put together here, so that pages need not know of each other or of it."""

from collections.abc import Callable, Iterator
from functools import partial

from app.chat import ChatPage
from app.hardware import HardwarePage
from app.models import ModelsPage
from app.preferences import PreferencesPage
from app.queue import QueueController, QueuePage
from app.shell import Command, MainWindow
from app.task_runs import TaskRunsController, TasksPage
from app.theme import CHOICES, Appearance

_MOST_MODELS = 100  # in the palette; the page's own search finds the others


class Commands:
    """Everything that can be done from the palette, as of now.

    Thread: UI only.
    """

    def __init__(
        self,
        window: MainWindow,
        appearance: Appearance,
        chat: ChatPage,
        tasks: tuple[TasksPage, TaskRunsController],
        models: ModelsPage,
        hardware: HardwarePage,
        queue: tuple[QueuePage, QueueController],
        preferences: PreferencesPage,
        install_plugin: Callable[[], None] | None = None,
        more: Callable[[], Iterator[Command]] | None = None,
    ) -> None:
        self._window = window
        self._appearance = appearance
        self._chat = chat
        self._tasks_page, self._tasks = tasks
        self._models = models
        self._hardware = hardware
        self._queue_page, self._queue = queue
        self._preferences = preferences
        self._install_plugin = install_plugin
        self._more = more

    def __call__(self) -> tuple[Command, ...]:
        """List them: pages, tasks, chat, models, hardware, queue, the rest."""
        return (
            *self._pages(),
            *self._task_forms(),
            *self._chat_actions(),
            *self._model_actions(),
            *self._hardware_actions(),
            *self._queue_actions(),
            *self._settings(),
            *(self._more() if self._more is not None else ()),
        )

    def _pages(self) -> Iterator[Command]:
        for index, entry in enumerate(self._window.entries):
            run = partial(self._window.open_page, entry.name)
            yield Command(f"Open {entry.title}", run, entry.icon, "Page", f"Ctrl+{index + 1}")

    def _task_forms(self) -> Iterator[Command]:
        for task in self._tasks.tasks:
            yield Command(f"{task.title}…", partial(self._open_task, task.id), "tasks", task.summary)

    def _chat_actions(self) -> Iterator[Command]:
        page = self._chat
        for title, action, icon, keys in (
            ("New chat", page.new_chat, "plus", "Ctrl+N"),
            ("Search all chats", page.find_chat, "search", "Ctrl+F"),
            ("Choose the model", page.composer.model.open_menu, "models", "Ctrl+M"),
            ("Choose the preset", page.composer.preset.open_menu, "settings", "Ctrl+P"),
            ("Choose the tools", page.composer.tools.open_menu, "plugins", "Ctrl+T"),
            ("Ask again", page.ask_again, "again", "Ctrl+R"),
            ("Stop the answer", page.composer.escape, "stop", "Esc"),
            ("Copy the last answer", page.copy_last_answer, "copy", "Ctrl+Shift+C"),
            ("Show or hide the list of chats", page.toggle_list, "chat", "Ctrl+B"),
        ):
            yield Command(title, partial(self._in_chat, action), icon, "Chat", keys)

    def _model_actions(self) -> Iterator[Command]:
        page, controller = self._models, self._models.controllers.installed
        if not controller.is_known:
            controller.look()  # nobody has opened the page: they are listed here the next time
        for title, action, icon in (
            ("Find a model to download", page.show_discover, "download"),
            ("Import a model file…", page.import_files, "folder"),
        ):
            yield Command(title, partial(self._in_models, action), icon, "Models")
        for row in controller.rows[:_MOST_MODELS]:
            if row.is_refused:
                continue
            state, found = controller.state(row), controller.fits.known(row.id)
            if state.is_loaded:
                run = partial(controller.actions.unload, row.id)
                yield Command(f"Unload {row.title}", run, "eject", "is loaded")
            elif not state.is_loading:
                verdict = found.verdict if found is not None else None
                detail = verdict.sentence if verdict is not None else row.subtitle
                yield Command(f"Load {row.title}", partial(controller.actions.load, row), "play", detail)

    def _hardware_actions(self) -> Iterator[Command]:
        page = self._hardware
        for title, action, icon in (
            ("Where models run…", page.show_placements, "branch"),
            ("Measure the devices again", page.measure, "speed"),
            ("Copy the hardware report", page.copy_report, "copy"),
        ):
            yield Command(title, partial(self._on_hardware, action), icon, "Hardware")

    def _queue_actions(self) -> Iterator[Command]:
        page = self._queue_page
        self._queue.refresh()  # the page may be hidden, and somebody else may have paused the queue
        is_paused = self._queue.is_paused
        for title, action, icon in (
            ("Go on with new work", partial(page.set_paused, False), "play")
            if is_paused
            else ("Pause new work", partial(page.set_paused, True), "pause"),
            ("Show what runs and what waits", partial(page.show_finished, False), "queue"),
            ("Show what has finished", partial(page.show_finished, True), "clock"),
        ):
            yield Command(title, partial(self._in_queue, action), icon, "Queue")

    def _settings(self) -> Iterator[Command]:
        page = self._preferences
        for title, action, icon in (
            ("Set the memory for models", page.focus_first, "memory"),
            ("Delete kept answers…", page.ask_to_delete_answers, "trash"),
            ("Delete what was read of prompts…", page.ask_to_delete_prompts, "trash"),
        ):
            yield Command(title, partial(self._in_settings, action), icon, "Settings")
        if self._install_plugin is not None:
            yield Command("Install a plugin…", self._install_plugin, "plugins", "Plugins")
        for setting, words in CHOICES:
            is_used = setting == self._appearance.setting
            run = partial(self._appearance.choose, setting)
            yield Command(
                f"Theme: {words}", run, "check" if is_used else "settings", "in use" if is_used else "Colours"
            )

    def _open_task(self, task: str) -> None:
        self._tasks_page.show_task(task)
        self._window.open_page("tasks")

    def _on_hardware(self, action: Callable[[], object]) -> None:
        self._window.open_page("hardware")
        action()

    def _in_models(self, action: Callable[[], object]) -> None:
        self._window.open_page("models")
        action()

    def _in_settings(self, action: Callable[[], object]) -> None:
        self._window.open_page("settings")
        action()

    def _in_queue(self, action: Callable[[], object]) -> None:
        action()
        self._window.open_page("queue")

    def _in_chat(self, action: Callable[[], None]) -> None:
        self._window.open_page("chat")
        action()
