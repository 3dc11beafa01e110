"""Refits a random sample of a multiverse by the ordinary engine and says how far the two lie apart."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.errors import RongheError
from ronghe.models.estimate import Data
from ronghe.models.multiverse import table
from ronghe.models.multiverse.declaration import NO_WEIGHTS, OF_SETTING, Multiverse, Setting
from ronghe.models.multiverse.settings import Settings
from ronghe.models.multiverse.summary import require_estimates
from ronghe.spatial.batch.subset_fits import IMPACTS
from ronghe.spatial.spatial_panel import SpatialPanel

COLUMNS = ["specification", "quantity", "batched", "refitted", "difference"]
COVARIANCES = {
    "expected": {"cov_type": "expected"},
    "CR1": {"cov_type": "clustered", "cluster": "units", "small_sample": "CR1"},
    "CR2": {"cov_type": "clustered", "cluster": "units", "small_sample": "CR2"},
}


def check_agreement(multiverse: Multiverse, samples: dict[str, dict], data: Data, path: str) -> pd.DataFrame:
    """Return each refitted quantity beside the batched one; refuse a difference beyond the declared tolerance.

    The difference is relative to the larger of the refitted value and its standard error, for errors relative to
    themselves, and for log-likelihoods in units of log-likelihood.
    """
    entry = multiverse.entry["agreement"]
    rows = _drawn(table.read(path), entry["refits"], multiverse.seed)
    source = Settings(multiverse, samples, data)
    found = pd.concat([_compare(source, row) for _, row in rows.iterrows()], ignore_index=True)
    worst = found.loc[found["difference"].idxmax()]
    if worst["difference"] > entry["tolerance"]:
        raise RongheError(
            f"multiverse: specification {worst['specification']}: {worst['quantity']} is {worst['batched']!r} in the "
            f"batch and {worst['refitted']!r} when refitted; the difference {worst['difference']:.2g} is beyond "
            f"agreement.tolerance {entry['tolerance']:.2g}. Its regressors may be close to collinear: see its controls"
        )
    return found


def _drawn(frame: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    estimated = np.flatnonzero(frame["refused"].to_numpy() == "")
    require_estimates(frame)
    drawn = np.random.default_rng(seed).choice(len(estimated), min(count, len(estimated)), replace=False)
    return frame.iloc[np.sort(estimated[drawn])]


def model_of(source: Settings, row: pd.Series) -> SpatialPanel:
    """Return one specification of the table as a model of the ordinary engine."""
    multiverse = source.multiverse
    # Levels stand in the table as text.
    setting = Setting(*({str(v): v for v in multiverse.levels(name)}[row[name]] for name in OF_SETTING))
    rows = source.rows(setting)
    places = source.columns(row["treatment"], np.array([row["controls"]]))[0]
    outcome = multiverse.levels("outcome").index(row["outcome"])
    y = pd.Series(rows.y[outcome].reshape(-1), rows.index, name="outcome")
    names = [source.names[k] for k in places]
    X = pd.DataFrame(rows.X.reshape(len(y), -1)[:, places], rows.index, names)
    W = None if row["weights"] == NO_WEIGHTS else rows.weights
    options = {"effects": row["fixed_effects"], "method": multiverse.entry["method"]}
    name = f"specification {row['specification']}"
    return SpatialPanel(y, X, W, model=row["model"], name=name, **options)


def _compare(source: Settings, row: pd.Series) -> pd.DataFrame:
    result = model_of(source, row).fit(**COVARIANCES[row["covariance"]])
    impacts = result.impacts().loc[row["treatment"]]
    found = []
    for name in IMPACTS:
        value, error = impacts.loc[name, ["estimate", "std_error"]]
        found.append([name, row[name], value, max(abs(value), error)])
        found.append([f"{name}_error", row[f"{name}_error"], error, error])
    found.append(["loglik", row["loglik"], result.loglik, 1.0])
    if not np.isnan(row["spatial"]):
        name = "lambda" if "lambda" in result.params.index else "rho"
        found.append([name, row["spatial"], result.params[name], 1.0])
    frame = pd.DataFrame(found, columns=["quantity", "batched", "refitted", "scale"])
    frame["difference"] = (frame["batched"] - frame["refitted"]).abs() / frame["scale"].where(frame["scale"] > 0, 1.0)
    frame.insert(0, "specification", row["specification"])
    return frame[COLUMNS]
