"""What is done in another way where regions are many: what would take hours and tell nothing more, each with a note."""

from __future__ import annotations

from ronghe.linear.clusters import MANY_CLUSTERS
from ronghe.models.design.sample import Tables, sample_mask

# Rows from which a threshold is searched among 401 quantiles, and the draws of its tests there.
MANY_ROWS, DRAWS_OF_MANY = 10_000, 499


def lightened(specification: dict, data: Tables) -> tuple[dict, list[str]]:
    """Return a complete specification as it is estimated for so many regions, and a note on all that differs.

    Regions and rows are those of its own sample. Wild bootstraps are there for few clusters: with more than
    MANY_CLUSTERS the errors themselves are relied on.
    """
    sample = data.panel.index[sample_mask(specification.get("sample") or {}, data.panel, data)]
    regions, rows = sample.unique(0).size, len(sample)
    changed, notes = {}, []
    if regions > MANY_CLUSTERS and specification.get("wild_repetitions"):
        changed["wild_repetitions"] = 0
        notes.append(
            f"no wild bootstrap: it is for few clusters, and there are {regions:,} regions (more than {MANY_CLUSTERS})"
        )
    if rows > MANY_ROWS and specification["kind"] == "threshold":
        if specification["search"] == "all_values":
            changed["search"] = "quantiles"
            notes.append(f"the threshold is searched among 401 quantiles: there are {rows:,} rows")
        if specification["repetitions"] > DRAWS_OF_MANY:
            changed["repetitions"] = DRAWS_OF_MANY
            asked = specification["repetitions"]
            notes.append(f"{DRAWS_OF_MANY} draws in place of {asked:,} for each test: there are {rows:,} rows")
    return {**specification, **changed}, notes
