"""Fixtures that several test files share."""

from __future__ import annotations

import gc
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

# No test depends on a clock, nor on what an earlier run happened to draw.
settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.register_profile("many", deadline=None, derandomize=True, database=None, max_examples=2000)
# Other draws each time: what one run finds is printed so that it can be drawn again (docs/trust.md).
settings.register_profile("long", deadline=None, database=None, max_examples=20000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

# Copies of the workflow start many processes of Python: the first of them keeps what it compiled for the others. So
# do we for the next run of the tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Nothing of what is imported and collected now becomes garbage; see `pytest_collection_finish`.
gc.disable()

PROJECT = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders whose tests run Snakemake, so that no worker is left with one of them at the end."""
    slow = {item.path for item in items if item.get_closest_marker("pipeline")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Let the collector of garbage pass over what lives until the end: every imported module and collected test."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def sound_once() -> Iterator[None]:
    """Hold an entry against its schema once: hundreds of tests change one of them."""
    if find_spec("yaml") is None:  # the engine's wheel alone: nothing here reads a configuration
        yield
        return
    from ronghe import configuration, validation
    from ronghe.clean import declaration

    passed: set[bytes] = set()

    def validate(entry: object, schema: dict, where: str, path: Iterable[object] = ()) -> None:
        pair = hashlib.sha256(repr((entry, schema)).encode()).digest()
        if pair not in passed:
            validation.validate(entry, schema, where, path)
            passed.add(pair)

    with pytest.MonkeyPatch.context() as patch:
        for module in (configuration, declaration):
            patch.setattr(module, "validate", validate)
        yield


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
