"""A project of its own, with the ten awkward tables beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command.awkward import write_awkward
from ronghe.messages import VARIABLE


@pytest.fixture
def workshop(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the configuration, as the current folder, with the awkward tables in `tables`."""
    root = tmp_path / "project"
    for part in ("config", "workflow/schemas"):
        shutil.copytree(project / part, root / part)
    write_awkward(tmp_path / "tables")
    monkeypatch.chdir(root)
    # The command sets it for its jobs; here it must not reach other tests.
    monkeypatch.setenv(VARIABLE, "en")
    return root
