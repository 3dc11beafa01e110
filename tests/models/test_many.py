"""Many regions: what is estimated in another way says so, and what stands in for the rest is right."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
from panel_builders import make_panel, null_panel, uneven_ring
from ronghe.linear import threshold_regions
from ronghe.models import many, report
from ronghe.models.estimate import Data, run, with_defaults
from ronghe.models.estimators import leave_one_out
from ronghe.models.multiverse import settings as multiverse_settings
from ronghe.models.validation import model_certificates, monte_carlo, part
from ronghe.weights import Weights
from ronghe.weights.contiguity import from_grid

FIXED = {"name": "f", "kind": "fixed_effects", "outcome": "y", "treatment": "x0", "controls": ["x1"]}


@pytest.fixture
def few_are_many(monkeypatch):
    """Call more than twenty regions many."""
    for module in (many, report, leave_one_out):
        monkeypatch.setattr(module, "MANY_CLUSTERS", 20)


def test_a_small_panel_is_estimated_as_it_is_written():
    entry = with_defaults({**FIXED, "wild_repetitions": 99})
    assert many.lightened(entry, Data(null_panel())) == (entry, [])


def test_wild_bootstraps_of_many_regions_are_left_out_and_it_is_said(few_are_many):
    result = run({**FIXED, "small_sample": "corrected", "wild_repetitions": 99}, Data(null_panel()))
    assert result.fit["notes"] == [
        "joint tests are F, no bootstrap: there are 30 clusters (more than 20)",
        "no wild bootstrap: it is for few clusters, and there are 30 regions (more than 20)",
    ]
    assert list(result.tests["test"]) == ["all regressors zero"]
    assert "draws" not in str(result.tests["note"].iloc[0])


@pytest.mark.parametrize("sample", ["regions", "where"])
def test_a_small_sample_of_many_regions_keeps_its_wild_bootstrap(few_are_many, sample):
    names = [f"r{i:02d}" for i in range(15)]
    panel = null_panel()
    attributes = pd.DataFrame({"side": np.where(panel.index.unique(0).isin(names), "east", "west")})
    attributes.index = panel.index.unique(0)
    chosen = {"regions": names} if sample == "regions" else {"where": {"side": ["east"]}}
    entry = {**FIXED, "small_sample": "corrected", "wild_repetitions": 99}
    found = run({**entry, "sample": chosen}, Data(panel, attributes))
    alone = run(entry, Data(panel.loc[names]))
    assert "notes" not in found.fit and "wild" in " ".join(found.tests["test"])
    pd.testing.assert_frame_equal(found.tests, alone.tests)


def test_rows_are_counted_in_the_sample(monkeypatch):
    monkeypatch.setattr(many, "MANY_ROWS", 100)
    panel = null_panel()
    years = sorted(panel.index.unique(1))
    entry = with_defaults({**FIXED, "kind": "threshold", "threshold_variable": "x1", "controls": []})
    assert len(panel) > 100 and many.lightened(entry, Data(panel))[1]
    short = {**entry, "sample": {"years": [years[0], years[1]]}}
    assert many.lightened(short, Data(panel)) == (short, [])


def test_coefficients_and_errors_of_many_regions_are_those_of_few(monkeypatch):
    entry = {**FIXED, "small_sample": "CR2", "wild_repetitions": 99}
    few = run(entry, Data(null_panel()))
    monkeypatch.setattr(many, "MANY_CLUSTERS", 20)
    pd.testing.assert_frame_equal(run(entry, Data(null_panel())).coefficients, few.coefficients)


def test_a_long_panel_searches_thresholds_among_quantiles(monkeypatch):
    monkeypatch.setattr(many, "MANY_ROWS", 100)
    monkeypatch.setattr(many, "DRAWS_OF_MANY", 19)
    monkeypatch.setattr(threshold_regions, "MOST_DECIDING", 3)
    entry = {**FIXED, "kind": "threshold", "threshold_variable": "x1", "controls": [], "repetitions": 99}
    result = run({**entry, "thresholds": 1}, Data(null_panel()))
    assert (result.fit["search"], result.fit["repetitions"]) == ("quantiles", 19)
    assert len(result.fit["notes"]) == 3 and result.tables["without_each"].empty
    assert "rests on" in result.fit["notes"][0] and "(more than 3)" in result.fit["notes"][0]


def test_of_many_regions_those_of_most_influence_are_left_out(few_are_many, monkeypatch):
    data = Data(null_panel(effect=0.3))
    few = 4
    monkeypatch.setattr(leave_one_out, "MOST_LEFT_OUT", few)
    result = run({"name": "t", "kind": "leave_one_out", "of": FIXED}, data)
    shown = result.tables["influence"]
    monkeypatch.setattr(leave_one_out, "MANY_CLUSTERS", 1000)
    everyone = run({"name": "t", "kind": "leave_one_out", "of": FIXED}, data).tables["influence"]
    everyone = everyone[everyone["term"] == "x0"].set_index("left_out")["dfbeta"].abs()
    assert set(shown["left_out"]) == set(everyone.nlargest(few).index)
    assert "of 30 regions 4 are left out" in result.fit["notes"][0]


def test_one_step_is_the_refit_of_least_squares():
    data = Data(null_panel(effect=0.3))
    base = with_defaults(FIXED)
    moved = leave_one_out._one_step(base, leave_one_out.build(base, data))
    whole = run(FIXED, data).coefficients.set_index("term").at["x0", "estimate"]
    for place, region in ((0, "r00"), (17, "r17")):
        alone = run(FIXED, Data(data.panel.drop(index=region, level=0)))
        gap = abs(whole - alone.coefficients.set_index("term").at["x0", "estimate"])
        assert moved[place] == pytest.approx(gap, rel=1e-10)


def test_a_part_of_the_map_is_connected_and_of_the_size_asked():
    W = from_grid(12, 12)
    kept = part.around(W, 77, 25)
    cut = W.subset(sorted(kept))
    assert len(kept) == 25 and 77 in kept and cut.n_components == 1 and not cut.islands


def test_a_part_of_dense_weights_holds_the_nearest_whatever_their_names():
    places = np.random.default_rng(3).permutation(40)
    gaps = np.abs(places[:, None] - places)
    W = Weights(tuple(f"r{i:02d}" for i in range(40)), np.where(gaps > 0, 1 / np.maximum(gaps, 1), 0.0))
    middle = W.labels[int(np.flatnonzero(places == 20)[0])]
    kept = part.around(W, middle, 9)
    assert sorted(places[W.labels.index(name)] for name in kept) == list(range(16, 25))
    # The fourth to each side weigh the same: of an odd number beside the middle the name decides.
    one_less = kept - part.around(W, middle, 8)
    ends = [W.labels[int(np.flatnonzero(places == place)[0])] for place in (16, 24)]
    assert one_less == {max(ends)}


def test_regions_whose_neighbours_all_lie_outside_are_left_out_of_a_part():
    # b gives weight to a, which gives weight to far places only: a is reached from b, and has nobody inside.
    edges = pd.DataFrame(
        [("s", "b", 1.0), ("b", "s", 1.0), ("b", "a", 1.0), ("a", "y", 1.0), ("y", "z", 1.0), ("z", "y", 1.0)],
        columns=["focal", "neighbor", "weight"],
    )
    assert part.around(Weights.from_edges(edges), "s", 3) == {"s", "b"}


def test_the_part_is_named_and_small_panels_stay_whole(monkeypatch):
    y, X, W = make_panel(n=24, periods=4, W=uneven_ring(24))
    data = Data(X.assign(y=y), weights={"ring": W})
    entry = {"name": "s", "kind": "spatial", "outcome": "y", "treatment": "a", "controls": ["b"], "weights": "ring"}
    assert part.part_of(entry, data) == (data, None)
    monkeypatch.setattr(part, "MOST", 20)
    monkeypatch.setattr(part, "PART", 9)
    cut, said = part.part_of(entry, data)
    kept = cut.panel.index.unique(0)
    assert str(said) == f"tried on 9 neighbouring regions around {sorted(W.labels)[12]}, of 24"
    assert len(kept) == 9 and W.subset(list(kept)).n_components == 1
    assert np.isfinite(run({**entry, "covariance": "expected"}, cut).coefficients["estimate"]).all()


def test_tables_of_a_part_say_so(monkeypatch):
    y, X, W = make_panel(n=24, periods=4, W=uneven_ring(24))
    data = Data(X.assign(y=y), weights={"ring": W})
    entry = {"name": "s", "kind": "spatial", "outcome": "y", "treatment": "a", "controls": ["b"], "weights": "ring"}
    one_design = partial(model_certificates.engine_certificate, designs=("independent",))
    monkeypatch.setattr(model_certificates, "MODELS", ("sem",))
    monkeypatch.setattr(model_certificates, "engine_certificate", one_design)
    whole = monte_carlo.validate(entry, data, {"repetitions": 3}, 1)
    assert not any("part_around" in table for table in whole.values())
    monkeypatch.setattr(part, "MOST", 20)
    monkeypatch.setattr(part, "PART", 12)
    cut = monte_carlo.validate(entry, data, {"repetitions": 3}, 1)
    models = model_certificates.certify_models(entry, data, {"repetitions": 100}, 1, cores=1)
    for table in (*cut.values(), *models.values()):
        assert len(table) and set(table["part_regions"]) == {12} and set(table["part_of"]) == {24}
        assert set(table["part_around"]) == {sorted(W.labels)[12]}


def test_a_multiverse_of_too_many_regions_is_refused(monkeypatch):
    from models.multiverse.worlds import declared, samples, world
    from ronghe.errors import RongheError

    entry = declared()
    source = multiverse_settings.Settings(entry, samples(entry), world())
    monkeypatch.setattr(multiverse_settings, "MOST_REGIONS", 10)
    with pytest.raises(RongheError, match="has 20 regions, and what all specifications share takes N\\^3"):
        source.rows(entry.settings()[0])
