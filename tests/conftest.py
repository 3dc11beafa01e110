"""Fixtures that several test files share."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

# No test depends on a clock, nor on what an earlier run happened to draw.
settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.register_profile("many", deadline=None, derandomize=True, database=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def project() -> Path:
    """Return the root folder of the project."""
    return PROJECT


@pytest.fixture(scope="session")
def recorded() -> Path:
    """Return the folder of figures that other programs print for data which installed packages carry."""
    return PROJECT / "tests/figures"


@pytest.fixture(scope="session")
def reference() -> Path:
    """Return the folder of reference figures, or skip with one line that says how to have it."""
    folder = os.environ.get("RONGHE_REFERENCE")
    if not folder:
        pytest.skip("RONGHE_REFERENCE is not set: no folder of reference figures to compare with")
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"RONGHE_REFERENCE names {folder}, which is not a folder")
    return path


@pytest.fixture(scope="session")
def munnell():
    """Return Munnell's panel as (y, X, W): 48 US states, 1970-1986, and who borders whom, rows summing to one."""
    from ronghe.spatial import munnell as source

    data, W = source()
    X = pd.DataFrame({name: np.log(data[name]) for name in ("pcap", "pc", "emp")}).assign(unemp=data["unemp"])
    return np.log(data["gsp"]), X, W
