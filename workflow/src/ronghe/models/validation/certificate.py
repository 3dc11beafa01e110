"""The certificate of a specification: which intervals and tests hold on its own regions, years, weights and data."""

from __future__ import annotations

import pandas as pd

from ronghe.models.design.design import build, terms_of
from ronghe.models.design.weights import frames_of, weights_of
from ronghe.models.estimate import Data, with_defaults
from ronghe.models.report import small_sample_facts
from ronghe.models.validation.part import Part, marked, part_of
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.uncertainty.certificate import certificate
from ronghe.spatial.uncertainty.designs import DESIGNS
from ronghe.spatial.uncertainty.verdict import FLOOR, Certificate, quantity_summary

# What a specification's covariance, small_sample and df are called in the certificate.
USED = {
    ("clustered", "clusters", "clusters"): "CR1, t(G-1)",
    ("clustered", "CR1", "clusters"): "CR1, t(G-1)",
    ("clustered", "CR2", "clusters"): "CR2, t(G-1)",
    ("clustered", "CR2", "satterthwaite"): "CR2, Satterthwaite",
    ("clustered", "CR2", "working"): "CR2, working df",
    ("clustered", "corrected", "satterthwaite"): "corrected",
    ("clustered", "working_pairs", "working"): "CR2, working pairs",
    ("clustered", "CR3", "clusters"): "CR3, t(G-1)",
    ("clustered", "CR3", "satterthwaite"): "CR3, Satterthwaite",
    ("clustered", "CR3", "working"): "CR3, working df",
    ("clustered", "jackknife", "clusters"): "CR3, t(G-1)",
}


def certify(
    specification: dict, data: Data, settings: dict, seed: int, cores: int | None = None
) -> tuple[dict[str, pd.DataFrame], dict]:
    """Return the tables (intervals, sizes, summary, choice) and the verdict.

    The verdict names the method that the tables of the paper use, and the one that the certificate speaks for. Of many
    regions a part of the map is taken, and verdict and tables say so.

    Draws are made at the specification's own estimates and, where `settings` has a `truth`, at these values too.
    """
    specification = with_defaults(specification)
    data, part = part_of(specification, data)
    design = build(specification, data)
    W, _ = weights_of(specification, data, design)
    options = {key: specification[key] for key in ("model", "effects", "method", "durbin") if key in specification}
    model = SpatialPanel(*frames_of(design), W, **options)
    truth = settings.get("truth", {})
    found = certificate(
        model,
        [t.name for t in terms_of(specification, "treatment")][0],
        repetitions=settings["repetitions"],
        seed=seed,
        truths={", ".join(f"{k} {v:g}" for k, v in truth.items()): truth} if truth else None,
        hypotheses=("sar", "sem", "slx") if specification["model"] == "sdm" and "durbin" not in specification else (),
        cores=cores,
    )
    tables = {
        "intervals": found.intervals,
        "sizes": found.sizes,
        "largest_sizes": _largest(found.sizes),
        "summary": found.summary.reset_index(),
        "choice": found.choice.reset_index(),
    }
    return marked(tables, part), _verdict(specification, found, settings, part)


def used_method(specification: dict) -> str | None:
    """Return what the certificate calls the intervals that a specification reports; None where it tries none so."""
    if specification["covariance"] == "expected":
        return "independent errors, normal"
    few = small_sample_facts(specification, "none")
    return USED.get((specification["covariance"], few["small_sample"], few["df"]))


def _largest(sizes: pd.DataFrame) -> pd.DataFrame:
    """Return the largest size of every test of a hypothesis over the designs."""
    named = sizes.assign(label=sizes["test"] + ", " + sizes["version"])
    return named.groupby(["label", "hypothesis"], sort=False, as_index=False)["size"].max()


def _verdict(specification: dict, found: Certificate, settings: dict, part: Part | None) -> dict:
    used = used_method(specification)
    rows = {name: _row(found.summary.loc[name]) for name in found.summary.index}
    said = found.verdict
    if used is None:
        said = f"the intervals of '{specification['name']}' are none of those tried; {said}"
    elif not rows[used]["holds"]:
        said = f"'{used}', which '{specification['name']}' uses, does not hold {100 * FLOOR:.0f} %; {said}"
    elif used != found.method:
        said = f"'{used}', which '{specification['name']}' uses, holds; another is shorter: {said}"
    said += _by_quantity(found, used)
    largest = _largest(found.sizes).groupby("label", sort=False)["size"].max()
    return {
        "specification": specification["name"],
        "repetitions": settings["repetitions"],
        "designs": {name: about for name, (_, about) in DESIGNS.items()},
        "used": used,
        "chosen": found.method,
        "holds": bool(used is not None and rows[used]["holds"]),
        **({"used_lowest": rows[used]["lowest"], "used_length": rows[used]["length_ratio"]} if used else {}),
        "methods": rows,
        "by_quantity": {name: _row(row) for name, row in found.choice.iterrows()},
        "test": found.test,
        "largest_sizes": {label: float(size) for label, size in largest.items()},
        "verdict": f"{part}: {said}" if part else said,
        **({"part": str(part)} if part else {}),
    }


def _by_quantity(found: Certificate, used: str | None) -> str:
    """Return what is said of the quantities that the method in use covers too often, where another one does not."""
    said = ""
    for name, row in found.choice.iterrows():
        own = quantity_summary(found.intervals, name)
        if row["within"] and used in own.index and own.at[used, "holds"] and not own.at[used, "within"]:
            said += (
                f"; {name} is covered in {_range(own.loc[used])} of the draws, by '{row['chosen']}' in {_range(row)}"
            )
    return said


def _range(row: pd.Series) -> str:
    return f"{100 * row['lowest']:.1f} to {100 * row['highest']:.1f} %"


def _row(row: pd.Series) -> dict:
    kinds = {"chosen": str, "holds": bool, "within": bool}
    return {name: kinds.get(name, float)(value) for name, value in row.items()}
