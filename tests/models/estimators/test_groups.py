"""Groups: separate regressions, interactions, and known differences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from panel_builders import linked_entry as entry
from ronghe.errors import RongheError
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit


def test_groups_with_everything_split_are_separate_regressions(panel):
    regions = panel.index.unique(0)
    frame = pd.DataFrame({"zone": ["a" if i % 3 == 0 else "b" for i in range(60)]}, index=regions)
    split = entry("groups", outcome="z", groups={"attribute": "zone"}, split="everything")
    result = fit(split, Data(panel, regions=frame)).coefficients.set_index("term")["estimate"]
    for zone in "ab":
        part = panel[panel.index.get_level_values(0).isin(frame.index[frame["zone"] == zone])]
        alone = fit(entry("fixed_effects", outcome="z"), Data(part)).coefficients["estimate"]
        np.testing.assert_allclose(result[[f"x[{zone}]", f"w[{zone}]"]], alone, rtol=1e-9)


def test_equality_is_rejected_where_groups_differ_and_kept_where_not(panel):
    frame = pd.DataFrame({"zone": ["a" if i % 3 == 0 else "b" for i in range(60)]}, index=panel.index.unique(0))
    data = Data(panel, regions=frame)
    differ = entry("groups", outcome="g", controls=["w", "m"], groups={"attribute": "zone"})
    same = entry("groups", controls=["w", "m"], groups={"attribute": "zone"})
    name = "equal in all groups: x"
    assert fit(differ, data).tests.set_index("test").loc[name, "pvalue"] < 1e-3
    assert fit(same, data).tests.set_index("test").loc[name, "pvalue"] > 0.05


def test_equality_of_two_groups_is_the_test_of_an_interaction(panel):
    zones = np.arange(60) % 3 == 0
    frame = pd.DataFrame({"zone": np.where(zones, "a", "b")}, index=panel.index.unique(0))
    row = fit(entry("groups", groups={"attribute": "zone"}), Data(panel, regions=frame)).tests.set_index("test")
    extra = panel.assign(xa=panel["x"] * np.repeat(zones, 6))
    plain = fit(entry("fixed_effects", treatment=["x", "xa"]), Data(extra)).coefficients.set_index("term")
    assert row.loc["equal in all groups: x", "statistic"] == pytest.approx(plain.loc["xa", "statistic"] ** 2, rel=1e-9)
    assert row.loc["equal in all groups: x", "pvalue"] == pytest.approx(plain.loc["xa", "pvalue"], rel=1e-8)


def test_periods_and_levels_make_groups(panel):
    periods = {"early": [2001, 2003], "late": [2004, 2006]}
    result = fit(entry("groups", groups={"periods": periods}), Data(panel))
    assert list(result.coefficients["term"][:2]) == ["x[early]", "x[late]"]
    assert result.fit["groups"] == {"early": 180, "late": 180}
    level = fit(entry("groups", groups={"level": {"of": "m", "parts": 3}}), Data(panel))
    assert level.fit["groups"] == {"low": 120, "middle": 120, "high": 120}
    with pytest.raises(RongheError, match="no period holds 2004"):
        fit(entry("groups", groups={"periods": {"early": [2001, 2003], "late": [2005, 2006]}}), Data(panel))


@pytest.mark.parametrize("split", ["treatment", "everything"])
def test_every_group_has_degrees_of_freedom_of_its_own(panel, split):
    frame = pd.DataFrame({"zone": ["a" if i % 6 == 0 else "b" for i in range(60)]}, index=panel.index.unique(0))
    given = entry("groups", groups={"attribute": "zone"}, split=split)
    plain = fit(given, Data(panel, regions=frame)).coefficients.set_index("term")
    table = fit(given | {"small_sample": "corrected"}, Data(panel, regions=frame)).coefficients.set_index("term")
    np.testing.assert_array_equal(table["estimate"], plain["estimate"])
    # Ten regions in one group, fifty in the other.
    assert table.loc["x[a]", "df"] < 10 < table.loc["x[b]", "df"] < 50
