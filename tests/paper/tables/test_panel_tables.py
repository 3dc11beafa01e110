"""Tables of the panel: summary statistics and correlations by hand, and by an identity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from paper.builders import LABELS
from ronghe.paper.labels import Labels
from ronghe.paper.render_table import build_table
from ronghe.paper.variable_statistics import summarise


def test_summary_statistics_by_hand(panel: Path) -> None:
    entry = {"kind": "summary", "caption": "Summary", "variables": ["quality"]}
    table = build_table("summary", entry, Labels(LABELS), panel=[str(panel)])
    # Means of regions are 1.5 and 4.5; deviations are -0.5, 0.5, -1.5, 1.5.
    assert table.rows == [
        ("", "Manufacturing quality", ["3.000", "2.160", "2.121", "1.291", "1.000", "2.500", "6.000", "4"])
    ]
    assert "2 regions × 2 years (2013–2014) = 4 observations" in table.notes


def test_spread_between_and_within_by_identity() -> None:
    draw = np.random.default_rng(1).normal(size=60)
    index = pd.MultiIndex.from_product([range(10), range(6)], names=["region", "year"])
    found = summarise(pd.Series(draw, index=index))
    total = found["sd"] ** 2 * 59
    assert total == pytest.approx(found["sd_within"] ** 2 * 59 + 6 * found["sd_between"] ** 2 * 9, rel=1e-12)


def test_correlations_fill_the_lower_triangle(panel: Path) -> None:
    entry = {"kind": "correlations", "caption": "Correlations", "variables": ["quality", "gdp_per_head"]}
    table = build_table("correlations", entry, Labels(LABELS), panel=[str(panel)])
    assert table.rows[0][2] == ["1.00", ""]
    expected = np.corrcoef([1, 2, 3, 6], [1, 3, 2, 5])[0, 1]
    assert table.rows[1][2] == [f"{expected:.2f}", "1.00"]
