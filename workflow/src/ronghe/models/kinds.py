"""Which kinds of specification there are, which estimator fits each, and which keys an entry of that kind may have.

Standard library only: the Snakefile reads it. The estimator of a kind is `ronghe.models.estimators.KIND`, imported by
the job alone, so that a specification depends on the code of its own kind and no other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

# Keys whose values are variables or terms made of them, and keys whose values are weights.
TERM_KEYS = (
    "outcome",
    "treatment",
    "controls",
    "instruments",
    "threshold_variable",
    "mediator",
    "moderator",
    "predetermined",
    "variables",
)
WEIGHTS_KEYS = ("weights", "error_weights", "compare_weights")

EVERYWHERE = ("kind", "about", "dataset", "sample")
REGRESSION = ("outcome", "treatment", "controls", "lag_regressors", "winsorise")
THRESHOLD = ("thresholds", "keep", "search", "convention", "trim", "repetitions")
SPATIAL = ("weights", "error_weights", "model", "method", "durbin")
GMM = ("outcome_lags", "instrument_lags", "predetermined", "collapse", "steps")
LINEAR_COVARIANCE = ("covariance", "cluster", "bandwidth", "cutoff_km")


@dataclass(frozen=True)
class Kind:
    """One kind of specification.

    `tables` are the text tables it writes beyond the usual ones, `bases` the kinds it can build on (`of`, `family`),
    `fault` returns what is impossible in an entry.
    """

    keys: tuple[str, ...]
    required: tuple[str, ...] = ("outcome", "treatment")
    covariances: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    fault: Callable[[dict], str | None] | None = None

    @property
    def allowed(self) -> tuple[str, ...]:
        """Return every key that an entry of this kind may have."""
        return (*EVERYWHERE, *self.keys)


def estimator(kind: str) -> str:
    """Return the module that estimates a kind: the file of its name."""
    return f"ronghe.models.estimators.{kind}"


def _many(value: object) -> list:
    return value if isinstance(value, list) else [] if value is None else [value]


def _too_few_instruments(entry: dict) -> str | None:
    wanted, given = len(_many(entry["treatment"])), len(_many(entry["instruments"]))
    if given < wanted:
        return f"{wanted} endogenous treatments need as many instruments or more; there are {given}"
    return None


def _one_treatment(entry: dict) -> str | None:
    if len(_many(entry["treatment"])) > 1:
        return f"the kind {entry['kind']} takes one treatment; make an entry for each"
    return None


def _spatial_fault(entry: dict) -> str | None:
    model = entry.get("model", "sdm")
    if "durbin" in entry and model in ("ols", "sar", "sem", "sarar"):
        return f"the model {model} has no W*x terms; leave durbin out, or choose slx, sdm, sdem or gns"
    if "error_weights" in entry and model not in ("sem", "sdem", "sarar", "gns"):
        return f"the model {model} has no spatial error; leave error_weights out, or choose sem, sdem, sarar or gns"
    if entry.get("method") in ("lee_yu", "bias_corrected") and entry.get("effects") == "pooled":
        return f"the method {entry['method']} is for fixed effects, and effects are pooled; choose lsdv"
    return None


def _nothing_to_shuffle(entry: dict) -> str | None:
    if entry.get("shuffle") == "weights" and "weights" not in entry["of"]:
        return f"'{entry['of']['name']}' has no weights to shuffle; choose a spatial one, or shuffle: treatment"
    return None


FITTED_ONCE = ("fixed_effects", "pooled", "random_effects", "first_differences", "instrumental_variables", "spatial")


def _dynamic_fault(entry: dict) -> str | None:
    if entry.get("model", "sdm") not in ("sar", "sdm"):
        return f"a dynamic model is sar or sdm, not {entry['model']}"
    if entry.get("method") == "bias_corrected":
        return "dynamic models are always bias-corrected; the method is lee_yu or lsdv"
    return None


def _threshold_fault(entry: dict) -> str | None:
    if entry.get("model", "sdm") not in ("sar", "sdm", "slx"):
        return f"a spatial threshold is searched in sar, sdm or slx, not {entry['model']}"
    return None


SPATIAL_COVARIANCES = ("expected", "observed", "robust", "clustered", "driscoll_kraay", "conley")
ALL_LINEAR = ("homoskedastic", "robust", "clustered", "driscoll_kraay", "conley")
ALL_EFFECTS = ("pooled", "units", "time", "twoways")

KINDS: dict[str, Kind] = {
    "fixed_effects": Kind(
        (*REGRESSION, *LINEAR_COVARIANCE, "effects", "wild_repetitions"),
        covariances=ALL_LINEAR,
        effects=ALL_EFFECTS[1:],
    ),
    "pooled": Kind((*REGRESSION, *LINEAR_COVARIANCE), covariances=ALL_LINEAR),
    "random_effects": Kind(
        (*REGRESSION, *LINEAR_COVARIANCE, "effects"),
        covariances=ALL_LINEAR,
        effects=("units", "twoways"),
    ),
    "first_differences": Kind(
        (*REGRESSION, *LINEAR_COVARIANCE, "effects"),
        covariances=ALL_LINEAR,
        effects=("units", "twoways"),
    ),
    "instrumental_variables": Kind(
        (*REGRESSION, *LINEAR_COVARIANCE, "effects", "instruments"),
        required=("outcome", "treatment", "instruments"),
        covariances=ALL_LINEAR,
        effects=ALL_EFFECTS,
        tables=("first_stage", "anderson_rubin"),
        fault=_too_few_instruments,
    ),
    "threshold": Kind(
        (*REGRESSION, *LINEAR_COVARIANCE, "effects", "threshold_variable", *THRESHOLD),
        required=("outcome", "treatment", "threshold_variable"),
        covariances=ALL_LINEAR,
        effects=("units", "twoways"),
        tables=("thresholds", "likelihood_ratio"),
    ),
    "moderation": Kind(
        (*REGRESSION, *LINEAR_COVARIANCE, "effects", "moderator", "centre", "points"),
        required=("outcome", "treatment", "moderator"),
        covariances=ALL_LINEAR,
        effects=ALL_EFFECTS,
        tables=("marginal_effects",),
        fault=_one_treatment,
    ),
    "mediation": Kind(
        (*REGRESSION, *LINEAR_COVARIANCE, "effects", "mediator", "repetitions"),
        required=("outcome", "treatment", "mediator"),
        covariances=ALL_LINEAR,
        effects=ALL_EFFECTS,
        tables=("paths",),
        fault=_one_treatment,
    ),
    "groups": Kind(
        (*REGRESSION, *LINEAR_COVARIANCE, "effects", "groups", "split"),
        required=("outcome", "treatment", "groups"),
        covariances=ALL_LINEAR,
        effects=ALL_EFFECTS,
    ),
    "spatial": Kind(
        (*REGRESSION, "effects", "covariance", "cluster", "bandwidth", "cutoff_km", *SPATIAL),
        required=("outcome", "treatment", "weights"),
        covariances=SPATIAL_COVARIANCES,
        effects=ALL_EFFECTS,
        fault=_spatial_fault,
    ),
    "family": Kind(
        ("family", "standardise", "repetitions"),
        required=("family",),
        tables=("family",),
        bases=("fixed_effects", "pooled"),
    ),
    "leave_one_out": Kind(
        ("of",),
        required=("of",),
        tables=("influence",),
        bases=FITTED_ONCE,
    ),
    "placebo": Kind(
        ("of", "shuffle", "repetitions"),
        required=("of",),
        tables=("draws",),
        bases=FITTED_ONCE,
        fault=_nothing_to_shuffle,
    ),
    "difference_gmm": Kind(
        ("outcome", "treatment", "controls", "effects", *GMM),
        effects=("units", "twoways"),
    ),
    "system_gmm": Kind(
        ("outcome", "treatment", "controls", "effects", *GMM),
        effects=("units", "twoways"),
    ),
    "unit_roots": Kind(
        ("variables", "lags", "trend", "repetitions"),
        required=("variables",),
        tables=("unit_roots",),
    ),
    "diagnostics": Kind(
        ("of",),
        required=("of",),
        tables=("collinearity", "correlations"),
        bases=("fixed_effects", "pooled"),
    ),
    "spatial_dynamic": Kind(
        (*REGRESSION, "effects", "covariance", "weights", "model", "method", "durbin"),
        required=("outcome", "treatment", "weights"),
        covariances=("expected", "robust"),
        effects=("units", "time", "twoways"),
        fault=_dynamic_fault,
    ),
    "spatial_random_effects": Kind(
        (*REGRESSION, "covariance", "weights", "model", "durbin", "errors"),
        required=("outcome", "treatment", "weights"),
        covariances=("expected", "observed"),
        fault=_spatial_fault,
    ),
    "spatial_two_stage": Kind(
        (*REGRESSION, "effects", "covariance", "cluster", "bandwidth", "weights", "model", "durbin", "instruments"),
        required=("outcome", "treatment", "weights"),
        covariances=ALL_LINEAR[:-1],
        effects=ALL_EFFECTS,
        fault=_spatial_fault,
    ),
    "identification": Kind(
        (*REGRESSION, "effects", "weights", "method", "durbin"),
        required=("outcome", "treatment", "weights"),
        effects=ALL_EFFECTS,
        tables=("identification",),
    ),
    "weights_comparison": Kind(
        (*REGRESSION, "effects", "compare_weights", "model", "method"),
        required=("outcome", "treatment", "compare_weights"),
        effects=ALL_EFFECTS,
        tables=("weights", "models"),
    ),
    "quantile": Kind(
        (*REGRESSION, "effects", "quantiles", "jackknife", "repetitions"),
        effects=ALL_EFFECTS[1:],
        tables=("quantiles",),
    ),
    "spatial_threshold": Kind(
        (
            *("outcome", "treatment", "controls", "lag_regressors", "winsorise", "effects", "weights", "model"),
            *("covariance", "cluster", "bandwidth", "cutoff_km", "threshold_variable", "trim", "points", "repetitions"),
        ),
        required=("outcome", "treatment", "weights", "threshold_variable"),
        covariances=SPATIAL_COVARIANCES,
        effects=("units", "twoways"),
        tables=("thresholds", "likelihood_ratio"),
        fault=_threshold_fault,
    ),
}
