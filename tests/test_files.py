"""Files: whole or not at all, and every damage named."""

from __future__ import annotations

import pytest
from ronghe.errors import RongheError
from ronghe.files import read_json, replacing, write_text
from ronghe.paper.formats.escape import spreadsheet, tex
from ronghe.paper.results import Fit


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


@pytest.mark.parametrize("cell", ['=HYPERLINK("http://x")', "@SUM(1)", "+cmd|' /C'!A0", "-1+1", "\t=1"])
def test_a_formula_becomes_text(cell):
    assert spreadsheet(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["-0.034***", "+1.5", "-1,234.5", "-", "(0.03)", "-2e-5", "North", "", "−0.3"])
def test_a_number_stays_one(cell):
    assert spreadsheet(cell) == cell


def test_a_caption_compiles_with_a_blank_line_and_signs():
    assert tex("a\n\nb ≈ c") == r"a b $\approx$ c"
