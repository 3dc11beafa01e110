"""The simulated panel that the estimators of links between variables share."""

from __future__ import annotations

import pandas as pd
import pytest
from panel_builders import linked_panel


@pytest.fixture(scope="session")
def panel() -> pd.DataFrame:
    return linked_panel()
