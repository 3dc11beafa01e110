"""A family of specifications together: are their treatments' slopes equal, and what survives multiple testing?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ronghe.errors import RongheError
from ronghe.linear.bootstrap import unit_signs, wild_draws
from ronghe.linear.covariance import Choice
from ronghe.linear.inference import coefficient_table, covariance_table, t_pvalue, test_table, wald_test
from ronghe.linear.joint_covariance import covariance_between_fits
from ronghe.linear.layout import Layout
from ronghe.linear.multiple_testing import holm, romano_wolf, westfall_young
from ronghe.linear.panel_models import Fit, fit_panel
from ronghe.models.design.design import Design, build, terms_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import choice_of, covariance_facts, facts


@dataclass(frozen=True)
class Member:
    """One specification of the family: its rows, its fit, and the scale that makes its slope comparable."""

    name: str
    design: Design
    fit: Fit
    effects: str
    place: int
    scale: float
    choice: Choice

    @property
    def estimate(self) -> float:
        """Return the slope of the treatment, in its standard deviations where asked for."""
        return float(self.fit.coefficients[self.place] * self.scale)


def estimate(specification: dict, data: Data) -> Estimate:
    """Compare the first treatment of several linear specifications, their covariance with one another kept.

    The joint covariance comes from stacked scores by unit, as in seemingly unrelated estimation. The slopes are tested
    for equality, and their p-values adjusted by Romano and Wolf's and Westfall and Young's stepdown from a wild
    bootstrap by unit with each null imposed, its signs alike for all members. With `standardise` a slope says by how
    many within standard deviations the outcome moves with one of the treatment.
    """
    members = [_member(part, data, specification["standardise"]) for part in specification["family"]]
    choice = members[0].choice
    if any(m.choice != choice for m in members):
        raise RongheError("the members of a family need one covariance; give all of them the same")
    layouts = [_common(m.design, members) for m in members]
    cov = covariance_between_fits([m.fit for m in members], layouts, choice, [[m.place] for m in members])
    scale = np.array([m.scale for m in members])
    cov = cov * np.outer(scale, scale)
    estimates = np.array([m.estimate for m in members])
    df = min(m.fit.df_inference for m in members)
    names = [m.name for m in members]
    repetitions = specification["repetitions"]
    t, draws = _draws(members, layouts, repetitions, data.seed)
    coefficients = coefficient_table(names, estimates, cov, df)
    table = _table(members, coefficients, t, draws, df)
    differences = np.eye(len(names))[:-1] - np.eye(len(names))[1:]
    # Members that are combinations of one another leave nothing to test jointly.
    wanted = {"all equal": differences, "all zero": np.eye(len(names))}
    tests = [
        {"test": name, **wald_test(estimates, cov, R, df)}
        for name, R in wanted.items()
        if np.linalg.matrix_rank(R @ cov @ R.T, hermitian=True) == len(R)
    ]
    return Estimate(
        coefficients=coefficients,
        covariance=covariance_table(names, cov),
        tests=test_table(tests),
        fit=facts(
            specification,
            "within_family",
            _sample(specification, members),
            effects=sorted({m.effects for m in members}),
            covariance=covariance_facts(specification["family"][0]),
            standardised=specification["standardise"],
            repetitions=repetitions,
        ),
        tables={"family": table},
        libraries=("linearmodels", "statsmodels"),
    )


def _sample(specification: dict, members: list[Member]) -> dict:
    """Return what fit.json says of the rows of all members together."""
    return {
        "outcome": sorted({m.design.outcome for m in members}),
        "regressors": [m.name for m in members],
        "sample": sorted({part["sample_name"] for part in specification["family"]}),
        "nobs": [m.design.nobs for m in members],
        "n_units": max(m.design.layout.n_units for m in members),
        "n_periods": max(m.design.layout.n_periods for m in members),
    }


def _member(part: dict, data: Data, standardise: bool) -> Member:
    design = build(part, data)
    effects, choice = part["effects"], choice_of(part)
    fit = fit_panel(design.y, design.X, design.layout, effects, choice, design.names)
    place = design.names.index(terms_of(part, "treatment")[0].name)
    scale = float(fit.X[:, place].std() / fit.y.std()) if standardise else 1.0
    return Member(part["name"], design, fit, effects, place, scale, choice)


def _common(design: Design, members: list[Member]) -> Layout:
    """Return the codes of a member's rows among all units and periods of the family."""
    units = sorted({u for m in members for u in m.design.index.levels[0]})
    times = sorted({t for m in members for t in m.design.index.levels[1]})
    codes = [pd.Index(pool).get_indexer(design.index.get_level_values(i)) for i, pool in enumerate((units, times))]
    whole = next((m.design.layout for m in members if m.design.layout.n_units == len(units)), design.layout)
    return Layout(codes[0], codes[1], whole.coordinates)


def _draws(members: list[Member], layouts: list[Layout], repetitions: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return every member's t and its draws with the null imposed, the signs of a unit alike for all members."""
    signs = unit_signs(max(layout.n_units for layout in layouts), repetitions, seed)
    found = []
    for member, layout in zip(members, layouts, strict=True):
        design = member.design
        present = np.unique(layout.units)
        found.append(wild_draws(design.y, design.X, design.layout, member.effects, member.place, signs[:, present]))
    return np.array([t for t, _ in found]), np.column_stack([draws for _, draws in found])


def _table(
    members: list[Member], coefficients: pd.DataFrame, t: np.ndarray, draws: np.ndarray, df: float
) -> pd.DataFrame:
    """Return every member's slope with its own, Holm's, its bootstrap's, and Romano and Wolf's p-value."""
    table = coefficients.rename(columns={"term": "specification"})
    table.insert(1, "treatment", [m.design.names[m.place] for m in members])
    table.insert(2, "outcome", [m.design.outcome for m in members])
    table["pvalue"] = t_pvalue(table["statistic"].to_numpy(), df)
    table["pvalue_holm"] = holm(table["pvalue"].to_numpy())
    beyond = np.abs(draws) >= np.abs(t) * (1 - 1e-12)
    table["pvalue_bootstrap"] = (1 + beyond.sum(axis=0)) / (1 + len(draws))
    table["pvalue_romano_wolf"] = romano_wolf(t, draws)
    table["pvalue_westfall_young"] = westfall_young(t, draws)
    return table
