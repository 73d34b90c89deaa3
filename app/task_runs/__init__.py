"""Tasks: what plugins offer to do, their forms, and what came out."""

from app.task_runs.controller import TaskRunsController
from app.task_runs.page import TasksPage

__all__ = ["TaskRunsController", "TasksPage"]
