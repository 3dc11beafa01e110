"""The variance of the score where groups of units are independent: provinces, watersheds, industries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.spatial.fitted import FittedModel
from ronghe.spatial.log_determinant.traces import unit_blocks
from ronghe.spatial.uncertainty.scores import EXACT_PAIRS, N_PROBES, QuadraticForm, linear_scores, quadratic_forms


def read_groups(groups: pd.Series | Mapping, units: Sequence[object], where: str) -> np.ndarray:
    """Return the group of every unit as a code 0, 1, ..., in the order of the units; each needs one."""
    if not isinstance(groups, pd.Series | Mapping):
        raise RongheError(f"{where}: groups must be a Series or a mapping by unit, not {type(groups).__name__}")
    given = pd.Series(groups)
    twice = given.index[given.index.duplicated()].unique()
    if len(twice):
        raise RongheError(f"{where}: groups name these units twice: {listing(twice)}")
    absent = [u for u in units if u not in given.index]
    if absent:
        raise RongheError(f"{where}: groups leave out these units: {listing(absent)}")
    chosen = given.loc[list(units)]
    if chosen.isna().any():
        raise RongheError(f"{where}: these units have no group: {listing(chosen.index[chosen.isna()])}")
    codes, labels = pd.factorize(chosen)
    if len(labels) < 2:
        raise RongheError(f"{where}: all units stand in one group, '{labels[0]}'; clusters need two or more")
    return codes


def group_meat(model: FittedModel, codes: np.ndarray, over_time: bool) -> np.ndarray:
    """Return the variance of the score where groups of units are independent, units within them not.

    As in `unit_meat`, blocks of the quadratic forms take the place of cells: the part e_g'C_gg e_g joins the linear
    terms of group g, and e_g'(C_gh + C_hg')e_h, which has variance of its own, is squared for every pair of groups
    (Kelejian and Prucha 2001, equation 2.6, by blocks). `over_time` allows any dependence over the periods too,
    otherwise periods are independent. One solve per group and period.
    """
    e, s2 = model.residuals, model.sigma2
    n_groups, n_periods = int(codes.max()) + 1, e.shape[1]
    forms = quadratic_forms(model)
    linear = np.zeros((n_groups, n_periods, len(model.values)))
    np.add.at(linear, codes, linear_scores(model))
    own = [np.zeros((n_groups, n_periods)) for _ in forms]
    crossed = np.zeros((len(forms), n_groups, n_groups))
    between = np.zeros((len(forms), len(forms)))
    member = codes[:, None] == np.arange(n_groups)
    for t in range(n_periods):
        at_t = e[:, t, None] * member
        blocks = np.stack([at_t.T @ form.apply(at_t) for form in forms]) if forms else crossed
        for k in range(len(forms)):
            own[k][:, t] = np.diag(blocks[k])
        crossed = crossed + blocks if over_time else blocks
        if not over_time or t == n_periods - 1:
            both = crossed + crossed.transpose(0, 2, 1)
            both[:, np.arange(n_groups), np.arange(n_groups)] = 0.0
            between += 0.5 * np.einsum("igh,jgh->ij", both, both)
    share = np.mean(e**2)
    for form, squares in zip(forms, own, strict=True):
        expected = np.bincount(codes, weights=_diagonal(form, len(e)), minlength=n_groups) * share
        linear[:, :, model.place(form.name)] += (squares - expected[:, None]) / s2
    sums = linear.sum(axis=1) if over_time else linear.reshape(-1, linear.shape[2])
    total = sums.T @ sums
    places = [model.place(form.name) for form in forms]
    total[np.ix_(places, places)] += between / s2**2
    return total


def _diagonal(form: QuadraticForm, n: int) -> np.ndarray:
    """Return the diagonal of a form: exact up to the size at which pairs are, then from probes, to be summed."""
    if n > EXACT_PAIRS:
        z = np.random.default_rng(2001).choice([-1.0, 1.0], size=(n, N_PROBES))
        return (z * form.apply(z)).mean(axis=1)
    diagonal = np.empty(n)
    for block, unit in unit_blocks(n):
        diagonal[block] = form.apply(unit)[block, np.arange(len(block))]
    return diagonal
