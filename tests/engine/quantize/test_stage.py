"""A stage moves the job's progress on by its share, and stops with it."""

import pytest

from engine.jobs import JobStopped
from engine.quantize.stage import StageControl
from tests.engine.quantize.support import Told


def test_shares_of_stages_within_stages() -> None:
    told = Told()
    stage = StageControl(told.control, 0.2, 0.6, "Making")
    inner = StageControl(stage, 0.5, 1.0, "Writing")
    inner.tell(1, 2)
    inner.tell(2, 2, "closing")
    inner.tell(7)  # of an unknown total
    assert told.shares == pytest.approx([0.2, 0.4, 0.5, 0.6, 0.4])
    assert told.details == ["Making", "Writing", "Writing", "closing", "Writing"]


def test_stopping() -> None:
    told, cuts = Told(), []
    stage = StageControl(StageControl(told.control, 0.0, 0.5), 0.0, 1.0)
    with stage.when_stopped(lambda: cuts.append("cut")):
        told.control.stop()
    assert cuts == ["cut"]
    assert stage.is_stopping
    for wait in (stage.check, lambda: stage.sleep(9)):
        with pytest.raises(JobStopped):
            wait()
