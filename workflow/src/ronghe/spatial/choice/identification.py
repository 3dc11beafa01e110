"""The table that leads from residuals to a specification, in one call, with a verdict in words at every step.

The order is the usual one (Elhorst 2014, section 2.7 and 3.4; LeSage and Pace 2009, section 2.7): is there spatial
dependence, of which kind; are fixed effects needed, of which kind, or random ones; does the Durbin model reduce to a
smaller one. Verdicts at the level given; they say what the tests say, and the last one what follows. They rest on
bootstraps where there are any, that on fixed effects names theirs beside F: the textbook's tests take disturbances as
independent, and reject true hypotheses far too often where they are not (docs/inference.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ronghe.errors import RongheError
from ronghe.spatial.batch.shared import LARGEST
from ronghe.spatial.choice.hausman import hausman_tests
from ronghe.spatial.choice.lagrange import fit_within, lm_tests, pesaran_cd, residual_moran
from ronghe.spatial.choice.nested_tests import fixed_effects_tests, nested_tests
from ronghe.spatial.grid import WeightsLike
from ronghe.spatial.hypothesis_rows import coded_tests
from ronghe.spatial.restrictions import REDUCTIONS
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.uncertainty.dependence_tests import dependence_bootstrap
from ronghe.spatial.uncertainty.effects_tests import NAMES as NAMED
from ronghe.spatial.uncertainty.effects_tests import effects_bootstrap
from ronghe.spatial.uncertainty.joint_tests import bootstrap_tests
from ronghe.spatial.uncertainty.mundlak import means_bootstrap, mundlak_wild
from ronghe.weights.matrix import Weights

COLUMNS = ["step", "test", "statistic", "df", "pvalue", "note", "verdict", "code"]
LARGEST_HAUSMAN = 1500
NAMES = {
    "lm_lag": "LM lag",
    "lm_error": "LM error",
    "robust_lm_lag": "robust LM lag",
    "robust_lm_error": "robust LM error",
    "lm_sarma": "LM lag and error",
    "residual_moran": "Moran's I of residuals",
    "pesaran_cd": "Pesaran CD",
    "pesaran_cd_neighbors": "Pesaran CD, neighbours",
}


@dataclass(frozen=True)
class Identification:
    """The tests, what each step says, and the model and effects that follow."""

    table: pd.DataFrame
    verdicts: dict[str, str]
    model: str
    effects: str

    @property
    def verdict(self) -> str:
        """What follows, in one sentence."""
        return self.verdicts["conclusion"]


def identification_table(
    y: pd.Series,
    X: pd.DataFrame,
    W: WeightsLike,
    effects: str = "twoways",
    method: str = "lee_yu",
    durbin: Sequence[str] | None = None,
    errors: str = "baltagi",
    level: float = 0.05,
    draws: int = 999,
    seed: int = 0,
) -> Identification:
    """Return Moran, LM, robust LM, LR, Wald, fixed-effect and Hausman tests in one table with verdicts.

    `effects` are those of the models whose residuals and restrictions are tested; the tests for effects look at all
    kinds. `method` is lee_yu (weights whose rows sum to one) or lsdv. `draws` of the wild bootstraps, 0 for none; they
    are for complete panels of at most 1,500 units.

    >>> import numpy as np
    >>> from ronghe.spatial import identification_table, munnell
    >>> data, W = munnell()
    >>> found = identification_table(np.log(data["gsp"]), np.log(data[["pc", "emp"]]), W, effects="units", draws=0)
    >>> found.model in ("ols", "slx", "sar", "sem", "sdm", "sdem"), len(found.table) > 20
    (True, True)
    """
    if not 0 < level < 1:
        raise RongheError(f"identification: level must lie between 0 and 1, not {level}")
    weights = Weights.coerce(W)
    steps = {
        "dependence": _dependence(y, X, weights, effects, method),
        "fixed effects": fixed_effects_tests(y, X, weights, durbin=durbin),
    }
    with_time = effects in ("time", "twoways")
    if weights.n <= LARGEST_HAUSMAN:
        steps["fixed or random"] = hausman_tests(y, X, weights, "sdm", errors, time_effects=with_time)
    steps["restrictions"] = nested_tests(y, X, weights, effects, method, durbin)
    if draws:
        model = SpatialPanel(y, X, weights, "sdm", effects, method, durbin)
        if model.panel.observed is None and weights.n <= LARGEST:
            found = effects_bootstrap(y, X, weights, "sdm", durbin, draws, seed)
            steps["fixed effects"] = pd.concat([steps["fixed effects"], _bootstrap_effects(found, draws)])
            steps["dependence"] = pd.concat([steps["dependence"], _wild_dependence(model, draws, seed)])
            steps["restrictions"] = pd.concat([steps["restrictions"], _wild_restrictions(model, draws, seed)])
            if "fixed or random" in steps:
                steps["fixed or random"] = pd.concat([steps["fixed or random"], _wild_means(model, draws, seed)])
    p = {name: table["pvalue"] for name, table in steps.items()}
    verdicts = {"dependence": _dependence_verdict(p["dependence"], level)}
    verdicts["fixed effects"], best_effects = _fixed_effects_verdict(p["fixed effects"], level)
    if "fixed or random" in p:
        verdicts["fixed or random"] = (
            "unit effects are correlated with the regressors: fixed effects"
            if p["fixed or random"].get("wild_hausman", p["fixed or random"].min()) < level
            else "no sign that unit effects are correlated with the regressors: random effects are consistent too"
        )
    verdicts["restrictions"], model = _restriction_verdict(p["restrictions"], p["dependence"], level)
    verdicts["conclusion"] = _conclusion(model, best_effects, effects)
    parts = [table.reset_index().assign(step=name, verdict=verdicts[name]) for name, table in steps.items()]
    table = pd.concat(parts, ignore_index=True)[COLUMNS]
    last = dict.fromkeys(("step", "test", "code"), "conclusion")
    last |= {"note": f"level {level:g}", "verdict": verdicts["conclusion"]}
    table = pd.concat([table, pd.DataFrame([last], columns=COLUMNS).astype(table.dtypes)], ignore_index=True)
    return Identification(table, verdicts, model, best_effects)


def _wild_restrictions(model: SpatialPanel, draws: int, seed: int) -> pd.DataFrame:
    """Return the bootstrap of the Wald tests of CR3, null imposed; codes wild_sar, wild_sem, ..."""
    s, statistic = model.specification, "Wald, CR3"
    nested = set(s.durbin) == set(s.names) - {"const"}
    hypotheses = [to for to in REDUCTIONS if to != "sem" or nested]
    found = bootstrap_tests(model, hypotheses, (statistic,), draws, seed=seed)
    rows = {
        f"wild_{to}": {
            "test": f"wild bootstrap: sdm against {to} ({REDUCTIONS[to]})",
            **row[["statistic", "df", "pvalue"]],
            "note": f"{statistic}, {draws} draws of signs by unit",
        }
        for to, (_, row) in zip(hypotheses, found.iterrows(), strict=True)
    }
    return coded_tests(rows)


def _bootstrap_effects(found: pd.DataFrame, draws: int) -> pd.DataFrame:
    """Return the tests for effects by bootstrap; codes wild_units_given_time, wild_time_given_units."""
    how = {
        "units_given_time": f"F, {draws} draws of signs of AR(1) innovations",
        "time_given_units": f"Wald, CR3, {draws} draws of signs by unit",
    }
    rows = {
        f"wild_{code}": {"test": f"bootstrap: {NAMED[code]}", **row[["statistic", "df", "pvalue"]], "note": how[code]}
        for code, row in found.iterrows()
    }
    return coded_tests(rows)


def _wild_dependence(model: SpatialPanel, draws: int, seed: int) -> pd.DataFrame:
    """Return the LM tests studentised by unit, by wild bootstrap; codes wild_lm_lag, wild_robust_lm_lag, ..."""
    found = dependence_bootstrap(model, draws, seed=seed)
    rows = {
        f"wild_{test}": {
            "test": f"wild bootstrap: {NAMES[test]}",
            **row[["statistic", "df", "pvalue"]],
            "note": f"score studentised by unit, {draws} draws of signs by unit",
        }
        for test, row in found.iterrows()
    }
    return coded_tests(rows)


def _wild_means(model: SpatialPanel, draws: int, seed: int) -> pd.DataFrame:
    """Return Hausman's test in regression form by wild bootstrap, in the model with W y and in its reduced form.

    The means of the lags are tested too unless units are too few for them; codes wild_hausman, wild_means.
    """
    rows = {}
    for code, test in (("wild_hausman", means_bootstrap), ("wild_means", mundlak_wild)):
        try:
            found = test(model, draws, seed=seed)
        except RongheError:
            found = test(model.variant("sar"), draws, seed=seed)
        words = "Hausman in regression form" if code == "wild_hausman" else "means of the regressors (Mundlak)"
        rows[code] = {"test": f"wild bootstrap: {words}"}
        rows[code] |= {key: found[key] for key in ("statistic", "df", "pvalue", "note")}
    return coded_tests(rows)


def _dependence(y: pd.Series, X: pd.DataFrame, W: Weights, effects: str, method: str) -> pd.DataFrame:
    """Return Moran's I, Pesaran's CD and the LM tests on residuals of the model without spatial terms."""
    moran = residual_moran(y, X, W, effects).assign(df=1.0)
    tables = [
        moran[["test", "statistic", "df", "pvalue", "note"]],
        lm_tests(y, X, W, effects, method if W.is_row_standardised else "lsdv"),
        pesaran_cd(fit_within(y, X, W, effects).series(), W),
    ]
    table = pd.concat(tables, ignore_index=True).rename(columns={"test": "code"})
    return table.assign(test=table["code"].map(NAMES)).set_index("code")


def _judged(p: pd.Series) -> pd.Series:
    """Return p-values by code, those of the bootstrap in the place of the textbook's."""
    wild = p[p.index.str.startswith("wild_")]
    return pd.concat([p.drop(wild.index.str.removeprefix("wild_"), errors="ignore"), wild.rename(_plain)])


def _plain(code: str) -> str:
    return code.removeprefix("wild_")


def _dependence_verdict(p: pd.Series, level: float) -> str:
    """Return what the LM tests say, by bootstrap where there is one; else that errors are taken as independent."""
    wild = "wild_lm_lag" in p.index
    said = _dependence_words(_judged(p), level, wild)
    return said if wild else f"with independent errors: {said}"


def _dependence_words(p: pd.Series, level: float, wild: bool) -> str:
    lag, error = p["lm_lag"] < level, p["lm_error"] < level
    if not lag and not error:
        if not wild and p["residual_moran"] < level:
            return "Moran's I alone sees spatial dependence"
        return "no sign of spatial dependence in the residuals" if wild else "no spatial dependence in the residuals"
    if lag != error:
        return f"spatial dependence of the {'lag' if lag else 'error'} kind"
    robust_lag, robust_error = p["robust_lm_lag"] < level, p["robust_lm_error"] < level
    if robust_lag and robust_error:
        return "spatial dependence; robust tests see both lag and error: start from the Durbin model"
    if robust_lag != robust_error:
        return f"spatial dependence; robust tests point to the {'lag' if robust_lag else 'error'}"
    return "spatial dependence; robust tests do not tell lag from error"


def _fixed_effects_verdict(p: pd.Series, level: float) -> tuple[str, str]:
    """Return what F says, and what the bootstraps say where they see less.

    The effects that follow are those of F: to leave effects out that are there biases, to keep them costs precision.
    """
    kinds = {(True, True): "twoways", (True, False): "units", (False, True): "time", (False, False): "pooled"}
    codes = ("units_given_time", "time_given_units")
    kind = kinds[tuple(bool(p[f"f_{code}"] < level) for code in codes)]
    again = kinds[tuple(bool(p.get(f"wild_{code}", p[f"f_{code}"]) < level) for code in codes)]
    words = {
        "twoways": "both unit and time effects are present",
        "units": "unit effects are present, time effects are not",
        "time": "time effects are present, unit effects are not",
        "pooled": "neither unit nor time effects are present",
    }
    return words[kind] if again == kind else f"{words[kind]}; by bootstrap, {words[again]}", kind


def _restriction_verdict(restrictions: pd.Series, dependence: pd.Series, level: float) -> tuple[str, str]:
    """Return what the Durbin model reduces to, if anything: by bootstrap, else by likelihood ratio and Wald alike."""

    def stands(to: str) -> bool:
        wild = [f"wild_{to}"] if f"wild_{to}" in restrictions.index else [f"lr_{to}", f"wald_{to}"]
        codes = [code for code in wild if code in restrictions.index]
        return bool(codes) and bool((restrictions[codes] >= level).all())

    if stands("ols"):
        return "the Durbin model reduces to one without spatial terms", "ols"
    if stands("slx"):
        return "rho is zero: the Durbin model reduces to spatial lags of regressors (SLX)", "slx"
    lag, error = stands("sar"), stands("sem")
    if lag and error:
        robust = _judged(dependence)
        kind = "sar" if robust["robust_lm_lag"] <= robust["robust_lm_error"] else "sem"
        return f"the Durbin model reduces to SAR and to SEM; robust LM tests prefer {kind.upper()}", kind
    if lag:
        return "the lags of regressors can go: SAR", "sar"
    if error:
        return "the common-factor restriction holds: SEM", "sem"
    return "neither SAR nor SEM is enough: the Durbin model stays", "sdm"


def _conclusion(model: str, best: str, used: str) -> str:
    names = {
        "pooled": "no fixed effects",
        "units": "unit effects",
        "time": "time effects",
        "twoways": "two-way effects",
    }
    sentence = f"{model.upper()} with {names[best]}"
    if best != used:
        sentence += f" (the tests of dependence and of restrictions were run with {names[used]}: run them again)"
    return sentence
