"""A small panel that the tests of the spatial engine share."""

from __future__ import annotations

import pytest
from panel_builders import make_panel


@pytest.fixture
def panel():
    """Return y, X, W of a small Durbin model with unequal variances."""
    return make_panel()
