"""One convention: in every table of every declared kind of fit an interval leaves zero out where p is below .05."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from panel_builders import ring_weights
from ronghe.configuration import replace_stages
from ronghe.models import declaration
from ronghe.models.estimate import Data, run
from ronghe.models.estimators import leave_one_out
from ronghe.yaml_files import load_yaml

PARTS = ("config", "measures", "weights", "explore", "specifications")
# Tables whose p-value is that of another hypothesis than the interval's, or of none.
OTHER = {"thresholds", "likelihood_ratio"}


def declared(project: Path, dataset: str) -> dict[str, dict]:
    """Return one complete specification for every combination of kind and settings of inference."""
    config = {}
    for part in PARTS:
        config |= load_yaml(project / "config" / f"{part}.yaml")
    config["dataset"] = dataset
    replace_stages(config, project / "config" / "datasets" / dataset, project / "workflow" / "schemas")
    found = {}
    for name, specification in declaration.specifications(config).items():
        keys = ("kind", "model", "method", "covariance", "cluster", "small_sample", "df", "effects", "shuffle", "split")
        base = specification.get("of", {})
        signature = [specification.get(key) for key in keys] + [base.get("kind"), "instruments" in specification]
        found.setdefault(json.dumps(signature), (name, specification))
    return dict(found.values())


def invented(specification: dict) -> Data:
    """Return a panel of 16 regions whose variables move together, for whatever a specification names."""
    rng = np.random.default_rng(5)
    named = ["Beijing", "Tianjin", "Shanghai", "Chongqing"]
    regions = [*named, *(f"r{i:02d}" for i in range(14))]
    index = pd.MultiIndex.from_product([regions, range(2013, 2021)], names=["region", "year"])
    common = rng.normal(size=len(index))
    columns = {
        name: np.exp(0.4 * common + 0.5 * rng.normal(size=len(index)))
        for name in sorted(set(declaration.variables(specification)))
    }
    W = ring_weights(len(regions))
    rename = dict(zip(W.labels, regions, strict=True))
    edges = W.to_edges().replace({"focal": rename, "neighbor": rename})
    weights = {name: type(W).from_edges(edges, labels=regions) for name in declaration.weights(specification)}
    places = pd.DataFrame(
        {"longitude": rng.uniform(75, 130, 18), "latitude": rng.uniform(20, 50, 18), "macro_region": list("abc") * 6},
        index=regions,
    )
    sectors = ["transport", "information", "finance", "leasing_business", "research_technical", "manufacturing"]
    rows = [(r, t, s, float(rng.uniform(1, 9))) for r, t in index for s in sectors]
    flags = pd.DataFrame({"region": ["r03"], "year": [2015], "variable": ["so2"], "kind": ["filled"]})
    tables = {"employment": pd.DataFrame(rows, columns=["region", "year", "sector", "value"])}
    return Data(pd.DataFrame(columns, index=index).sort_index(), places, weights, tables, flags, seed=3)


def with_few_draws(specification: dict) -> dict:
    """Return a specification with as few draws as a p-value below .05 needs."""
    few = {key: min(specification[key], 99) for key in ("repetitions", "wild_repetitions") if specification.get(key)}
    if specification["kind"] in ("placebo", "spatial_threshold", "threshold"):
        few["repetitions"] = 19
    base = {"of": with_few_draws(specification["of"])} if "of" in specification else {}
    family = {"family": [with_few_draws(m) for m in specification["family"]]} if "family" in specification else {}
    return {**specification, **few, **base, **family}


def disagreements(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows whose interval and p-value contradict one another."""
    numbers = table[["pvalue", "lower", "upper"]].apply(pd.to_numeric, errors="coerce")
    both = numbers.notna().all(axis=1)
    outside = (numbers["lower"] > 0) | (numbers["upper"] < 0)
    return table[both & (outside != (numbers["pvalue"] < 0.05))]


@pytest.fixture(autouse=True)
def few_left_out(monkeypatch):
    """Leave out four regions in turn: what is asserted here holds for each."""
    regions = leave_one_out._regions
    monkeypatch.setattr(leave_one_out, "_regions", lambda *given: (regions(*given)[0][:4], ""))


@pytest.mark.parametrize("dataset", ["china_provinces", "us_states"])
def test_intervals_and_p_values_agree_in_every_declared_kind_of_fit(project, dataset):
    specifications, seen, significant, kinds = declared(project, dataset), 0, 0, set()
    for name, specification in specifications.items():
        result = run(with_few_draws(specification), invented(specification))
        kinds.add(specification["kind"])
        tables = {"coefficients": result.coefficients, "impacts": result.impacts}
        tables |= {key: table for key, table in result.tables.items() if key not in OTHER}
        for key, table in tables.items():
            if not {"pvalue", "lower", "upper"} <= set(table.columns) or not len(table):
                continue
            wrong = disagreements(table)
            assert not len(wrong), f"{name}, {key}:\n{wrong.to_string()}"
            seen += len(table)
            significant += int((pd.to_numeric(table["pvalue"], errors="coerce") < 0.05).sum())
    # The data give both: intervals that hold zero, and intervals that do not.
    assert seen > 4 * len(specifications) and 0 < significant < seen
    assert dataset != "china_provinces" or {"spatial", "mediation", "instrumental_variables", "quantile"} <= kinds
