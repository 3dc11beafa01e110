"""The certificate of a specification: the tables, and what it says of the method that the specification uses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from panel_builders import make_panel
from ronghe.models.estimate import Data
from ronghe.models.validation.certificate import certify, used_method

ENTRY = {"name": "s", "kind": "spatial", "outcome": "y", "treatment": "a", "controls": ["b"], "weights": "ring"}


@pytest.fixture(scope="module")
def data() -> Data:
    y, X, W = make_panel(n=16, periods=6)
    return Data(pd.concat([y, X], axis=1), weights={"ring": W})


def test_tables_and_verdict(data):
    tables, verdict = certify(ENTRY, data, {"repetitions": 100, "truth": {"rho": 0.2}}, seed=2, cores=1)
    assert set(tables["intervals"]["at"]) == {"estimate", "rho 0.2"}
    assert len(tables["summary"]) == 11 and set(tables["summary"].columns) >= {"method", "lowest", "holds"}
    assert verdict["used"] == "corrected" and verdict["chosen"] in verdict["methods"]
    assert list(tables["choice"]["quantity"]) == ["rho", "direct", "indirect", "total"] == list(verdict["by_quantity"])
    by_method = tables["intervals"].groupby("method")["coverage"].min()
    assert verdict["used_lowest"] == by_method["corrected"]
    sizes = tables["sizes"]
    textbook = sizes[(sizes["test"] == "LR") & (sizes["version"] == "textbook")]["size"].max()
    assert verdict["largest_sizes"]["LR, textbook"] == textbook
    shown = tables["largest_sizes"]
    assert np.all(shown.groupby(["label", "hypothesis"]).size() == 1)


def test_the_verdict_names_a_method_that_does_not_hold(data):
    entry = {**ENTRY, "covariance": "expected"}
    _, verdict = certify(entry, data, {"repetitions": 100}, seed=2, cores=1)
    assert not verdict["holds"] and verdict["verdict"].startswith("'independent errors, normal', which 's' uses, does")


def test_names_of_what_is_used():
    clustered = {"covariance": "clustered", "cluster": "units"}
    assert used_method(clustered | {"small_sample": "corrected"}) == "corrected"
    assert used_method(clustered | {"small_sample": "CR2", "df": "satterthwaite"}) == "CR2, Satterthwaite"
    assert used_method(clustered | {"small_sample": "jackknife"}) == "CR3, t(G-1)"
    assert used_method(clustered | {"small_sample": "working_pairs"}) == "CR2, working pairs"
    assert used_method({"covariance": "driscoll_kraay"}) is None
