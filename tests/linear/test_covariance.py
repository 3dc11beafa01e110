"""Covariances from scores: limits of Conley's, and degrees of freedom of fixed effects nested in clusters."""

from __future__ import annotations

import numpy as np
import pytest
from ronghe.errors import RongheError
from ronghe.linear.absorption import count
from ronghe.linear.covariance import Choice, degrees_taken, sandwich
from ronghe.linear.layout import Layout

N, T = 30, 9


def covariance(choice: Choice) -> np.ndarray:
    rng = np.random.default_rng(0)
    places = np.column_stack([rng.uniform(-120, -70, N), rng.uniform(30, 45, N)])
    layout = Layout(np.repeat(np.arange(N), T), np.tile(np.arange(T), N), places)
    X, e = rng.normal(size=(N * T, 3)), rng.normal(size=N * T)
    return sandwich(np.linalg.inv(X.T @ X), X * e[:, None], layout, choice, 1.0, count(layout, "twoways"))


def test_conley_lies_between_independent_rows_and_sums_of_periods():
    """A cutoff below every distance leaves single rows; one above all of them gives the sums of periods."""
    alone = covariance(Choice("conley", cutoff_km=1e-3, bandwidth=0))
    np.testing.assert_allclose(alone, covariance(Choice("robust")), rtol=1e-10)
    together = covariance(Choice("conley", cutoff_km=1e12, bandwidth=0))
    np.testing.assert_allclose(together, covariance(Choice("driscoll_kraay", bandwidth=0)), rtol=1e-5)


@pytest.mark.parametrize(
    ("effects", "cluster", "taken"),
    [
        ("pooled", ["units"], 1),
        ("units", ["units"], 1),
        ("units", ["time"], N),
        ("time", ["units"], T),
        ("time", ["time"], 1),
        ("twoways", ["units"], T),
        ("twoways", ["time"], N),
        ("twoways", ["units", "time"], 1),
    ],
)
def test_fixed_effects_nested_in_clusters_take_no_degree_of_freedom(effects, cluster, taken):
    layout = Layout(np.repeat(np.arange(N), T), np.tile(np.arange(T), N))
    absorbed = count(layout, effects)
    assert degrees_taken(absorbed, Choice("clustered", tuple(cluster))) == taken
    assert degrees_taken(absorbed, Choice("robust")) == sum(absorbed.values())


def test_what_a_covariance_needs_is_asked_for():
    with pytest.raises(RongheError, match="longitude and latitude, and cutoff_km"):
        covariance(Choice("conley"))
    with pytest.raises(RongheError, match="bandwidth 9 must lie between 0 and 8, for 9 periods"):
        covariance(Choice("driscoll_kraay", bandwidth=9))
