"""Settles the regions of a draft: which spellings are one region, what is a total, who is not in every table."""

from __future__ import annotations

from pathlib import Path

from ronghe.command.draft import Draft
from ronghe.command.looks import Look, is_number, plain, plain_figure, vocabulary
from ronghe.command.pairs import FEWEST
from ronghe.command.same_region import SameRegion
from ronghe.errors import listing


def settle_regions(draft: Draft) -> None:
    """Find the regions that tables share, what is a total, and which regions are not in every table."""
    # Names of different years may be one region, those of one file never.
    files = {table: [_regions_of(draft, one) for one in draft.members.get(table, [look])]
             for table, look in draft.looks.items()}  # fmt: skip
    lists = [names for parts in files.values() for names in parts]
    draft.same = same = SameRegion([*lists, *([list(draft.places)] if draft.places else [])])
    rows = {table: list(dict.fromkeys(name for names in parts for name in names)) for table, parts in files.items()}
    spelt: dict[str, dict[str, str]] = {}
    counts: dict[str, int] = {}
    short: list[str] = []
    for names in rows.values():
        keys = {name: same.key(name) for name in names}
        for name, (key, rule) in keys.items():
            spelt.setdefault(key, {})[name] = rule
        for key in {key for key, _ in keys.values()}:
            counts[key] = counts.get(key, 0) + 1
    for key, names in spelt.items():
        if counts[key] * 2 < len(rows) and len(rows) > 1:
            draft.ignore += list(names)
            why = f" ({same.unsure[next(iter(names))]})" if next(iter(names)) in same.unsure else ""
            draft.guesses.append(
                f"'{next(iter(names))}' stands in {counts[key]} tables only and is taken for no region{why}"
            )
            continue
        spelled_out = [n for n, rule in names.items() if rule in ("", "suffix")]
        region = max(spelled_out or [p for p in draft.places if same.key(p) == (key, "")] or names, key=len)
        draft.regions.append(region)
        draft.keys[key] = region
        aliases = [n for n, rule in names.items() if rule not in ("", "suffix") and n != region]
        if aliases:
            draft.aliases[region] = aliases
        for rule in sorted({rule for n, rule in names.items() if n in aliases}):
            others = [n for n, own in names.items() if own == rule and n != region]
            draft.guesses.append(f"'{region}' is also {', '.join(map(repr, others))} (matched by {rule})")
        short += [f"{n} = {region}" for n, rule in names.items() if rule in ("", "suffix") and n != region]
        if counts[key] < len(rows):
            draft.leave_out.append(region)
            draft.guesses.append(f"'{region}' is not in every table and is left out of the sample")
    # A row without figures is no region, unless its name stands beside figures elsewhere.
    draft.ignore = [name for name in draft.ignore if same.key(name)[0] not in draft.keys]
    if short:
        draft.guesses.append(f"taken for one, with and without suffix: {', '.join(short)}")
    for place in draft.places:
        key, rule = same.key(place)
        if key in draft.keys and rule not in ("", "suffix") and place not in draft.aliases.get(draft.keys[key], []):
            draft.guesses.append(f"the position of '{place}' is taken for '{draft.keys[key]}' (matched by {rule})")


def _regions_of(draft: Draft, look: Look) -> list[str]:
    """Return the names of regions in a table; totals and lines without figures are put among those to ignore."""
    words = {plain(word) for word in vocabulary()["totals"]}
    found: dict[str, None] = {}
    for row in look.body:
        name = row[look.region]
        empty = not any(is_number(plain_figure(cell)) for place, cell in enumerate(row) if place != look.region)
        if plain(name) in words or empty or not name:
            draft.ignore += [name] if name not in draft.ignore else []
        else:
            found[name] = None
    return list(found)


def write_regions(draft: Draft, path: Path) -> None:
    """Write the table of regions, with positions where a table gave them."""
    places = {draft.same.key(name)[0]: place for name, place in draft.places.items()}
    absent = [region for key, region in draft.keys.items() if key not in places]
    if places and absent:
        draft.unread.append(
            f"positions: none for {listing(absent)}; add them to {path.name}, for the weights by distance"
        )
        places = {}
        draft.places = {}
    lines = ["region,longitude,latitude" if places else "region"]
    lines += [",".join([region, *places.get(key, ())]) for key, region in draft.keys.items()]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def settle_pairs(draft: Draft) -> None:
    """Match the names of pairs with the regions; a table that speaks of other places is left out, and said."""
    kept = []
    for pairs in draft.pairs:
        if not pairs.names:
            kept.append(pairs)
            continue
        unknown = []
        for name in dict.fromkeys(pairs.names):
            key, rule = draft.same.key(name)
            region = draft.keys.get(key)
            if region is None:
                unknown.append(name)
            elif rule not in ("", "suffix") and name not in draft.aliases.get(region, []):
                draft.aliases.setdefault(region, []).append(name)
                draft.guesses.append(f"{pairs.place}: '{name}' is taken for '{region}' (matched by {rule})")
        known = {draft.keys.get(draft.same.key(name)[0]) for name in pairs.names} - {None}
        if len(known) < FEWEST:
            draft.unread.append(f"{pairs.place}: a table of pairs of {listing(unknown)}, which are no regions here")
            continue
        outside = [name for name in unknown if name and name not in draft.ignore]
        if outside:
            draft.ignore += outside
            draft.guesses.append(f"{pairs.place}: {listing(outside)} are no regions here and are left out")
        alone = [region for region in draft.regions if region not in known and region not in draft.leave_out]
        if alone:
            pairs.guesses.append(f"no neighbour is given for {listing(alone)}")
            pairs.alone = True
        if pairs.distances:
            pairs.guesses.append("the figures are distances: a weight is the inverse")
        elif pairs.kind == "flows":
            pairs.guesses.append("a region gives weight to where its flows go, each row to sum one")
        draft.guesses += [f"{pairs.place}: {guess}" for guess in pairs.guesses]
        kept.append(pairs)
    draft.pairs = kept
    borders = [pairs for pairs in kept if pairs.kind == "borders"]
    for pairs in borders[1:]:
        draft.unread.append(f"{pairs.place}: a second table of borders beside {borders[0].place}; keep one of the two")
        kept.remove(pairs)
