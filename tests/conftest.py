"""Fixtures that several test files share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def project() -> Path:
    """Return the root folder of the project."""
    return PROJECT


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
