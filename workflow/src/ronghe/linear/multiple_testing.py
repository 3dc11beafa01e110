"""Multiple testing over a family of estimates: two stepdown methods from bootstrap draws, and Holm's from statsmodels.

Romano and Wolf's and Westfall and Young's methods are ours: statsmodels adjusts p-values alone, without draws.
"""

from __future__ import annotations

import numpy as np

from ronghe.late_imports import UNUSED, late


def romano_wolf(statistics: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Return stepdown p-values that control the family-wise error rate (Romano and Wolf 2016, section 4.1).

    `statistics` are t statistics of the family, `draws` their bootstrap counterparts under the null (repetitions x
    members, centred at the estimates). Hypotheses are taken in order of |t|; each is compared with the greatest |t*| of
    those not yet taken, p = (1 + #{max >= |t|})/(1 + repetitions), and p-values never fall along the order.

    >>> draws = np.random.default_rng(0).standard_normal((999, 3))
    >>> romano_wolf(np.array([3.4, 0.5, -2.6]), draws).round(2)
    array([0.  , 0.62, 0.02])
    """
    size = np.abs(statistics)
    order = np.argsort(-size, kind="stable")
    ranked = np.abs(draws)[:, order]
    greatest = np.maximum.accumulate(ranked[:, ::-1], axis=1)[:, ::-1]
    p = (1 + np.sum(greatest >= size[order], axis=0)) / (1 + len(draws))
    result = np.empty(len(size))
    result[order] = np.maximum.accumulate(p)
    return result


def westfall_young(statistics: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Return stepdown p-values from the least single p-value (Westfall and Young 1993, algorithm 2.8).

    The same stepdown with every statistic first turned into its own bootstrap p-value: a member whose t has heavy tails
    does not weigh on the others, as it does in the greatest |t|.

    >>> draws = np.random.default_rng(0).standard_normal((999, 3))
    >>> westfall_young(np.array([3.4, 0.5, -2.6]), draws).round(2)
    array([0.  , 0.62, 0.02])
    """
    size, B = np.abs(draws), len(draws)
    ordered = np.sort(size, axis=0)
    columns = range(size.shape[1])

    def single(values: np.ndarray) -> np.ndarray:
        below = [np.searchsorted(ordered[:, j], values[..., j] * (1 - 1e-12), side="left") for j in columns]
        return (1 + B - np.stack(below, axis=-1)) / (1 + B)

    return romano_wolf(-np.log(single(np.abs(statistics))), -np.log(np.minimum(single(size), 1.0)))


def holm(pvalues: np.ndarray) -> np.ndarray:
    """Return Holm's (1979) adjusted p-values, which hold under any dependence.

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    with late(*UNUSED, "statsmodels.regression"):
        from statsmodels.stats.multitest import multipletests

    return multipletests(pvalues, method="holm")[1]
