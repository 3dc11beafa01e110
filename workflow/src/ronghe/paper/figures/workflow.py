"""The workflow itself as a figure: stages in a row, their rules below, drawn from what the Snakefile declares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ronghe.paper.sources import Sources

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STAGES = ("clean", "measures", "weights", "explore", "models", "paper")

_RULE = re.compile(
    r"^(?:rule|checkpoint|use rule \w+ as) (\w+)(?: with)?:\s*\n(?:\s+\"\"\"(.*?)\"\"\")?"
    # Rules of a loop, such as one for each kind or section, stand for one: what their names begin with.
    r"|^    rule:\n        name:\n            f\"(\w+?)_\{",
    re.MULTILINE | re.DOTALL,
)


def draw(source: Sources) -> Figure:
    """Draw the rules of the workflow."""
    stages = source.get("order", STAGES)
    return draw_workflow(read_rules(source.files), stages, source.names(stages))


def read_rules(paths: Iterable[str]) -> pd.DataFrame:
    """List the rules of the stages' files in order: stage, rule, what its docstring says; target rules are left out."""
    rows = []
    for path in map(Path, paths):
        stage = path.stem
        for single, said, looped in _RULE.findall(path.read_text(encoding="utf-8")):
            if (name := single or looped) != stage:
                rows.append({"stage": stage, "rule": name, "says": " ".join(said.split())})
    return pd.DataFrame(rows, columns=["stage", "rule", "says"])


def draw_workflow(rules: pd.DataFrame, stages: Sequence[str], names: dict[str, str]) -> Figure:
    """Draw one column per stage with its rules in boxes, and arrows from stage to stage."""
    import matplotlib.pyplot as plt
    from matplotlib.patches import FancyBboxPatch

    most = max((int((rules["stage"] == s).sum()) for s in stages), default=1)
    figure, axis = plt.subplots(figsize=(6.2, 0.6 + 0.2 * max(most, 3)))
    for place, stage in enumerate(stages):
        axis.add_patch(
            FancyBboxPatch(
                (place + 0.06, -0.9),
                0.84,
                0.8,
                boxstyle="round,pad=0.02,rounding_size=0.06",
                facecolor="0.88",
                edgecolor="black",
                linewidth=0.7,
            )  # fmt: skip
        )
        axis.text(place + 0.48, -0.5, names.get(stage, stage), ha="center", va="center", fontsize=7.5)
        if place:
            axis.annotate("", (place + 0.05, -0.5), (place - 0.09, -0.5),
                          arrowprops={"arrowstyle": "->", "linewidth": 0.8})  # fmt: skip
        for row, rule in enumerate(rules.loc[rules["stage"] == stage, "rule"]):
            axis.text(place + 0.48, -1.55 - 0.8 * row, rule.replace("_", " "), ha="center", va="center", fontsize=5.2)
    axis.set_xlim(-0.02, len(stages))
    axis.set_ylim(-1.4 - 0.8 * max(most, 1), 0.1)
    axis.set_axis_off()
    return figure
