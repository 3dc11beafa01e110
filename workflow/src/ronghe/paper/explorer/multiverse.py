"""How sure: every specification of the multiverse, packed, so that the page counts all of them under any filter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from ronghe.frames import read_csv
from ronghe.models.multiverse import table
from ronghe.models.multiverse.declaration import CHOICES, Multiverse
from ronghe.models.multiverse.summary import LEVEL
from ronghe.models.terms import parse
from ronghe.paper.explorer.book import Book
from ronghe.paper.explorer.estimates import as_line
from ronghe.paper.explorer.numbers import packed, packed_fives, packed_pairs, short
from ronghe.paper.figures.specification_curve import level_name
from ronghe.paper.sources import Sources

# Of each member the page has its sign and significance, so that every share is exact, and of as many as there is room
# for, those whose scattered number is low, the estimate and its error; but of no fewer than these.
FEWEST = 20_000
GOLDEN = 2654435769  # 2^32 over the golden ratio: multiples of it, mod 2^32, spread evenly (Knuth 1998, section 6.4)
COLUMNS = ["specification", *CHOICES, "controls", "estimate", "std_error", "pvalue", "refused"]
# An estimate is a step of asinh(estimate / scale) on either side of ZERO; an error is a place in a book of errors,
# most of it quantiles, the rest spread over the whole span.
ZERO, STEPS, QUANTILES, SPREAD = 32768, 32000, 3200, 880


def multiverse(declared: Multiverse, folder: str, figures: dict, book: Book, room: int) -> dict:
    """Return the choices, the members packed into so many characters, and what was computed on all of them."""
    frame = table.read(Path(folder, "specifications.parquet"), COLUMNS)
    choices = {choice: [str(level) for level in declared.levels(choice)] for choice in CHOICES}
    codes = {c: frame[c].cat.set_categories(choices[c]).cat.codes.to_numpy() for c in CHOICES}
    below = threshold(len(frame), room)
    held = frame[scattered(frame["specification"].to_numpy()) < below]
    starts = _runs(codes)
    estimates, scale = pack_estimates(held)
    errors, book_of_errors = pack_errors(held)
    lists, cells = _cells(frame, codes, starts)
    return {
        "effect": book.name(declared.entry["effect"]),
        "standardised": bool(declared.entry["standardise"]),
        "choices": [_choice(choice, levels, figures, book) for choice, levels in choices.items()],
        "controls": [book.name(control) for control in declared.choose],
        "always": [book.name(control) for control in declared.always],
        "terms": _declared(declared),
        "method": declared.entry["method"],
        "members": len(frame),
        "held": len(held),
        "below": below,
        "states": packed_fives(states(frame)),
        "lists": lists,
        "cells": cells,
        "critical": _critical(frame, codes, starts),
        "estimates": estimates,
        "scale": scale,
        "errors": errors,
        "book": book_of_errors,
        **{name: _rows(Path(folder, f"{name}.csv")) for name in ("summary", "joint_test", "variances")},
        "file": f"{folder}/specifications.parquet",
        "curve": f"{folder}/curve.csv",
    }


def threshold(members: int, room: int) -> int:
    """Return the number below which the scattered number of a member lies that is held with estimate and error."""
    # Four characters for three bytes: nine members of which the state alone is known, or six sevenths of one in full.
    full = max(FEWEST, int((room - members * 4 / 9) / (4 / 3 * 3.5)))
    return 2**32 if full >= members else int(2**32 * full / members)


def scattered(numbers: np.ndarray) -> np.ndarray:
    """Return multiples of the golden ratio's 2^32 modulo 2^32: which of them are low says nothing of the choices."""
    return (numbers.astype(np.uint64) * np.uint64(GOLDEN)) % np.uint64(2**32)


def states(frame: pd.DataFrame) -> np.ndarray:
    """Return 0 for a refused member, 1 and 2 for one not above zero, 3 and 4 above it, the even ones significant."""
    known = (frame["refused"] == "").to_numpy()
    above, significant = (frame["estimate"] > 0).to_numpy(), (frame["pvalue"] < LEVEL).to_numpy()
    return np.where(known, 1 + 2 * above + significant, 0)


def pack_estimates(frame: pd.DataFrame) -> tuple[str, list[float]]:
    """Return the estimates packed, and scale and largest asinh; 0 is one that was refused, and no sign is lost."""
    values = frame["estimate"].to_numpy(float)
    known = (frame["refused"] == "").to_numpy()
    scale = float(np.median(np.abs(values[known]))) if known.any() else 1.0
    scale = scale or 1.0
    stretched = np.arcsinh(np.where(known, values, 0.0) / scale)
    largest = float(np.abs(stretched).max(initial=0.0)) or 1.0
    steps = np.round(stretched / largest * STEPS)
    steps = np.where((steps == 0) & (stretched != 0), np.sign(stretched), steps)
    return packed(np.where(known, steps + ZERO, 0)), [scale, largest]


def pack_errors(frame: pd.DataFrame) -> tuple[str, list[float]]:
    """Return the standard errors as packed places in a book, and the book; 0 is none."""
    errors = frame["std_error"].to_numpy(float)
    known = (frame["refused"] == "").to_numpy() & (errors > 0)
    logs = np.log(np.where(known, errors, 1.0))
    if not known.any():
        return packed_pairs(np.zeros(len(logs), int)), [1.0]
    evenly = np.linspace(logs[known].min(), logs[known].max(), SPREAD)
    # Rounded as they are written, so that what is nearest here is nearest there.
    book = np.unique(np.concatenate([np.quantile(logs[known], np.linspace(0, 1, QUANTILES)), evenly]).round(5))
    nearest = np.searchsorted((book[1:] + book[:-1]) / 2, logs)
    return packed_pairs(np.where(known, nearest + 1, 0)), book.tolist()


def _runs(codes: dict[str, np.ndarray]) -> np.ndarray:
    """Return where a run of members begins that differ in their controls only."""
    stacked = np.stack(list(codes.values()))
    changed = (np.diff(stacked, axis=1) != 0).any(axis=0)
    return np.concatenate([[0], np.flatnonzero(changed) + 1]) if stacked.shape[1] else np.array([], int)


def _cells(frame: pd.DataFrame, codes: dict[str, np.ndarray], starts: np.ndarray) -> tuple[list, list]:
    """Return the distinct lists of controls as bits, and each run as levels, first number and its list."""
    bits, numbers = frame["controls"].to_numpy(), frame["specification"].to_numpy()
    lists: dict[tuple[int, ...], int] = {}
    cells = []
    for start, end in zip(starts, [*starts[1:], len(frame)], strict=True):
        place = lists.setdefault(tuple(bits[start:end].tolist()), len(lists))
        cells.append([*(int(codes[choice][start]) for choice in CHOICES), int(numbers[start]), place])
    return [list(controls) for controls in lists], cells


def _critical(frame: pd.DataFrame, codes: dict[str, np.ndarray], starts: np.ndarray) -> list[float | None]:
    """Return for each run the quantile of t behind its p-values, from one near LEVEL in its sample and covariance."""
    t = np.abs(frame["estimate"] / frame["std_error"]).to_numpy(float)
    p = frame["pvalue"].to_numpy(float)
    usable, found = np.isfinite(t) & (p > 0), {}
    groups = codes["sample"].astype(int) * 1000 + codes["covariance"]
    for group in np.unique(groups):
        here = np.flatnonzero(usable & (groups == group))
        found[group] = quantile_behind(*_nearest(t, p, here)) if len(here) else None
    return [found[group] for group in groups[starts]]


def _nearest(t: np.ndarray, p: np.ndarray, here: np.ndarray) -> tuple[float, float]:
    place = here[np.argmin(np.abs(np.log(p[here] / LEVEL)))]
    return float(t[place]), float(p[place])


DEGREES = np.array([*range(1, 2001), np.inf])


def quantile_behind(t: float, p: float) -> float:
    """Return the 97.5 % quantile of the t distribution under which |t| has this p-value."""
    df = DEGREES[np.argmin(np.abs(2 * stdtr(DEGREES, -t) - p))]
    return round(float(stdtrit(df, 1 - LEVEL / 2)) if np.isfinite(df) else 1.959963984540054, 6)


def _choice(choice: str, levels: list[str], figures: dict, book: Book) -> dict:
    drawn = next((entry for entry in figures.values() if entry.get("kind") == "specification_curve"), {})
    sources = [Sources("figures", "curve", {"names": drawn.get("names", {})}, labels) for labels in book.labels]
    for level in levels:
        book.names.setdefault(f"{choice}/{level}", [level_name(source, choice, level) for source in sources])
    return {"key": choice, "name": book.call(f"choice/{choice}", lambda labels: labels.word(f"multiverse.{choice}")),
            "levels": levels}  # fmt: skip


def _declared(declared: Multiverse) -> dict[str, str]:
    """Return every term as an entry writes it, in one line, by its printed name."""
    terms = [*declared.entry["outcomes"], *declared.entry["treatments"], *declared.always_declared,
             *declared.choose_declared]  # fmt: skip
    return {parse(term).name: as_line(term) for term in terms}


def _rows(path: Path) -> list[dict]:
    rows = read_csv(path).to_dict("records")
    return [{k: v if isinstance(v, str) else short(v) for k, v in row.items()} for row in rows]
