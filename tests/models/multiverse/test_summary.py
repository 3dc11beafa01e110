"""The whole in numbers: shares, variance by choice, model averages, and what the figures draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models.multiverse.test_run import run
from models.multiverse.worlds import declared, samples, world
from ronghe.errors import RongheError
from ronghe.frames import read_csv
from ronghe.models.multiverse import agreement, averaging, curve, summary, table
from ronghe.models.multiverse.declaration import JUDGEMENTS
from ronghe.models.multiverse.judge import judge
from ronghe.models.multiverse.run import run_shard
from ronghe.models.multiverse.settings import Settings
from ronghe.spatial.choice.comparison import log_marginal
from scipy.special import logsumexp


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> str:
    return run(declared(), world(effect=0.3), tmp_path_factory.mktemp("summary"))


@pytest.fixture
def made_up(whole) -> pd.DataFrame:
    """Estimates that the model and the control of roads decide: ols 0, sar 1, sdm 2, and roads 4 more."""
    frame = summary.read_estimates(whole)
    frame["estimate"] = frame["model"].cat.codes.to_numpy() + 4.0 * (frame["controls"].to_numpy() & 1)
    frame["std_error"], frame["pvalue"] = 1.0, np.where(frame["estimate"] > 1.5, 0.01, 0.5)
    return frame


def test_shares_add_up(whole):
    frame, multiverse = summary.read_estimates(whole), declared()
    by_choice = summary.choices(frame, multiverse)
    for choice, part in by_choice.groupby("choice"):
        assert part["specifications"].sum() == len(frame), choice
    row = by_choice[(by_choice["choice"] == "model") & (by_choice["level"] == "sdm")].iloc[0]
    values = frame.loc[frame["model"] == "sdm", "estimate"]
    assert row["median"] == values.median() and row["share_positive"] == (values > 0).mean()


def test_the_variance_is_given_to_the_choices_that_make_it(made_up):
    found = summary.variance_by_choice(made_up, declared()).set_index("choice")
    ranks = made_up["estimate"].rank()
    for name, groups in (("model", made_up["model"]), ("control roads", made_up["controls"] & 1)):
        between = ranks.groupby(groups.to_numpy()).transform("mean").var(ddof=0)
        assert found.loc[name, "share_alone"] == pytest.approx(between / ranks.var(ddof=0), rel=1e-12)
    assert found.loc["outcome", "share_alone"] == pytest.approx(0, abs=1e-12)
    assert found.index[0] == "control roads"
    # Model and weights go together, so that neither alone loses all of what they share.
    assert found.loc["model", "share_last"] < found.loc["model", "share_alone"]


@pytest.mark.parametrize(
    ("positive", "for_it", "against", "code"),
    [(0.99, 0.8, 0.0, "one_direction"), (0.03, 0.0, 0.2, "one_sign"), (0.5, 0.2, 0.1, "depends"),
     (0.6, 0.1, 0.0, "mixed")],
)  # fmt: skip
def test_codes_of_what_may_be_concluded(positive, for_it, against, code):
    row = {"share_positive": positive, "share_significant_positive": for_it, "share_significant_negative": against}
    assert summary._conclusion(pd.Series(row)) == code


def test_averages_are_those_of_the_marginal_likelihoods_one_by_one(whole):
    multiverse, data = declared(), world(effect=0.3)
    found = averaging.average(whole, multiverse)
    keys = {"sample": "late", "winsorise": "0.05", "outcome": "quality"}
    part = found[(found[list(keys)] == pd.Series(keys)).all(axis=1)].set_index(["choice", "level"])
    for choice in ("treatment", "model", "weights"):
        assert part.loc[choice, ["prior", "probability"]].sum().to_numpy() == pytest.approx([1.0, 1.0])
    assert part.loc[("model", "sdm"), "prior"] == pytest.approx(1 / 3)
    frame = table.read(whole)
    rows = frame[(frame[list(keys)].astype(str) == pd.Series(keys)).all(axis=1)]
    source = Settings(multiverse, samples(multiverse), data)
    marginals = np.array([_marginal(source, row) for _, row in rows.iterrows()])
    np.testing.assert_allclose(rows["log_marginal"], marginals, atol=1e-7)
    share = rows.groupby(["model", "weights"], observed=True)["estimate"].transform("size")
    height = marginals - np.log(share) - np.log(rows.groupby("model", observed=True)["weights"].transform("nunique"))
    posterior = np.exp(height - logsumexp(height))
    assert part.loc[("all", "all"), "mean"] == pytest.approx((posterior * rows["estimate"]).sum(), rel=1e-6)


def _marginal(source: Settings, row: pd.Series) -> float:
    return log_marginal(agreement.model_of(source, row)).value


def test_the_curve_is_sorted_and_its_shares_are_those_of_the_table(whole):
    frame, multiverse = summary.read_estimates(whole), declared()
    line, shares = curve.sorted_curve(frame, multiverse)
    assert (np.diff(line["estimate"]) >= 0).all() and len(line) == curve.PLACES
    for choice, part in shares.groupby("choice"):
        total = part.groupby("place")["share"].sum()
        if choice != "control":
            np.testing.assert_allclose(total, 1.0)
    # Places hold nearly equal numbers, so that the mean share is that of the whole.
    mean = shares[(shares["choice"] == "model") & (shares["level"] == "ols")]["share"].mean()
    assert mean == pytest.approx((frame["model"] == "ols").mean(), abs=0.02)


def test_densities_integrate_to_what_lies_on_the_axis(whole):
    frame = summary.read_estimates(whole)
    found = curve.densities(frame, declared())
    for _, part in found.groupby(["choice", "level"]):
        mass = np.trapezoid(part["density"], part["estimate"])
        assert mass == pytest.approx(1 - part["beyond"].iloc[0], abs=0.03)


def test_every_judgement_is_written(whole, tmp_path):
    outputs = {name: str(tmp_path / f"{name}.csv") for name in JUDGEMENTS}
    judge(declared(), whole, outputs)
    assert read_csv(outputs["summary"])["conclusion"].isin(["one_direction", "one_sign", "depends", "mixed"]).all()
    assert all((tmp_path / f"{name}.csv").stat().st_size for name in JUDGEMENTS)


def test_where_nothing_can_be_estimated_the_message_counts_the_reasons(tmp_path):
    multiverse = declared(samples=["one"], winsorise=[0])
    run_shard(multiverse, {"one": {"years": [2002, 2002]}}, world(), 0, 1, tmp_path / "all.parquet")
    outputs = {name: str(tmp_path / f"{name}.csv") for name in JUDGEMENTS}
    with pytest.raises(RongheError, match=rf"not one specification.*too_few_rows \({multiverse.n_specifications}\)"):
        judge(multiverse, tmp_path / "all.parquet", outputs)


def test_vibrations_hold_every_specification_on_their_axes(whole):
    frame = summary.read_estimates(whole)
    found = curve.vibrations(frame, declared())
    for (choice, level), part in found.groupby(["choice", "level"]):
        assert part["share"].sum() == pytest.approx(1 - part["beyond"].iloc[0])
        assert part["median_estimate"].iloc[0] == frame.loc[frame[choice] == level, "estimate"].median()
