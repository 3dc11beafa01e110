"""Bayesian model averaging over the specifications of one outcome: models, weights, treatments and controls."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from ronghe.models.multiverse import table
from ronghe.models.multiverse.declaration import Multiverse

# Specifications with the same outcome on the same rows compare by their likelihoods; others do not.
OF_OUTCOME = ["sample", "winsorise", "fixed_effects", "outcome"]
COLUMNS = [*OF_OUTCOME, "choice", "level", "prior", "probability", "mean", "deviation"]


def average(path: str, multiverse: Multiverse) -> pd.DataFrame:
    """Return posterior probabilities and averaged effects for each outcome on each sample.

    Rows: `all` (the average over everything), each treatment, model, weights, and each control's inclusion. `mean`
    and `deviation` are those of the effect given the level: posterior-weighted estimates, and the root of the mean
    variance within specifications plus the variance between them (Hoeting, Madigan, Raftery and Volinsky 1999, equation
    2). Within a specification the posterior is taken as normal around the estimate with its standard error.
    A priori models are equally probable, within a model its weights, and within these treatments and controls.
    """
    columns = [*OF_OUTCOME, "weights", "model", "treatment", "covariance", "controls", "estimate", "std_error"]
    frame = table.read(path, [*columns, "log_marginal", "refused"])
    first = str(multiverse.levels("covariance")[0])
    frame = frame[(frame["refused"] == "") & (frame["covariance"] == first)]
    parts = [_average(part, multiverse) for _, part in frame.groupby(OF_OUTCOME, observed=True)]
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def _average(part: pd.DataFrame, multiverse: Multiverse) -> pd.DataFrame:
    models, weights = (part[choice].cat.codes.to_numpy() for choice in ("model", "weights"))
    prior = np.zeros(len(part))
    used = np.unique(models)
    for model in used:
        inside = models == model
        for name in (names := np.unique(weights[inside])):
            here = inside & (weights == name)
            prior[here] = 1 / (len(used) * len(names) * here.sum())
    height = part["log_marginal"].to_numpy() + np.log(prior)
    posterior = np.exp(height - logsumexp(height))
    value, error = part["estimate"].to_numpy(), part["std_error"].to_numpy()

    def row(choice: str, level: str, inside: np.ndarray) -> dict:
        p = posterior[inside]
        share = p.sum()
        mean = deviation = np.nan
        if share > 0:
            mean = float(p @ value[inside]) / share
            deviation = np.sqrt(float(p @ (error[inside] ** 2 + (value[inside] - mean) ** 2)) / share)
        return {"choice": choice, "level": level, "prior": prior[inside].sum(), "probability": share,
                "mean": mean, "deviation": deviation}  # fmt: skip

    rows = [row("all", "all", np.ones(len(part), bool))]
    for choice in ("treatment", "model", "weights"):
        levels = map(str, multiverse.levels(choice))
        rows += [row(choice, level, (part[choice] == level).to_numpy()) for level in levels]
    bits = part["controls"].to_numpy()
    rows += [row("control", name, (bits >> k & 1).astype(bool)) for k, name in enumerate(multiverse.choose)]
    result = pd.DataFrame(rows)
    for key in OF_OUTCOME:
        result[key] = str(part[key].iloc[0])
    return result
