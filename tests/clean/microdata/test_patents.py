"""Patents to counts and to co-classification: worked by hand, and carried on to technology convergence."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("duckdb")

from ronghe.clean.microdata.database import Limits
from ronghe.clean.microdata.patents import aggregate_patents
from ronghe.clean.regions import Names
from ronghe.errors import RongheError
from ronghe.measures.formulas.technology_convergence import technology_convergence

ENTRY = {
    "kind": "patents",
    "columns": {"patent": "no", "region": "area", "sector": "trade", "year": "year", "class": "ipc"},
    "sectors": {"manufacturing": ["C"], "services": ["I"]},
    "technologies": {"machines": ["B23*"], "software": ["G06*"]},
    "digits": 4,
}
ROWS = """no,area,trade,year,ipc
1,North,C,2019,B23Q1
1,North,C,2019,B23Q7
1,North,C,2019,G06F3
2,North,I,2019,G06F3
3,North,I,2019,G06N5
4,North,C,2020,A01B1
"""


def run(folder: Path, text: str, entry: dict = ENTRY) -> dict[str, pd.DataFrame]:
    path = folder / "patents.csv"
    path.write_text(text, encoding="utf-8")
    return aggregate_patents(path, entry, Names(["North", "South"], {}), Limits(folder / "scratch", 300), "microdata.p")


def test_counts_by_hand(tmp_path):
    tables = run(tmp_path, ROWS)
    counts = tables["counts"].set_index(["region", "year", "class"])
    assert counts.loc[("North", 2019)].T.to_dict("list") == {
        "A01B": [0, 0],
        "B23Q": [1, 0],
        "G06F": [1, 1],
        "G06N": [0, 1],
    }
    assert counts.loc["South"].to_numpy().sum() == 0
    joined = tables["coclassification"].set_index(["region", "year"])
    one = joined.loc[("North", 2019)]
    assert (one["patents_first"], one["patents_second"], one["both"], one["share"]) == (1, 3, 1, 1 / 3)
    assert tables["records"].set_index("record")["rows"].to_dict() == {
        "read": 6,
        "used": 6,
        "ignored_region": 0,
        "other_technology": 1,
    }


def test_counts_feed_technology_convergence(tmp_path):
    counts = run(tmp_path, ROWS)["counts"].set_index(["region", "year", "class"])
    measures = technology_convergence(counts, "manufacturing", "services", undefined="missing")
    # p = (1/2, 1/2, 0) and q = (0, 1/2, 1/2) over B23Q, G06F, G06N: proximity 1/2, convergence 1/2.
    assert measures.at[("North", 2019), "proximity"] == pytest.approx(0.5)
    assert measures.at[("North", 2019), "convergence"] == pytest.approx(0.5)


def test_faults(tmp_path):
    with pytest.raises(RongheError, match=r"row 8: a patent that stands twice in a class|row 2: a patent that stands"):
        run(tmp_path, ROWS + "1,North,C,2019,B23Q1\n")
    tables = run(
        tmp_path, ROWS + "1,North,C,2019,B23Q1\n", {**ENTRY, "rules": {"duplicate_patent_class": "count_once"}}
    )
    assert (
        tables["counts"].set_index("class").query("year == 2019 and region == 'North'").at["B23Q", "manufacturing"] == 1
    )
    assert tables["records"].set_index("record").at["duplicate_patent_class", "rows"] == 2
    with pytest.raises(RongheError, match="row 8: no technology class"):
        run(tmp_path, ROWS + "9,North,C,2019,\n")
    with pytest.raises(RongheError, match="row 8: a sector outside the classification"):
        run(tmp_path, ROWS + "9,North,X,2019,B23Q1\n")
