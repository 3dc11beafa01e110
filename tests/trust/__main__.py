"""`make trust`: bad input, faults, determinism and kernels, tried and written as tables into docs/trust.md."""

from __future__ import annotations

import csv
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / "tests"), str(PROJECT / "workflow/src")]

from trust.audit import audit  # noqa: E402
from trust.corpus import corpus, slips  # noqa: E402
from trust.determinism import determinism, kernels, pythons  # noqa: E402
from trust.faults import faults  # noqa: E402

PAGE = PROJECT / "docs/trust.md"
RESULTS = PROJECT / "results/trust"


WHATS = ("refused", "flagged", "silent")
TABLES: dict[str, tuple[Callable[[], list[tuple[str, ...]]], tuple[str, ...]]] = {
    "corpus": (corpus, ("part", "tried", "refused", "fine", "changed in silence", "traceback")),
    "slips": (slips, ("series", "slips", *(f"{what}, {way}" for way in ("without", "with") for what in WHATS))),
    "audit": (audit, ("question", "answer")),
    "faults": (faults, ("fault", "after the next run", "what was said")),
    "determinism": (determinism, ("setting", "raw tables to printed ones")),
    "kernels": (kernels, ("kernel", "largest difference in standard errors", "printed table, clean text")),
    "pythons": (pythons, ("version", "largest difference in standard errors", "printed table, clean text")),
}
WRONG = ("DIFFERENT", "NOT TOLD", "FAILED", "TOO LARGE", " failed")


def main() -> None:
    """Try everything, or the parts named, and put the tables into the page; a broken promise is the exit code."""
    broken = []
    for name in sys.argv[1:] or TABLES:
        function, heads = TABLES[name]
        begun = time.monotonic()
        rows = function()
        lines = [" | ".join(heads), " | ".join("---" for _ in heads), *(" | ".join(row) for row in rows)]
        table = "\n".join(f"| {line} |" for line in lines)
        page = PAGE.read_text(encoding="utf-8")
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        PAGE.write_text(pattern.sub(lambda m, t=table: f"{m[1]}{t}\n{m[2]}", page), encoding="utf-8")
        RESULTS.mkdir(parents=True, exist_ok=True)
        with open(RESULTS / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([heads, *rows])
        print(f"{table}\n{name}: {time.monotonic() - begun:.0f} s\n", flush=True)
        broken += [f"{name}: {row[0]}" for row in rows if any(word in cell for cell in row for word in WRONG)]
        broken += [f"{name}: {row[0]}" for row in rows if any(_some_missing(cell) for cell in row)]
    if broken:
        sys.exit("promises that do not hold: " + "; ".join(broken))


def _some_missing(cell: str) -> bool:
    """Return whether '3 of 4' stands in a cell, or another count that is not whole."""
    found = re.match(r"(\d+) of (\d+) ", cell)
    return bool(found) and found[1] != found[2]


if __name__ == "__main__":
    main()
