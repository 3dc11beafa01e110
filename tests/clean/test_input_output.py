"""Input-output tables: flows in the order wanted, totals that must be met."""

from __future__ import annotations

import pytest
from ronghe.clean.input_output import read_input_output
from ronghe.errors import RongheError

TABLE = "row,Farms,Shops\nFarms,1,2\nShops,3,4\nInputs,4,6\nPay,1,1\nAdded,6,4\nAll,10,10\n"
DECLARED = {
    "unit": "yuan",
    "heading": "row",
    "files": {2020: "io.csv"},
    "rows": {"intermediate": "Inputs", "compensation": "Pay", "value_added": "Added", "total_input": "All"},
    "tolerance": 0.05,
    "sectors": {"shops": {"written": "Shops", "en": "Shops"}, "farms": {"written": "Farms", "en": "Farms"}},
}


def read(tmp_path, table=TABLE, **changes):
    (tmp_path / "io.csv").write_text(table)
    return read_input_output({**DECLARED, **changes}, tmp_path)


def test_flows_and_totals(tmp_path):
    table = read(tmp_path).set_index(["year", "from", "to"])["value"]
    assert table[2020, "farms", "shops"] == 2 and table[2020, "shops", "farms"] == 3
    assert table[2020, "value_added", "farms"] == 6 and len(table) == 12
    assert table.index.unique("from").tolist()[:2] == ["shops", "farms"]
    assert read_input_output(None, tmp_path).empty


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("Inputs,4,6", "Inputs,4,7", "io.csv: column 'shops' adds to 6 where the row 'intermediate' says 7 .gap 1"),
        ("All,10,10", "All,10,11", "column 'shops' adds to 10 where the row 'total_input' says 11"),
        ("Shops,3,4", "Shopps,3,4", "no row 'Shops'; did you mean 'Shopps'"),
        ("Farms,1,2", "Farms,,2", "io.csv: row 2: 'Farms' holds no figure"),
        ("Farms,1,2", "Farms,NA,2", "io.csv: row 2: 'Farms': 'NA' is not a number; correct the cell, or write 0 where"),
        ("Farms,1,2", 'Farms,1,"2,000"', "io.csv: row 2: 'Shops': '2,000' holds a separator"),
        ("Pay,1,1", "Farms,1,1", "no row 'Pay'"),
    ],
)
def test_bad_tables(tmp_path, before, after, words):
    with pytest.raises(RongheError, match=words):
        read(tmp_path, TABLE.replace(before, after))


def test_a_column_that_no_sector_names(tmp_path):
    table = "\n".join(f"{line},{'Mines' if i == 0 else 0}" for i, line in enumerate(TABLE.splitlines()))
    with pytest.raises(RongheError, match="columns that input_output.sectors does not name: Mines"):
        read(tmp_path, table)
