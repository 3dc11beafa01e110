"""Panel regressions without space: fixed and random effects, instruments, moments, thresholds, covariances and tests.

Everything works on plain arrays, one row per unit and period; a `Layout` says where each row stands, a `Choice` which
covariance is wanted. Nothing here knows a specification, a file of this project or Snakemake.

- `fit_panel`, `fit_random_effects`, `project` with `fit_two_stage`: what a paper reports, by linearmodels
- `fit_least_squares`, `CrossProducts`, `wild_draws`: kernels for bootstraps, without covariances or without rows
- `fit_moments`, `assemble`: dynamic panels by difference and system moments, with Windmeijer's correction
- `Search`, `search_all`, `confidence_set`, `without_each`: Hansen's panel thresholds, and the units they rest on
- `detectable_effect`, `robustness_value`, `benchmark_bounds`, `region_weights`: how strong it would have to be
- `LinearClusters`, `LinearWild`: covariances, degrees of freedom and the wild bootstrap for few clusters
- `sandwich`, `covariance_between_fits`: covariances from scores, of one regression or of several together
- `exposure_robust`, `shock_level`: shift-share estimates when shocks, not rows, are the independent draws
- `anderson_rubin_set`, `romano_wolf`, `westfall_young`, `holm`; `residual_tests` and `unit_roots` are modules of tests

>>> import numpy as np
>>> from ronghe.linear import Choice, Layout, fit_panel
>>> layout = Layout(units=np.repeat(np.arange(20), 5), times=np.tile(np.arange(5), 20))
>>> rng = np.random.default_rng(0)
>>> X = rng.normal(size=(100, 2))
>>> y = X @ [1.0, -0.5] + np.repeat(rng.normal(size=20), 5) + 0.01 * rng.normal(size=100)
>>> fit = fit_panel(y, X, layout, "twoways", Choice("clustered", ("units",)))
>>> fit.coefficients.round(1)
array([ 1. , -0.5])
>>> fit.df_inference
19
"""

from __future__ import annotations

from importlib import import_module

# Where each public name lives; it is imported on first use, so that importing the package costs nothing.
PUBLIC = {
    "Choice": "covariance",
    "CrossProducts": "bootstrap",
    "Fit": "panel_models",
    "Layout": "layout",
    "LinearClusters": "few_clusters",
    "LinearWild": "wild_bootstrap",
    "Search": "threshold_search",
    "anderson_rubin_set": "instrument_tests",
    "assemble": "gmm_system",
    "benchmark_bounds": "sensitivity",
    "confidence_set": "threshold_tests",
    "covariance_between_fits": "joint_covariance",
    "detectable_effect": "sensitivity",
    "exposure_robust": "two_stage",
    "fit_least_squares": "least_squares",
    "fit_moments": "gmm",
    "fit_panel": "panel_models",
    "fit_random_effects": "panel_models",
    "fit_two_stage": "instrumental_models",
    "holm": "multiple_testing",
    "project": "two_stage",
    "region_weights": "sensitivity",
    "robustness_value": "sensitivity",
    "romano_wolf": "multiple_testing",
    "sandwich": "covariance",
    "search_all": "threshold_tests",
    "shock_level": "two_stage",
    "westfall_young": "multiple_testing",
    "wild_draws": "bootstrap",
    "without_each": "threshold_regions",
}
__all__ = sorted(PUBLIC)


def __getattr__(name: str) -> object:
    """Give a public name on first use."""
    if name in PUBLIC:
        return getattr(import_module(f"{__name__}.{PUBLIC[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Name what is public, for editors and `help`."""
    return [*globals(), *PUBLIC]
