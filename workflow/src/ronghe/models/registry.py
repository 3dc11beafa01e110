"""Which kinds of specification there are, which estimator fits each, and which keys an entry of that kind may have.

Standard library only: the Snakefile reads it. An estimator is named as `module:function`, imported by the job alone, so
that a specification depends on the code of its own kind and no other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

# Keys whose values are variables or terms made of them, and keys whose values are weights.
TERM_KEYS = ("outcome", "treatment", "controls", "instruments", "threshold_variable")
WEIGHTS_KEYS = ("weights", "error_weights")

EVERYWHERE = ("kind", "about", "dataset", "sample")
REGRESSION = ("outcome", "treatment", "controls", "lag_regressors", "winsorise")
THRESHOLD = ("thresholds", "keep", "search", "convention", "trim", "repetitions")
LINEAR_COVARIANCE = ("covariance", "cluster", "bandwidth", "cutoff_km")


@dataclass(frozen=True)
class Kind:
    """One kind of specification.

    `tables` are the text tables it writes beyond the usual ones, `bases` the kinds it can build on (`of`, `family`),
    `regions` says that it looks at the table of regions, `fault` returns what is impossible in an entry.
    """

    estimator: str
    keys: tuple[str, ...]
    required: tuple[str, ...] = ("outcome", "treatment")
    covariances: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    regions: bool = False
    fault: Callable[[dict], str | None] | None = None

    @property
    def module(self) -> str:
        """Return the module that holds the estimator."""
        return self.estimator.split(":")[0]

    @property
    def allowed(self) -> tuple[str, ...]:
        """Return every key that an entry of this kind may have."""
        return (*EVERYWHERE, *self.keys)


def _many(value: object) -> list:
    return value if isinstance(value, list) else [] if value is None else [value]


def _too_few_instruments(entry: dict) -> str | None:
    wanted, given = len(_many(entry["treatment"])), len(_many(entry["instruments"]))
    if given < wanted:
        return f"{wanted} endogenous treatments need as many instruments or more; there are {given}"
    return None


ALL_LINEAR = ("homoskedastic", "robust", "clustered", "driscoll_kraay", "conley")
ALL_EFFECTS = ("pooled", "units", "time", "twoways")

KINDS: dict[str, Kind] = {
    "fixed_effects": Kind(
        "ronghe.models.linear:fixed_effects",
        (*REGRESSION, *LINEAR_COVARIANCE, "effects"),
        covariances=ALL_LINEAR,
        effects=ALL_EFFECTS[1:],
    ),
    "pooled": Kind("ronghe.models.linear:pooled", (*REGRESSION, *LINEAR_COVARIANCE), covariances=ALL_LINEAR),
    "random_effects": Kind(
        "ronghe.models.linear:random_effects",
        (*REGRESSION, *LINEAR_COVARIANCE, "effects"),
        covariances=ALL_LINEAR,
        effects=("units", "twoways"),
    ),
    "first_differences": Kind(
        "ronghe.models.linear:first_differences",
        (*REGRESSION, *LINEAR_COVARIANCE, "effects"),
        covariances=ALL_LINEAR,
        effects=("units", "twoways"),
    ),
    "instrumental_variables": Kind(
        "ronghe.models.instruments:instrumental_variables",
        (*REGRESSION, *LINEAR_COVARIANCE, "effects", "instruments"),
        required=("outcome", "treatment", "instruments"),
        covariances=ALL_LINEAR,
        effects=ALL_EFFECTS,
        tables=("first_stage", "anderson_rubin"),
        fault=_too_few_instruments,
    ),
    "threshold": Kind(
        "ronghe.models.threshold:threshold",
        (*REGRESSION, *LINEAR_COVARIANCE, "effects", "threshold_variable", *THRESHOLD),
        required=("outcome", "treatment", "threshold_variable"),
        covariances=ALL_LINEAR,
        effects=("units", "twoways"),
        tables=("thresholds", "likelihood_ratio"),
    ),
}
