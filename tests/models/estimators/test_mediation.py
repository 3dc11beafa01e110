"""Mediation: identities, known truth, and the single regressions."""

from __future__ import annotations

import numpy as np
import pytest
from panel_builders import linked_entry as entry
from panel_builders import linked_panel
from ronghe.errors import RongheError
from ronghe.linear.bootstrap import studentised_interval, studentised_pvalue
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit


def test_mediation_adds_up_and_recovers_the_truth(panel):
    result = fit(entry("mediation", mediator="m", repetitions=499), Data(panel, seed=1))
    b = result.coefficients.set_index("term")["estimate"]
    assert b["total"] == pytest.approx(b["direct"] + b["indirect"], rel=1e-12)
    assert b["indirect"] == pytest.approx(b["treatment_to_mediator"] * b["mediator_to_outcome"], rel=1e-12)
    paths = result.tables["paths"].set_index("path")
    for name, truth in {
        "treatment_to_mediator": 0.8,
        "mediator_to_outcome": 0.5,
        "indirect": 0.4,
        "direct": 0.4,
    }.items():
        assert abs(b[name] - truth) < 4 * paths.loc[name, "std_error"]
    assert paths.loc["share_mediated", "estimate"] == pytest.approx(b["indirect"] / b["total"], rel=1e-12)


def test_mediation_errors_are_those_of_the_single_regressions(panel):
    result = fit(entry("mediation", mediator="m", repetitions=99), Data(panel, seed=1))
    errors = result.coefficients.set_index("term")["std_error"]
    total = fit(entry("fixed_effects"), Data(panel)).coefficients.set_index("term")["std_error"]
    third = fit(entry("fixed_effects", treatment=["x", "m"]), Data(panel)).coefficients.set_index("term")["std_error"]
    assert errors["total"] == pytest.approx(total["x"], rel=1e-10)
    assert errors["direct"] == pytest.approx(third["x"], rel=1e-10)
    assert errors["mediator_to_outcome"] == pytest.approx(third["m"], rel=1e-10)
    # Sobel's error without the covariance of a and b, which is about zero here.
    b = result.coefficients.set_index("term")["estimate"]
    first = (b["mediator_to_outcome"] * errors["treatment_to_mediator"]) ** 2
    second = (b["treatment_to_mediator"] * errors["mediator_to_outcome"]) ** 2
    assert errors["indirect"] == pytest.approx(np.sqrt(first + second), rel=0.15)


def test_mediation_interval_covers_zero_where_the_path_is_broken(kernel_fits):
    covered = []
    for seed in range(100):
        broken = linked_panel(seed=seed, n_units=60, a=0.0)
        paths = fit(entry("mediation", mediator="m", repetitions=99), Data(broken, seed=seed)).tables["paths"]
        row = paths.set_index("path").loc["indirect"]
        covered.append(row["lower"] <= 0 <= row["upper"])
    # Three binomial errors around 95 %.
    assert 0.885 < np.mean(covered) <= 1


def test_one_interval_and_the_p_value_that_inverts_it(panel):
    """The p-value at either end of an interval is the first that 5 % does not reject; Sobel's is a stored test."""
    result = fit(entry("mediation", mediator="m", repetitions=399), Data(panel, seed=1))
    paths = result.tables["paths"].set_index("path")
    terms = result.coefficients.set_index("term")
    columns = ["estimate", "lower", "upper", "pvalue"]
    np.testing.assert_array_equal(terms[columns], paths.loc[terms.index, columns])
    assert not [c for c in paths if "percentile" in c] and result.fit["interval"] == "bootstrap_t"
    tests = result.tests.set_index("test")
    assert tests.loc["indirect path", "pvalue"] == terms.loc["indirect", "pvalue"]
    row = terms.loc["indirect"]
    assert tests.loc["Sobel", "pvalue"] != row["pvalue"]
    assert tests.loc["Sobel", "statistic"] == pytest.approx(row["estimate"] / row["std_error"], rel=1e-12)


@pytest.mark.parametrize("repetitions", [39, 100, 199, 250])
def test_bootstrap_t_rejects_exactly_what_its_interval_leaves_out(repetitions):
    rng = np.random.default_rng(repetitions)
    draws, errors = 1 + rng.normal(size=repetitions), rng.uniform(0.5, 2, size=repetitions)
    lower, upper = studentised_interval(draws, errors, 1.0, 0.8)
    for value in np.concatenate([[lower, upper], rng.normal(1, 3, size=200), [lower - 1e-9, upper + 1e-9]]):
        # An end is a rounding away from its own draw.
        if min(abs(value - lower), abs(value - upper)) < 1e-12:
            continue
        inside = lower <= value <= upper
        assert inside == (studentised_pvalue(draws, errors, 1.0, 0.8, value) > 0.05)


def test_too_few_draws_bound_nothing():
    draws = np.random.default_rng(0).normal(size=19)
    assert studentised_interval(draws, np.ones(19), 0.0, 1.0) == (-np.inf, np.inf)


def test_mediator_among_controls_is_refused(panel):
    with pytest.raises(RongheError, match="mediator 'm' is among the controls"):
        fit(entry("mediation", mediator="m", controls=["w", "m"]), Data(panel))
