"""Many regions on one page: the means of larger regions, or a sample, in place of each region, and how it is said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ronghe.frames import read_csv

# Above this many regions a map of them all cannot be read, and their figures do not fit the page.
MOST_REGIONS = 400


@dataclass(frozen=True)
class Shown:
    """What stands for the regions of a panel: `how` is all, groups or sample, `place` the name that each goes under."""

    how: str
    of: int
    place: pd.Series

    @classmethod
    def of_panel(cls, path: str | Path, panel: pd.DataFrame) -> Shown:
        """Show every region, beyond MOST_REGIONS the larger regions of the table, without such evenly spaced names."""
        names = pd.Index(sorted(panel.index.unique("region")))
        if len(names) <= MOST_REGIONS:
            return cls("all", len(names), pd.Series(names, names))
        table = read_csv(path).set_index("region")
        groups = table["macro_region"].reindex(names) if "macro_region" in table else pd.Series(pd.NA, names)
        if groups.notna().all() and 1 < groups.nunique() <= MOST_REGIONS:
            return cls("groups", len(names), groups.astype(str))
        kept = names[[k * len(names) // MOST_REGIONS for k in range(MOST_REGIONS)]]
        return cls("sample", len(names), pd.Series(kept, kept))

    @property
    def count(self) -> int:
        """How many the page shows."""
        return self.place.nunique()

    def table(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows by `region` and `year` with what stands for the regions: means of groups, or those sampled."""
        if self.how == "all":
            return rows
        rows = rows[rows["region"].isin(self.place.index)]
        if self.how == "sample":
            return rows
        named = rows.assign(region=rows["region"].map(self.place))
        return named.groupby(["region", "year"]).mean(numeric_only=True).reset_index()

    def panel(self, panel: pd.DataFrame) -> pd.DataFrame:
        """Return a panel by (region, year) likewise."""
        return self.table(panel.reset_index()).set_index(["region", "year"]) if self.how != "all" else panel

    def regions(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of the table of regions, by name, that the page draws; a larger region has its name alone."""
        if self.how == "groups":
            return pd.DataFrame(index=pd.Index(sorted(self.place.unique()), name="region"))
        return table if self.how == "all" else table.loc[self.place.index]
