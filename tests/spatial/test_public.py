"""The public face of the engine: its example runs, and every name is where editors look for it."""

from __future__ import annotations

import ast
import doctest
import subprocess
import sys
from pathlib import Path

import pytest
import ronghe.spatial


def test_the_example_of_the_page_runs():
    assert doctest.testmod(ronghe.spatial) == (0, 13)


def test_names_agree_in_all_places():
    """`__all__`, what is imported on first use, and what type checkers read name the same things."""
    tree = ast.parse(Path(ronghe.spatial.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    read = {a.name: line.module for line in block.body for a in line.names}
    assert read == {name: f"ronghe.spatial.{home}" for name, home in ronghe.spatial._HOMES.items()}
    assert sorted(read) == ronghe.spatial.__all__
    assert set(read) <= set(dir(ronghe.spatial))
    for name, module in read.items():
        assert getattr(ronghe.spatial, name).__module__ == module
    with pytest.raises(AttributeError, match="no attribute 'Panel'"):
        _ = ronghe.spatial.Panel


def test_the_package_is_light():
    """Importing it loads none of the libraries that its modules rest on."""
    code = "import sys, ronghe.spatial; print([m for m in ('numpy', 'pandas', 'scipy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
