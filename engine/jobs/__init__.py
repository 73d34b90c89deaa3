"""Work in the background that outlives a page, a pause and a restart: see `board.JobBoard`."""

from engine.jobs.board import JobBoard as JobBoard
from engine.jobs.work import JobControl as JobControl
from engine.jobs.work import JobStopped as JobStopped
from engine.jobs.work import Spec as Spec
from engine.jobs.work import Work as Work
