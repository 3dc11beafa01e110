"""Long work says how far it is: in a job alone, in log and on screen, with the time that is left."""

from __future__ import annotations

import re
import time

from ronghe.journal import journal
from ronghe.progress import Progress, each, following

LINE = re.compile(r"fits: (\d+) % of (\d+) draws, ([\d.,]+) a second, (\d+) s left")


def test_a_job_tells_share_speed_and_time_left(tmp_path, monkeypatch):
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    with journal(str(tmp_path / "log")):
        assert sum(each(range(10), "fits", "draws")) == 45
    told = [tuple(float(n) for n in found) for found in LINE.findall((tmp_path / "log").read_text())]
    # Two seconds each: a line when three have gone by, so after every second draw, and at the end.
    assert [(share, left) for share, _, _, left in told] == [(20, 16), (40, 12), (60, 8), (80, 4), (100, 0)]
    assert {(whole, speed) for _, whole, speed, _ in told} == {(10, 0.5)}


def test_short_work_and_work_outside_a_job_say_nothing(tmp_path, capsys):
    with journal(str(tmp_path / "log")):
        list(each(range(5), "fits", "draws"))
    assert (tmp_path / "log").read_text() == ""
    progress = Progress("fits", 3, "draws", every=0.0)
    progress.add(2)
    assert capsys.readouterr() == ("", "")


def test_what_knows_its_own_share_is_followed(tmp_path):
    shares = iter([10.0, 50.0, 100.0])
    with journal(str(tmp_path / "log")), following("microdata", lambda: next(shares, 100.0), every=0.01):
        while next_line_missing(tmp_path):
            time.sleep(0.01)
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line.partition(" %")[0] for line in lines] == ["microdata: 10", "microdata: 50"]


def next_line_missing(folder) -> bool:
    return "50 %" not in (folder / "log").read_text()
