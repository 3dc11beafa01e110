"""Files: whole or not at all, and every damage named."""

from __future__ import annotations

import errno
import os
from types import SimpleNamespace

import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.files import read_json, read_text, replacing, require_room, seal_of, sealing, write_text
from ronghe.frames import read_csv, read_panel, read_parquet, write_csv, write_panel
from ronghe.journal import journal
from ronghe.paper.formats.escape import spreadsheet, tex
from ronghe.paper.results import Fit
from ronghe.weights.matrix import Weights


def test_what_breaks_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "a" / "t.csv"
    write_text(path, "old\n")
    with pytest.raises(KeyboardInterrupt), replacing(path) as part:
        part.write_text("ne")
        raise KeyboardInterrupt
    assert path.read_text() == "old\n" and [p.name for p in path.parent.iterdir()] == ["t.csv"]


def test_a_full_disk_is_one_message(tmp_path):
    with pytest.raises(RongheError, match="t.csv: cannot be written .No space left"), replacing(tmp_path / "t.csv"):
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe{", b""])
def test_damaged_json(tmp_path, content):
    (tmp_path / "fit.json").write_bytes(content)
    with pytest.raises(RongheError, match="fit.json"):
        read_json(tmp_path / "fit.json")


def test_a_result_cut_short_is_refused(tmp_path):
    from ronghe.files import sha256

    (tmp_path / "m").mkdir()
    path = tmp_path / "m/coefficients.csv"
    path.write_text("term,estimate\nx,1\ny,2\n")
    write_text(tmp_path / "m/fit.json", f'{{"written": {{"coefficients.csv": "{sha256(path)}"}}}}')
    assert list(Fit.read("m", tmp_path).coefficients.index) == ["x", "y"]
    path.write_text("term,estimate\nx,1\n")
    with pytest.raises(RongheError, match="coefficients.csv: not the file that was written with .*snakemake --force"):
        _ = Fit.read("m", tmp_path).coefficients


KEYED = pd.DataFrame(
    {"a": [1.0, 2.0, 3.0, 4.0]}, pd.MultiIndex.from_product([["N", "S"], [2020, 2021]], names=["region", "year"])
)
EDGES = pd.DataFrame({"focal": ["N", "S"], "neighbor": ["S", "N"], "weight": [1.0, 1.0]})
STORED = {
    "m/panel.csv": (lambda path: write_panel(KEYED, path), read_panel),
    "panel.parquet": (lambda path: write_panel(KEYED, path), read_panel),
    "points.parquet": (lambda path: write_panel(KEYED, path), read_parquet),
    "moran.csv": (lambda path: write_csv(KEYED, path), read_csv),
    "edges.csv": (lambda path: write_csv(EDGES, path), Weights.read),
    "fit.json": (lambda path: write_text(path, '{"nobs": 240}\n'), read_json),
    "table.typ": (lambda path: write_text(path, "#table()\n"), read_text),
}


@pytest.mark.parametrize("name", STORED)
def test_what_a_job_wrote_is_read_as_it_wrote_it_or_not_at_all(tmp_path, name):
    """Cut short, edited or replaced under its old time stamp, every kind of stored result is refused by name."""
    path, (write, read) = tmp_path / name, STORED[name]
    with journal(str(tmp_path / "log")):
        write(path)
    read(path)
    whole, times = path.read_bytes(), path.stat()
    # Half a file, a last line less, another digit: the last two are proper files.
    shorter = b"\n".join(whole.split(b"\n")[:-2]) + b"\n"
    for damage in (whole[: len(whole) // 2], shorter, whole[:-3] + b"7" + whole[-2:]):
        path.write_bytes(damage)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        with pytest.raises(RongheError, match=f"{path.name}: not the file .*snakemake --forcerun .*{path.name}"):
            read(path)
    path.write_bytes(whole)
    read(path)
    with journal(str(tmp_path / "log")):
        write(path)
    assert seal_of(path).is_file() and not [p for p in seal_of(path).parent.iterdir() if p.name.startswith(".")]


def test_only_jobs_seal_and_a_users_own_file_is_taken_as_it_is(tmp_path):
    write_csv(KEYED, tmp_path / "own.csv")
    assert not seal_of(tmp_path / "own.csv").exists()
    (tmp_path / "own.csv").write_text("a\n1\n")
    assert list(read_csv(tmp_path / "own.csv")["a"]) == [1]


@pytest.mark.parametrize("cell", ['=HYPERLINK("http://x")', "@SUM(1)", "+cmd|' /C'!A0", "-1+1", "\t=1"])
def test_a_formula_becomes_text(cell):
    assert spreadsheet(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["-0.034***", "+1.5", "-1,234.5", "-", "(0.03)", "-2e-5", "North", "", "−0.3"])
def test_a_number_stays_one(cell):
    assert spreadsheet(cell) == cell


def test_a_caption_compiles_with_a_blank_line_and_signs():
    assert tex("a\n\nb ≈ c") == r"a b $\approx$ c"


def test_a_disk_without_room_for_a_lock_is_told_before_anything_runs(tmp_path, monkeypatch):
    require_room(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=4096))
    with pytest.raises(RongheError, match="4096 bytes are free, not enough to begin; make room, and run again"):
        require_room(tmp_path)


def test_a_file_whose_hash_finds_no_room_is_not_there(tmp_path, monkeypatch):
    path, full = tmp_path / "a.csv", OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr("ronghe.files._seal", lambda *_: (_ for _ in ()).throw(full))
    with sealing(), pytest.raises(RongheError, match="a.csv: cannot be written .No space left"):
        write_text(path, "figures")
    assert list(tmp_path.iterdir()) == []


def test_what_no_job_writes_has_no_hash_of_a_job(tmp_path):
    path = tmp_path / "a.csv"
    with sealing():
        write_text(path, "of a job")
    write_text(path, "of a user")
    assert read_text(path) == "of a user" and not seal_of(path).exists()
