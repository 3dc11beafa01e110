"""Which kinds of specification there are, which estimator fits each, and which keys an entry of that kind may have.

Standard library only: the Snakefile reads it. The estimator of a kind is `ronghe.models.estimators.KIND`, imported by
the job alone, so that a specification depends on the code of its own kind and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

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
# Covariances for few clusters, and the degrees of freedom of t.
FEW_CLUSTERS = ("small_sample", "df")
LINEAR_COVARIANCE = ("covariance", "cluster", "bandwidth", "cutoff_km")


@dataclass(frozen=True)
class Kind:
    """One kind of specification.

    `about` says in a line what it does, `defaults` what holds where neither the configuration nor the entry says
    otherwise: the only place that does so, and what stands there but not among `keys` cannot be changed. `tables` are
    the text tables it writes beyond the usual ones, `bases` the kinds it can build on (`of`, `family`), `fault` returns
    what is impossible in a complete entry.
    """

    about: str
    keys: tuple[str, ...]
    required: tuple[str, ...] = ("outcome", "treatment")
    covariances: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    fault: Callable[[dict], str | None] | None = None
    defaults: Mapping[str, object] = field(default_factory=dict)

    @property
    def allowed(self) -> tuple[str, ...]:
        """Return every key that an entry of this kind may have."""
        return (*EVERYWHERE, *self.keys)


def estimator(kind: str) -> str:
    """Return the module that estimates a kind: the file of its name."""
    return f"ronghe.models.estimators.{kind}"


def as_list(value: object) -> list:
    """Return a value of the configuration that may stand alone or in a list, as a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _too_few_instruments(entry: dict) -> str | None:
    wanted, given = len(as_list(entry["treatment"])), len(as_list(entry["instruments"]))
    if given < wanted:
        return f"{wanted} endogenous treatments need as many instruments or more; there are {given}"
    return None


def _one_treatment(entry: dict) -> str | None:
    if len(as_list(entry["treatment"])) > 1:
        return f"the kind {entry['kind']} takes one treatment; make an entry for each"
    return None


def _spatial_fault(entry: dict) -> str | None:
    model = entry["model"]
    if "durbin" in entry and model in ("ols", "sar", "sem", "sarar"):
        return f"the model {model} has no W*x terms; leave durbin out, or choose slx, sdm, sdem or gns"
    if "error_weights" in entry and model not in ("sem", "sdem", "sarar", "gns"):
        return f"the model {model} has no spatial error; leave error_weights out, or choose sem, sdem, sarar or gns"
    if entry.get("method") in ("lee_yu", "bias_corrected") and entry.get("effects") == "pooled":
        return f"the method {entry['method']} is for fixed effects, and effects are pooled; choose lsdv"
    return None


def _nothing_to_shuffle(entry: dict) -> str | None:
    if entry.get("repetitions") == 0:
        return "a placebo needs draws to compare with; make repetitions 1 or more"
    if entry.get("shuffle") == "weights" and "weights" not in entry["of"]:
        return f"'{entry['of']['name']}' has no weights to shuffle; choose a spatial one, or shuffle: treatment"
    return None


FITTED_ONCE = ("fixed_effects", "pooled", "random_effects", "first_differences", "instrumental_variables", "spatial")


def _dynamic_fault(entry: dict) -> str | None:
    if entry["model"] not in ("sar", "sdm"):
        return f"a dynamic model is sar or sdm, not {entry['model']}"
    if entry.get("method") == "bias_corrected":
        return "dynamic models are always bias-corrected; the method is lee_yu or lsdv"
    return None


def _threshold_fault(entry: dict) -> str | None:
    if entry["model"] not in ("sar", "sdm", "slx"):
        return f"a spatial threshold is searched in sar, sdm or slx, not {entry['model']}"
    return None


def _random_fault(entry: dict) -> str | None:
    clustered = entry.get("covariance") == "clustered"
    if clustered and as_list(entry.get("cluster", "units")) != ["units"]:
        return "errors of a random-effects model are clustered by units alone; set cluster: units"
    if clustered and entry["model"] in ("sem", "sdem", "sarar", "gns") and entry.get("errors") != "kkp":
        return "clustered errors of a model with a spatial error ask for errors: kkp; or choose covariance: expected"
    return _spatial_fault(entry)


# What holds its level in the certificate of the default panel (docs/inference.md).
MEASURED = {"covariance": "clustered", "cluster": "units", "small_sample": "corrected"}
SPATIAL_COVARIANCES = ("expected", "observed", "robust", "clustered", "driscoll_kraay", "conley")
ALL_LINEAR = ("homoskedastic", "robust", "clustered", "driscoll_kraay", "conley")
ALL_EFFECTS = ("pooled", "units", "time", "twoways")
WITHIN = {"effects": "twoways", "covariance": "clustered", "cluster": "units"}
MOMENTS = {"effects": "twoways", "outcome_lags": 1, "instrument_lags": [2], "collapse": False, "steps": 2}

KINDS: dict[str, Kind] = {
    "fixed_effects": Kind(
        "Within estimator with unit, time or two-way fixed effects.",
        (*REGRESSION, *LINEAR_COVARIANCE, *FEW_CLUSTERS, "effects", "wild_repetitions"),
        covariances=ALL_LINEAR,
        effects=ALL_EFFECTS[1:],
        defaults={**WITHIN, "wild_repetitions": 0},
    ),
    "pooled": Kind(
        "Least squares with one constant.",
        (*REGRESSION, *LINEAR_COVARIANCE, *FEW_CLUSTERS),
        covariances=ALL_LINEAR,
        defaults={**WITHIN, "effects": "pooled"},
    ),
    "random_effects": Kind(
        "Feasible least squares with random unit effects, and the regression form of the Hausman test.",
        (*REGRESSION, *LINEAR_COVARIANCE, "effects"),
        covariances=ALL_LINEAR,
        effects=("units", "twoways"),
        defaults={**WITHIN, "effects": "units"},
    ),
    "first_differences": Kind(
        "Least squares on changes from one period to the next.",
        (*REGRESSION, *LINEAR_COVARIANCE, *FEW_CLUSTERS, "effects"),
        covariances=ALL_LINEAR,
        effects=("units", "twoways"),
        defaults=WITHIN,
    ),
    "instrumental_variables": Kind(
        "Two-stage least squares, with tests of the instruments that stay valid when these are weak.",
        (*REGRESSION, *LINEAR_COVARIANCE, *FEW_CLUSTERS, "effects", "instruments", "wild_repetitions"),
        required=("outcome", "treatment", "instruments"),
        covariances=ALL_LINEAR,
        effects=ALL_EFFECTS,
        tables=("first_stage", "anderson_rubin", "shocks", "exposure_errors", "balance"),
        fault=_too_few_instruments,
        defaults={**WITHIN, "wild_repetitions": 1999},
    ),
    "threshold": Kind(
        "Panel thresholds: how many, where, how surely, and the slopes on either side.",
        (*REGRESSION, *LINEAR_COVARIANCE, *FEW_CLUSTERS, "effects", "threshold_variable", *THRESHOLD),
        required=("outcome", "treatment", "threshold_variable"),
        covariances=ALL_LINEAR,
        effects=("units", "twoways"),
        tables=("thresholds", "likelihood_ratio", "without_each"),
        defaults={
            **WITHIN,
            **{"thresholds": 3, "keep": "significant", "search": "all_values", "convention": "within"},
            **{"trim": 0.05, "repetitions": 4999},
        },
    ),
    "moderation": Kind(
        "An interaction with a moderator, and the slope at each of its levels.",
        (*REGRESSION, *LINEAR_COVARIANCE, *FEW_CLUSTERS, "effects", "moderator", "centre", "points"),
        required=("outcome", "treatment", "moderator"),
        covariances=ALL_LINEAR,
        effects=ALL_EFFECTS,
        tables=("marginal_effects",),
        fault=_one_treatment,
        defaults={**WITHIN, "centre": True, "points": 41},
    ),
    "mediation": Kind(
        "The path from treatment to outcome through a mediator.",
        (*REGRESSION, *LINEAR_COVARIANCE, "effects", "mediator", "repetitions"),
        required=("outcome", "treatment", "mediator"),
        covariances=ALL_LINEAR,
        effects=ALL_EFFECTS,
        tables=("paths",),
        fault=_one_treatment,
        defaults={**WITHIN, "repetitions": 1999},
    ),
    "groups": Kind(
        "Slopes that differ between groups of regions or periods.",
        (*REGRESSION, *LINEAR_COVARIANCE, *FEW_CLUSTERS, "effects", "groups", "split"),
        required=("outcome", "treatment", "groups"),
        covariances=ALL_LINEAR,
        effects=ALL_EFFECTS,
        defaults={**WITHIN, "split": "treatment"},
    ),
    "spatial": Kind(
        "Spatial panel model by exact maximum likelihood, with direct, indirect and total impacts.",
        (
            *(*REGRESSION, "effects", "covariance", "cluster", "bandwidth", "cutoff_km"),
            *(*FEW_CLUSTERS, "wild_repetitions", *SPATIAL),
        ),
        required=("outcome", "treatment", "weights"),
        tables=("impact_matrix", "unit_impacts"),
        covariances=SPATIAL_COVARIANCES,
        effects=ALL_EFFECTS,
        fault=_spatial_fault,
        defaults={"effects": "twoways", "model": "sdm", "method": "lee_yu", **MEASURED, "wild_repetitions": 0},
    ),
    "family": Kind(
        "Several estimates side by side, with p-values for all of them together.",
        ("family", "standardise", "repetitions"),
        required=("family",),
        tables=("family",),
        bases=("fixed_effects", "pooled"),
        defaults={"standardise": False, "repetitions": 999},
    ),
    "leave_one_out": Kind(
        "The estimate with each region left out in turn.",
        ("of",),
        required=("of",),
        tables=("influence",),
        bases=FITTED_ONCE,
    ),
    "sensitivity": Kind(
        "How strong it would have to be: detectable effects, robustness to confounders, weights of the regions.",
        ("of", "power"),
        required=("of",),
        tables=("sensitivity", "benchmarks", "region_weights"),
        bases=("fixed_effects", "pooled", "spatial"),
        defaults={"power": 0.8},
    ),
    "placebo": Kind(
        "The same model on shuffled weights or treatments, where it should find nothing.",
        ("of", "shuffle", "repetitions"),
        required=("of",),
        tables=("draws",),
        bases=FITTED_ONCE,
        fault=_nothing_to_shuffle,
        defaults={"shuffle": "treatment", "repetitions": 199},
    ),
    "difference_gmm": Kind(
        "Dynamic panel by moments in first differences (Arellano and Bond).",
        ("outcome", "treatment", "controls", "effects", *GMM),
        effects=("units", "twoways"),
        defaults=MOMENTS,
    ),
    "system_gmm": Kind(
        "Dynamic panel by moments in differences and levels (Blundell and Bond).",
        ("outcome", "treatment", "controls", "effects", *GMM),
        effects=("units", "twoways"),
        defaults=MOMENTS,
    ),
    "unit_roots": Kind(
        "Panel unit-root tests of the variables, in levels and changes.",
        ("variables", "lags", "trend", "repetitions"),
        required=("variables",),
        tables=("unit_roots",),
        defaults={"lags": 0, "trend": False, "repetitions": 999},
    ),
    "diagnostics": Kind(
        "Collinearity, heteroskedasticity, normality and dependence of the residuals.",
        ("of",),
        required=("of",),
        tables=("collinearity", "correlations"),
        bases=("fixed_effects", "pooled"),
    ),
    "spatial_dynamic": Kind(
        "Spatial panel with the outcome of the year before, impacts in the short and the long run.",
        (*REGRESSION, "effects", "covariance", "weights", "model", "method", "durbin"),
        required=("outcome", "treatment", "weights"),
        covariances=("expected", "robust"),
        effects=("units", "time", "twoways"),
        fault=_dynamic_fault,
        defaults={"effects": "twoways", "model": "sdm", "method": "lee_yu", "covariance": "expected"},
    ),
    "spatial_random_effects": Kind(
        "Spatial panel with random unit effects, and fixed period effects, by maximum likelihood.",
        (*REGRESSION, "effects", "covariance", "cluster", *FEW_CLUSTERS, "weights", "model", "durbin", "errors"),
        required=("outcome", "treatment", "weights"),
        covariances=("expected", "observed", "clustered"),
        effects=("units", "twoways"),
        fault=_random_fault,
        defaults={
            "effects": "twoways",
            "model": "sdm",
            "errors": "baltagi",
            "covariance": "expected",
            "cluster": "units",
        },
    ),
    "spatial_two_stage": Kind(
        "Spatial two-stage least squares, for a spatial lag and endogenous treatments.",
        (
            *(*REGRESSION, "effects", "covariance", "cluster", "bandwidth", *FEW_CLUSTERS, "wild_repetitions"),
            *("weights", "model", "durbin", "instruments"),
        ),
        required=("outcome", "treatment", "weights"),
        covariances=ALL_LINEAR[:-1],
        effects=ALL_EFFECTS,
        fault=_spatial_fault,
        defaults={**WITHIN, "model": "sar", "wild_repetitions": 999},
    ),
    "identification": Kind(
        "Which spatial model and which fixed effects: the tests that every paper of the field prints.",
        (*REGRESSION, "effects", "weights", "method", "durbin", "wild_repetitions"),
        required=("outcome", "treatment", "weights"),
        effects=ALL_EFFECTS,
        tables=("identification",),
        defaults={"effects": "twoways", "method": "lee_yu", "wild_repetitions": 999},
    ),
    "weights_comparison": Kind(
        "One model under several weights matrices: likelihood, criteria, posterior probabilities.",
        (*REGRESSION, "effects", "compare_weights", "model", "method"),
        required=("outcome", "treatment", "compare_weights"),
        effects=ALL_EFFECTS,
        tables=("weights", "models"),
        defaults={"effects": "twoways", "model": "sdm", "method": "lee_yu"},
    ),
    "quantile": Kind(
        "Slopes along the distribution of the outcome, by moments.",
        (*REGRESSION, "effects", "quantiles", "jackknife", "negative_scale", "repetitions"),
        effects=ALL_EFFECTS[1:],
        tables=("quantiles",),
        defaults={
            **{"effects": "twoways", "quantiles": [0.1, 0.25, 0.5, 0.75, 0.9], "jackknife": True},
            **{"negative_scale": "refuse", "repetitions": 499},
        },
    ),
    "spatial_threshold": Kind(
        "A threshold in a spatial panel model.",
        (
            *("outcome", "treatment", "controls", "lag_regressors", "winsorise", "effects", "weights", "model"),
            *("covariance", "cluster", "bandwidth", "cutoff_km", *FEW_CLUSTERS),
            *("threshold_variable", "trim", "points", "repetitions"),
        ),
        required=("outcome", "treatment", "weights", "threshold_variable"),
        covariances=SPATIAL_COVARIANCES,
        effects=("units", "twoways"),
        tables=("thresholds", "likelihood_ratio", "without_each"),
        fault=_threshold_fault,
        defaults={
            **{"effects": "twoways", "model": "sdm", "method": "lee_yu", **MEASURED, "wild_repetitions": 0},
            **{"trim": 0.1, "points": 100, "repetitions": 4999},
        },
    ),
}


def one_way(specification: Mapping) -> bool:
    """Return whether errors are clustered by units alone, so that clusters have leverages."""
    cluster = as_list(specification.get("cluster", "units"))
    return specification.get("covariance", "clustered") == "clustered" and cluster == ["units"]


def without_idle(merged: dict, entry: Mapping) -> dict:
    """Drop defaults for clusters where an entry clusters no units; what the entry itself says stays, and is refused."""
    return {k: v for k, v in merged.items() if k not in FEW_CLUSTERS or k in entry or one_way(merged)}
