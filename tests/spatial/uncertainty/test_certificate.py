"""The certificate: independent of cores, a known answer, its designs and its sentences."""

import numpy as np
import pandas as pd
import pytest
from panel_builders import make_panel, uneven_ring
from ronghe.errors import RongheError
from ronghe.spatial.batch.solver import Batch
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.uncertainty.certificate import METHODS, Setup, certificate
from ronghe.spatial.uncertainty.designs import DESIGNS, Disturbances
from ronghe.spatial.uncertainty.verdict import chosen_by_quantity, summarised


@pytest.fixture(scope="module")
def case():
    y, X, W = make_panel(n=16, periods=6, W=uneven_ring(16))
    model = SpatialPanel(y, X, W)
    return model.fit(), model


def test_tables_do_not_depend_on_the_number_of_cores(case):
    settings = {"designs": ("independent", "flipped"), "repetitions": 130, "seed": 4, "hypotheses": ("sar",)}
    one, two = (certificate(case[1], "a", **settings, cores=n) for n in (1, 2))
    pd.testing.assert_frame_equal(one.intervals, two.intervals, check_exact=True)
    pd.testing.assert_frame_equal(one.sizes, two.sizes, check_exact=True)
    assert one.method == two.method and one.verdict == two.verdict
    assert set(one.intervals["quantity"]) == {"rho", "direct", "indirect", "total"}
    assert one.intervals["coverage"].between(0.6, 1).all()
    ratios = one.intervals.set_index("method").loc["CR3, t(G-1)", "length_ratio"]
    np.testing.assert_allclose(ratios, 1.0)


def test_coverage_has_its_known_answer_where_the_model_is_linear():
    # Independent normal errors, no spatial terms: by the normal with sigma2 over n, not n - K, the share of a t with
    # n - K = 75 - 4 degrees of freedom below 1.96 (71 / 75)^(1/2) is .939; CR2 with its own degrees has .95.
    y, X, W = make_panel(n=16, periods=6, W=uneven_ring(16))
    model = SpatialPanel(y, X, W, "slx")
    found = certificate(
        model,
        "a",
        ("independent",),
        4000,
        hypotheses=(),
        cores=1,
        methods=tuple(m for m in METHODS if m != "wild bootstrap"),
    )
    table = found.intervals.pivot(index="quantity", columns="method", values="coverage")
    assert list(table.index) == ["direct", "indirect", "total"]
    assert np.all(np.abs(table["independent errors, normal"] - 0.939) < 0.014)
    assert np.all(np.abs(table["CR2, Satterthwaite"] - 0.95) < 0.014)
    assert np.all(np.abs(table["corrected"] - 0.95) < 0.02)
    assert "intervals by" in found.verdict and found.sizes.empty


def test_without_spatial_terms_the_direct_impact_is_all(case):
    y, X, W = make_panel(n=16, periods=6, W=uneven_ring(16))
    model = SpatialPanel(y, X, W, "ols")
    found = certificate(model, "a", ("ar5",), 250, hypotheses=(), cores=1)
    assert list(found.intervals["quantity"].unique()) == ["direct"]
    assert found.intervals["coverage"].between(0.7, 1).all()


def test_truth_may_be_the_user_s(case):
    result, model = case
    setup = Setup.of(model, "a", {"rho": 0.1})
    assert setup.truth[0] == 0.1
    same = Setup.of(model, "a", {})
    np.testing.assert_allclose(same.truth[1:], result.impacts().loc["a", "estimate"], rtol=1e-8)
    # Without disturbances the truth comes back.
    y = setup.outcomes(1e-6 * np.random.default_rng(0).normal(size=(1, 16, 6)))
    assert abs(Batch(model).fit(y).rho[0] - 0.1) < 1e-3
    with pytest.raises(RongheError, match="lambda"):
        Setup.of(model, "a", {"lambda": 0.2})
    with pytest.raises(RongheError, match="1,000"):
        certificate(model, "a", repetitions=10)


def test_designs_have_the_dependence_that_they_name():
    rng = np.random.default_rng(1)
    e = rng.normal(size=(6, 8)) * np.arange(1, 7)[:, None]
    shape = Disturbances(2.0, e)
    for name in DESIGNS:
        assert shape.draw(name, rng, 3).shape == (3, 6, 8)
    drawn = shape.draw("ar5", rng, 4000)
    np.testing.assert_allclose(np.mean(drawn[:, :, 1:] * drawn[:, :, :-1]) / np.mean(drawn**2), 0.5, atol=0.02)
    np.testing.assert_allclose(np.mean(drawn**2), 2.0, rtol=0.03)
    unequal = shape.draw("heteroskedastic", rng, 4000)
    np.testing.assert_allclose(unequal.std(axis=(0, 2)) / np.sqrt(2.0), shape.deviations, rtol=0.03)
    spatial = shape.draw("spatial", rng, 8000)
    np.testing.assert_allclose(np.einsum("bit,bjt->ij", spatial, spatial) / 64000, e @ e.T / 8, atol=0.12 * 36)
    flipped = shape.draw("flipped", rng, 5)
    np.testing.assert_allclose(np.abs(flipped), np.abs(np.broadcast_to(e, flipped.shape)))
    with pytest.raises(RongheError, match="allowed"):
        shape.draw("none", rng, 3)


def test_each_quantity_has_the_shortest_method_that_stays_within():
    covered = {
        ("rho", "a"): (0.96, 0.999, 1.0),
        ("rho", "b"): (0.94, 0.97, 0.8),
        ("total", "a"): (0.94, 0.97, 1.0),
        ("total", "b"): (0.85, 0.96, 0.7),
        ("direct", "a"): (0.80, 0.90, 1.0),
        ("direct", "b"): (0.70, 0.90, 0.5),
    }
    rows = [(q, m, share, length) for (q, m), (*shares, length) in covered.items() for share in shares]
    intervals = pd.DataFrame(rows, columns=["quantity", "method", "coverage", "length_ratio"])
    intervals.attrs["repetitions"] = 1000
    choice = chosen_by_quantity(intervals)
    # rho: "a" covers too much, "b" does not; total: "b" too little; direct: none holds, "a" comes nearest.
    assert list(choice["chosen"]) == ["b", "a", "a"]
    assert list(choice["within"]) == [True, True, False] and list(choice["holds"]) == [True, True, False]
    # 98.5 % of 1,000 draws cannot be told from 98, 98.9 can; 91.5 not from 93, 91.3 can.
    for low, high, within in ((0.915, 0.985, True), (0.913, 0.985, False), (0.95, 0.989, False)):
        cells = pd.DataFrame({"method": ["a", "a"], "coverage": [low, high], "length_ratio": 1.0})
        cells.attrs["repetitions"] = 1000
        assert summarised(cells, ("a",))["within"].item() is within
