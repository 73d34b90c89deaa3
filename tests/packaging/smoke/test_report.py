import json
from pathlib import Path

from smoke.report import Check, Report, Time


def report(*checks: Check) -> Report:
    times = [Time("start, cold", (1.5, 9.0, 2.5), 2.0), Time("start, warm", (1.0,))]
    return Report(Path("/usr/bin/hearth"), list(checks), times, ["Cold: as said."])


def test_a_time_beyond_its_target_is_no_failure():
    good = report(Check("demo", "ok"), Check("window", "skipped"))
    assert good.is_good
    assert "2.50 s  target <= 2.0 s  missed" in good.table()
    assert not report(Check("demo", "failed")).is_good


def test_the_table_lines_up():
    lines = report(Check("demo", "ok", "well")).table().splitlines()
    assert lines[1] == "  demo         ok       well"
    assert lines[3] == "  start, warm   1.00 s"
    assert lines[-1] == "  Cold: as said."


def test_the_document_holds_all_measurements():
    said = json.loads(report(Check("demo", "ok")).document())
    assert said["is_good"] is True
    assert said["times"][0] == {"name": "start, cold", "median_s": 2.5, "seconds": [1.5, 9.0, 2.5], "target_s": 2.0}
