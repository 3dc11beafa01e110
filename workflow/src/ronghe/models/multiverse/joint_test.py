"""Joint test of a multiverse: the whole curve refitted where the treatment does nothing, by one of two nulls."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri

from ronghe.models.estimate import Data
from ronghe.models.multiverse import permuted, table, wild
from ronghe.models.multiverse.declaration import Multiverse, Setting
from ronghe.models.multiverse.settings import Refusal, Settings
from ronghe.models.multiverse.summary import LEVEL
from ronghe.progress import Progress
from ronghe.threads import one_thread

NULLS = {"permuted": permuted.Permuted, "wild": wild.Wild}
# Draws done together; fixed, so that results depend on neither shards nor cores.
TOGETHER = 251
STATISTICS = ("median", "share_dominant", "mean_z")
DRAW_COLUMNS = ["null", "draw", *STATISTICS, "specifications"]


def redraw_shard(
    null: str, multiverse: Multiverse, samples: dict[str, dict], data: Data, path: str, shard: int, n_shards: int
) -> pd.DataFrame:
    """Return the statistics of the curve for every n-th block of draws; draw 0 is the data as they are.

    Under the null that the treatment does nothing, the observed curve is one draw of many (Simonsohn, Simmons and
    Nelson 2020, their inferential statistics). A draw is the same for all specifications of its curve.
    """
    entry = multiverse.entry["joint_test"]
    chosen = sample(path, entry["specifications"], multiverse)
    blocks = [range(k, min(k + TOGETHER, entry["draws"] + 1)) for k in range(0, entry["draws"] + 1, TOGETHER)]
    mine = blocks[shard::n_shards]
    source = Settings(multiverse, samples, data)
    size = sum(len(members) for members in chosen.values())
    progress = Progress(f"null '{null}', shard {shard + 1} of {n_shards}", size * sum(map(len, mine)), "fits")
    estimates = [np.full((len(block), size), np.nan) for block in mine]
    chances = [np.full((len(block), size), np.nan) for block in mine]
    place = 0
    with one_thread():
        for setting, members in chosen.items():
            here = slice(place, place + len(members))
            place += len(members)
            try:
                redrawn = NULLS[null](source, setting, members)
            except Refusal:
                continue
            for k, block in enumerate(mine):
                estimates[k][:, here], chances[k][:, here] = redrawn.refit(block)
                progress.add(len(block) * len(members))
    rows = [
        {"null": null, "draw": draw, **curve_statistics(values, chance)}
        for block, e, p in zip(mine, estimates, chances, strict=True)
        for draw, values, chance in zip(block, e, p, strict=True)
    ]
    return pd.DataFrame(rows, columns=DRAW_COLUMNS)


def sample(path: str, count: int, multiverse: Multiverse) -> dict[Setting, np.ndarray]:
    """Return specifications drawn from those with numbers, as places within each setting."""
    first = str(multiverse.levels("covariance")[0])
    frame = table.read(path, ["specification", "covariance", "refused"])
    able = frame.loc[(frame["refused"] == "") & (frame["covariance"] == first), "specification"].to_numpy()
    drawn = np.random.default_rng([multiverse.seed, 1]).choice(len(able), min(count, len(able)), replace=False)
    numbers = able[np.sort(drawn)]
    settings = multiverse.settings()
    starts = np.cumsum([0, *(multiverse.count(s) for s in settings)])
    owner = np.searchsorted(starts, numbers, side="right") - 1
    return {settings[k]: numbers[owner == k] - starts[k] for k in np.unique(owner)}


def curve_statistics(estimates: np.ndarray, chances: np.ndarray) -> dict[str, float]:
    """Return the median, the share significant in the more frequent direction, and the mean z-value of one curve."""
    seen = np.isfinite(estimates) & np.isfinite(chances)
    values, chance = estimates[seen], np.maximum(chances[seen], 1e-300)
    significant = chance < LEVEL
    signs = np.sign(values)
    shares = (significant & (signs > 0)).mean(), (significant & (signs < 0)).mean()
    return {
        "median": float(np.median(values)),
        "share_dominant": float(max(shares)),
        "mean_z": float((-ndtri(chance / 2) * signs).mean()),
        "specifications": int(seen.sum()),
    }


def joint_test(draws: pd.DataFrame) -> pd.DataFrame:
    """Return each statistic of the observed curve beside its distribution under each null, and a code of what it says.

    Two-sided: p = (1 + number of draws at least as far from zero) / (1 + draws). `beyond_chance` below .05,
    `within_chance` otherwise.
    """
    rows = []
    for null, part in draws.sort_values("draw").groupby("null", sort=False):
        observed, drawn = part[part["draw"] == 0].iloc[0], part[part["draw"] > 0]
        for name in STATISTICS:
            far = np.abs(drawn[name].to_numpy())
            pvalue = (1 + int((far >= abs(observed[name]) * (1 - 1e-12)).sum())) / (1 + len(drawn))
            rows.append({
                "null": null,
                "statistic": name,
                "observed": observed[name],
                "null_median": drawn[name].median(),
                "null_lower": drawn[name].quantile(0.025),
                "null_upper": drawn[name].quantile(0.975),
                "pvalue": pvalue,
                "draws": len(drawn),
                "specifications": int(observed["specifications"]),
                "conclusion": "beyond_chance" if pvalue < LEVEL else "within_chance",
            })  # fmt: skip
    return pd.DataFrame(rows)
