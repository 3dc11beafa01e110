"""Flags: which jumps are flagged, and that the record has a fixed order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.clean.flags import COLUMNS, Flags, flag_jumps

VALUES = pd.DataFrame(
    [[10.0, 13, 13, 6], [1, 2, 1, np.nan], [0, 5, 5, 5]], index=["a", "b", "c"], columns=[2018, 2019, 2020, 2021]
)


def test_jumps_beyond_the_bound_in_both_directions():
    flags = Flags()
    flag_jumps(flags, "x", VALUES, 0.3)
    frame = flags.frame()
    # 10 to 13 is 30 percent exactly, which is not beyond; from zero every change is infinite.
    assert frame[["region", "year"]].values.tolist() == [["a", 2021], ["b", 2019], ["b", 2020], ["c", 2019]]
    assert (frame["before"] == frame["after"]).all() and set(frame["kind"]) == {"suspicious"}
    assert frame["why"].iat[0] == "-53.8 percent on the year before (bound 30)"


def test_small_figures_are_passed_over():
    flags = Flags()
    flag_jumps(flags, "x", VALUES, 0.3, above=4)
    assert flags.frame()[["region", "year"]].values.tolist() == [["a", 2021], ["c", 2019]]


def test_order_and_kinds():
    flags = Flags()
    flags.add("filled", "y", [("b", 2020)], [np.nan], [1.0], "because")
    flags.add("break", "x", [("b", 2021), ("a", 2021)], [1.0, 2.0], [1.0, 2.0], ["one", "two"])
    flags.add("break", "x", [], [], [], "nothing")
    frame = flags.frame()
    assert list(frame) == COLUMNS
    assert frame[["variable", "region"]].values.tolist() == [["x", "a"], ["x", "b"], ["y", "b"]]
    assert Flags().frame().empty
    with pytest.raises(ValueError):
        flags.add("odd", "x", [("a", 1)], [1], [1], "")
