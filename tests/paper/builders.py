"""What several tests of the paper share: labels, the stored folder of a fit, an entry of a table, a check of TeX."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pandas as pd
from ronghe.frames import write_csv

LABELS = {
    "quality": {"en": "Manufacturing quality", "zh": "制造业质量"},
    "coagglomeration": {"en": "Co-agglomeration", "zh": "协同集聚"},
    "gdp_per_head": {"en": "GDP per head, 10% & more_#$", "zh": "人均 GDP"},
    "contiguity": {"en": "contiguity", "zh": "邻接"},
}


def write_fit(models: Path, name: str, terms: dict, impacts: dict | None = None, **facts: object) -> None:
    """Write the folder of one specification as the models stage does."""
    rows = []
    for term, (estimate, error) in terms.items():
        t = estimate / error
        p = math.erfc(abs(t) / math.sqrt(2))
        rows.append((term, estimate, error, t, p, estimate - 1.96 * error, estimate + 1.96 * error))
    columns = ["term", "estimate", "std_error", "statistic", "pvalue", "lower", "upper"]
    write_csv(pd.DataFrame(rows, columns=columns), models / name / "coefficients.csv")
    rows = [
        (v, e, b, s, b / s, 0.01, b - 1.96 * s, b + 1.96 * s)
        for v, effects in (impacts or {}).items()
        for e, (b, s) in effects.items()
    ]
    write_csv(pd.DataFrame(rows, columns=["variable", "effect", *columns[1:]]), models / name / "impacts.csv")
    tests = pd.DataFrame([("wald_sar", 9.5, 2, 0.00866, "")], columns=["test", "statistic", "df", "pvalue", "note"])
    write_csv(tests, models / name / "tests.csv")
    fit = {"specification": name, "kind": "spatial", "model": "sdm", "effects": "twoways", "method": "lee_yu",
           "cov_type": "expected", "weights": "contiguity", "outcome": "quality", "sample": "all",
           "nobs": 240, "n_units": 30, "n_periods": 8, "loglik": 512.3456, "rsquared_within": 0.41234,
           "sigma2": 0.00123, **facts}  # fmt: skip
    (models / name / "fit.json").write_text(json.dumps(fit))


def regression(**extra: object) -> dict:
    caption = {"en": "Main", "zh": "主要结果"}
    return {"kind": "regression", "caption": caption, "columns": ["fe", "sdm"], **extra}


def check_tex(text: str) -> list[str]:
    """Return what a TeX compiler would stop at: open groups, unlike columns, signs outside plain LaTeX."""
    faults: list[str] = []
    stack: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            stack.append(name)
        elif not stack or stack.pop() != name:
            faults.append(f"unbalanced {name}")
    faults += [f"open {name}" for name in stack]
    if text.replace(r"\{", "").count("{") != text.replace(r"\}", "").count("}"):
        faults.append("braces")
    spec = re.search(r"\\begin\{(?:tabular|longtable)\}\{(.*)\}\n", text)[1]
    bare = re.sub(r"[@>]\{[^{}]*(\{[^{}]*\})?[^{}]*\}|p\{[^}]*\}", lambda m: "p" if m[0][0] == "p" else "", spec)
    width = len(re.sub(r"[^lrcp]", "", bare))
    for line in text.splitlines():
        if line.rstrip("*").endswith(r"\\") and "caption" not in line:
            spans = sum(int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d+)\}", line))
            found = len(re.findall(r"(?<!\\)&", line)) + 1 + spans
            if found != width:
                faults.append(f"{found} cells for {width} columns: {line}")
    faults += [f"sign {sign!r}" for sign in set(text) if ord(sign) > 0x24F]
    return faults
