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
    r"^ *(?:rule|checkpoint|use rule \w+ as) (\w+)(?: with)?:\s*\n(?:\s+\"\"\"(.*?)\"\"\")?", re.MULTILINE | re.DOTALL
)
# A rule that a loop makes for each value of a variable is named by both: estimate_{KIND}.
_LOOPED = re.compile(r"^ *rule:\s*\n\s*name:\s*\n?\s*f\"(\w+_)\{(\w+)\}\"", re.MULTILINE)


def draw(source: Sources) -> Figure:
    """Draw the rules of the workflow."""
    stages = source.get("order", STAGES)
    rules = read_rules(source.files)
    return draw_workflow(rules, stages, source.names([*stages, *rules["rule"]]))


def read_rules(paths: Iterable[str]) -> pd.DataFrame:
    """List the rules of the stages' files in order: stage, rule, what its docstring says; target rules are left out."""
    rows = []
    for path in map(Path, paths):
        stage, text = path.stem, path.read_text(encoding="utf-8")
        looped = [(start + variable.lower(), "") for start, variable in _LOOPED.findall(text)]
        for name, said in [*looped, *_RULE.findall(text)]:
            if name != stage:
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
            axis.text(
                place + 0.48,
                -1.55 - 0.8 * row,
                names.get(rule, rule).replace("_", " "),
                ha="center",
                va="center",
                fontsize=6,
            )
    axis.set_xlim(-0.02, len(stages))
    axis.set_ylim(-1.4 - 0.8 * max(most, 1), 0.1)
    axis.set_axis_off()
    return figure
