"""Stated growth rates recomputed from their end points, by hand and from the shipped table."""

from __future__ import annotations

import pytest
from ronghe.clean.declaration import load_dataset
from ronghe.clean.facts import recompute_facts
from ronghe.errors import RongheError

TABLE = """indicator,unit,year,value,source
size,yuan,2010,100,s
size,yuan,2012,121,s
change,yuan,2012,21,s
share,percent,2010,50,s
share,percent,2012,55,s
part,yuan,2012,30.25,s
stated,percent,2012,10,s
stated_total,percent,2012,21,s
stated_whole,percent,2012,4.9,s
stated_share,percent,2012,25,s
stated_sum,yuan,2012,151.25,s
wrong,percent,2012,12,s
"""


def recompute(tmp_path, table=TABLE, **statement):
    (tmp_path / "facts.csv").write_text(table)
    declared = {"file": "facts.csv", "statements": {"x": {"tolerance": 0.05, **statement}}}
    return recompute_facts(declared, tmp_path).iloc[0]


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ({"stated": ["stated", 2012], "annual_growth": [["size", 2010], ["size", 2012]]}, 10.0),
        ({"stated": ["stated_total", 2012], "growth": [["size", 2010], ["size", 2012]]}, 21.0),
        ({"stated": ["stated_total", 2012], "change_rate": [["change", 2012], ["size", 2012]]}, 21.0),
        ({"stated": ["stated_share", 2012], "quotient": [["part", 2012], ["size", 2012]]}, 25.0),
        ({"stated": ["stated_sum", 2012], "sum": [["part", 2012], ["size", 2012]]}, 151.25),
        # 100/0.50 = 200 and 121/0.55 = 220 two years later: 4.88 percent a year.
        (
            {
                "stated": ["stated_whole", 2012],
                "implied_growth": [["size", 2010], ["share", 2010], ["size", 2012], ["share", 2012]],
            },
            100 * (1.1**0.5 - 1),
        ),
    ],
)
def test_each_way_of_recomputing(tmp_path, statement, value):
    row = recompute(tmp_path, **statement)
    assert row["recomputed"] == pytest.approx(value, rel=1e-12)
    assert row["agreement"] == "yes"


def test_disagreement_is_said(tmp_path):
    row = recompute(tmp_path, stated=["wrong", 2012], annual_growth=[["size", 2010], ["size", 2012]])
    assert row["agreement"] == "no" and row["difference"] == pytest.approx(-2.0)


def test_missing_and_doubled_rows(tmp_path):
    with pytest.raises(RongheError, match=r"statements.x: .*facts.csv has no size in 2011 \(years there: 2010, 2012"):
        recompute(tmp_path, stated=["stated", 2012], growth=[["size", 2011], ["size", 2012]])
    with pytest.raises(RongheError, match="has no sise in 2010 .*did you mean 'size'"):
        recompute(tmp_path, stated=["stated", 2012], growth=[["sise", 2010], ["size", 2012]])
    with pytest.raises(RongheError, match="facts.csv: row 14: size 2010 stands twice"):
        recompute(tmp_path, TABLE + "size,yuan,2010,101,s\n", stated=["stated", 2012], sum=[["size", 2010]])


def test_shipped_statements_agree_with_their_end_points(project):
    dataset = load_dataset(
        "china_provinces", project / "config/datasets", project / "workflow/schemas/dataset.schema.yaml"
    )
    table = recompute_facts(dataset["facts"], project).set_index("fact")
    assert (table["agreement"] == "yes").all()
    assert table.at["modern_services_growth", "stated"] == 9.87
    assert table.at["modern_services_growth", "recomputed"] == pytest.approx(9.865, abs=0.001)
    assert table.at["advanced_manufacturing_growth", "recomputed"] == pytest.approx(4.922, abs=0.001)
    assert table.at["gdp_growth", "recomputed"] == pytest.approx(8.038, abs=0.001)
    assert table.at["strategic_emerging_services_growth", "recomputed"] == pytest.approx(51.81, abs=0.01)
    assert table.at["servitization_demonstrations", "recomputed"] == 754
