"""Stored results that several tests of the paper read."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from paper.builders import write_fit


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    write_fit(
        folder, "fe", {"coagglomeration": (0.0234, 0.0101), "gdp_per_head": (-1.5, 0.25)},
        model="ols", kind="fixed_effects", method="within", weights=None, cov_type="clustered", cluster=["units"],
    )  # fmt: skip
    write_fit(
        folder, "sdm",
        {"coagglomeration": (0.0312, 0.0101), "gdp_per_head": (-1.45, 0.24), "W*coagglomeration": (0.102, 0.08),
         "rho": (0.412, 0.043), "sigma2": (0.001, 0.0001)},
        {"coagglomeration": {"direct": (0.035, 0.01), "indirect": (0.19, 0.1), "total": (0.225, 0.11)}},
    )  # fmt: skip
    return folder


@pytest.fixture
def panel(tmp_path: Path) -> Path:
    index = pd.MultiIndex.from_product([["A", "B"], [2013, 2014]], names=["region", "year"])
    frame = pd.DataFrame({"quality": [1.0, 2.0, 3.0, 6.0], "gdp_per_head": [1.0, 3.0, 2.0, 5.0]}, index=index)
    path = tmp_path / "panel.parquet"
    frame.reset_index().to_parquet(path)
    return path
