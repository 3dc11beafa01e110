"""Writes what a look at a folder of tables found: the declaration of the dataset, and stages that are ready to run."""

from __future__ import annotations

import json
from pathlib import Path

from ronghe.clean.unit_words import without_unit
from ronghe.command.draft import UNSTATED, Draft, Found
from ronghe.command.looks import Look, spelt, vocabulary
from ronghe.default_stages import MARK, stages

DERIVED = {"gdp_per_head": "人均地区生产总值", "employment_total": "表中各行业就业人员合计"}


def quoted(value: object) -> str:
    """Return a value as YAML on one line."""
    return json.dumps(value, ensure_ascii=False)


def write_dataset(draft: Draft, path: Path) -> None:
    """Write config/datasets/NAME.yaml; every guess stands behind a mark."""
    lines = [f"# How the tables of {draft.folder} become one panel; begun by `ronghe new`, which marks each GUESS."]
    lines += [f"# Not read: {fault}" for fault in draft.unread]
    lines += [f"title: {quoted(draft.name)}", f"folder: {quoted(draft.folder)}", "", "units:"]
    lines += [f"  {quoted(unit)}: {{ base: {quoted(base)}, factor: {n} }}" for unit, (base, n) in draft.units.items()]
    columns = "region: region" + (", longitude: longitude, latitude: latitude" if draft.places else "")
    lines += ["", "regions:", "  file: regions.csv # written by `ronghe new` from the names in the tables"]
    lines += [f"  columns: {{ {columns} }}", f"  suffixes: {quoted(vocabulary()['suffixes'])}"]
    if draft.aliases:
        lines += [f"  aliases: {MARK}former names, codes and names in Latin letters that are taken for a region"]
        lines += [f"    {quoted(region)}: {quoted(names)}" for region, names in draft.aliases.items()]
    lines += [f"  ignore: {quoted(draft.ignore)} {MARK}these are no regions"] if draft.ignore else []
    for pairs in (p for p in draft.pairs if p.kind == "borders"):
        lines += ["", "adjacency: # who borders whom", f"  file: {quoted(pairs.file)}"]
        lines += [f"  {key}: {quoted(value)}" for key, value in pairs.options.items()]
        lines += [f"  columns: {quoted(pairs.columns)}"]
    lines += ["", "sample:", f"  years: [{draft.years[0]}, {draft.years[1]}] # the years that every table has"]
    lines += [f"  leave_out: {quoted(draft.leave_out)} {MARK}not in every table"] if draft.leave_out else []
    sectors = {f.sector: without_unit(f.written.split()[-1]) for f in draft.variables() if f.sector}
    if sectors:
        lines += ["", "sectors:"]
        lines += [f"  {s}: {{ en: {quoted(_words(s))}, zh: {quoted(zh)} }}" for s, zh in sectors.items()]
    lines += ["", "tables:"]
    for table, found in draft.found.items():
        lines += _table(table, draft.looks[table], found, draft.files.get(table))
    derived = _derived(draft)
    if derived:
        lines += ["", "derived:", *(f"  {name}: {{ {rule} }}" for name, (rule, _) in derived.items())]
    lines += ["", "labels:"]
    lines += [f"  {f.name}: {{ en: {quoted(_label(f))}, zh: {quoted(_chinese(f))} }}" for f in _alone(draft)]
    chinese = DERIVED | {f.name: without_unit(_chinese(f)) for f in draft.variables()}
    for name, (_, label) in derived.items():
        of = chinese.get(name.removeprefix("log_"))
        zh = f"{of}（对数）" if of and name.startswith("log_") else DERIVED.get(name, label)
        lines.append(f"  {name}: {{ en: {quoted(label)}, zh: {quoted(zh)} }}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _alone(draft: Draft) -> list[Found]:
    """Return the variables that do not belong to a family."""
    return [f for found in draft.found.values() for f in found if not (f.sector and len(_family(found)) >= 2)]


def _family(found: list[Found]) -> list[Found]:
    """Return the variables of a table that are sectors of the classification."""
    return [f for f in found if f.sector]


def _files(files: dict[int, dict]) -> list[str]:
    """Return the lines of the files of a table, one per year."""
    entries = {year: entry["file"] if set(entry) == {"file"} else entry for year, entry in files.items()}
    return ["    files: # one per year", *(f"      {year}: {quoted(entry)}" for year, entry in entries.items())]


def _table(table: str, look: Look, found: list[Found], files: dict[int, dict] | None) -> list[str]:
    """Return the lines of one file; where indicators stand side by side over the years, one table for each."""
    lines = []
    patterns = dict.fromkeys(f.key.get("pattern", "") for f in found)
    for number, pattern in enumerate(patterns):
        part = [f for f in found if f.key.get("pattern", "") == pattern]
        lines.append(f"  {table}{f'_{number + 1}' if number else ''}:")
        lines += _files(files) if files else [f"    file: {quoted(look.file)}"]
        lines += [f"    {key}: {quoted(value)}" for key, value in look.options.items()]
        lines += [f"    # GUESS: {guess}" for guess in look.guesses]
        key = {"region": look.headings[look.region]}
        if pattern:
            key["year"] = pattern
        elif look.year is not None:
            key["year"] = look.headings[look.year]
            if look.column(look.year)[0].endswith("年"):
                key["year_written"] = "{year}年"
        for name in ("indicator", "unit"):
            place = getattr(look, name)
            key |= {name: look.headings[place]} if place is not None else {}
        lines += [] if files else [f"    layout: {'wide' if pattern else 'long'}"]
        lines.append(f"    key: {quoted(key)}")
        family = _family(part) if len(_family(part)) >= 2 else []
        alone = [f for f in part if f not in family]
        if alone:
            lines += ["    variables:", *(line for f in alone for line in _variable(f))]
        if family:
            lines += _members(family)
    return lines


def _variable(found: Found) -> list[str]:
    entry = {k: found.key[k] for k in ("column", "indicator") if k in found.key} | {"unit": found.unit}
    body = ", ".join(f"{k}: {quoted(v)}" for k, v in entry.items())
    notes = [found.note] if found.note else []
    if found.gap:
        body += ", gap: { interpolate: 2 }"
        notes.append(f"{found.gap} missing figures are put on a straight line, at most 2 years in a row")
    return [f"      {found.name}: {{ {body} }}" + (f" {MARK}{'; '.join(notes)}" if notes else "")]


def _members(family: list[Found]) -> list[str]:
    """Return the lines of a family of sectors; a gap is treated in the sector that has it."""
    first = family[0]
    column = {"column": first.key["column"]} if "indicator" in first.key else {}
    lines = ["    families:", "      employment: # GUESS: persons by sector of the national classification"]
    lines += [f"        column: {quoted(column['column'])}"] if column else []
    lines += [
        f"        unit: {quoted(first.unit)}",
        f"        label: {{ en: {quoted(f'Employment: {{sector}} ({first.unit})')}, "
        f"zh: {quoted(f'{{sector}}就业人员（{first.unit}）')} }}",
        "        members:",
    ]
    for f in family:
        written = f.key.get("indicator") or f.key.get("column")
        gap = f"{{ written: {quoted(written)}, gap: {{ interpolate: 2 }} }} {MARK}{f.gap} missing figures"
        lines.append(f"          {f.sector}: {gap if f.gap else quoted(written)}")
    return lines


def _words(name: str) -> str:
    return vocabulary()["print"].get(name) or name.replace("_", " ").capitalize()


def _small(words: str) -> str:
    """Return words as they stand inside a label: an abbreviation keeps its capitals."""
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


def _chinese(found: Found) -> str:
    """Return how a variable is called in Chinese: as its table writes it, or by the usual word."""
    usual = vocabulary()["variables"].get(found.name, [""])[0]
    return usual if found.written.isascii() and not usual.isascii() else found.written


def _label(found: Found) -> str:
    return _words(found.name) + (f" ({found.unit})" if found.unit != UNSTATED else "")


def _derived(draft: Draft) -> dict[str, tuple[str, str]]:
    """Return the variables to derive: rule and label."""
    there = {f.name: f for f in draft.variables()}
    derived = {}
    if {"gdp", "population"} <= set(there) and UNSTATED not in (there["gdp"].unit, there["population"].unit):
        unit = f"{there['gdp'].unit}/{there['population'].unit}"
        derived["gdp_per_head"] = ("per: [gdp, population]", f"GDP per head ({unit})")
        derived["log_gdp_per_head"] = ("log: gdp_per_head", "ln GDP per head")
    if "employment_total" not in there and len(_sector_names(draft)) >= 2:
        names = ", ".join(f"employment_{s}" for s in _sector_names(draft))
        derived["employment_total"] = (f"sum: [{names}]", "Employment, all sectors of the table")
    for found in _alone(draft):
        if found.positive and found.unit not in ("%", UNSTATED):
            derived[f"log_{found.name}"] = (f"log: {found.name}", f"ln {_small(_words(found.name))}")
    return derived


def _sector_names(draft: Draft) -> list[str]:
    return [f.sector for found in draft.found.values() if len(_family(found)) >= 2 for f in _family(found)]


def weights_lines(draft: Draft) -> tuple[list[str], bool]:
    """Return the weights that tables of pairs allow, and whether the borders leave a region without neighbour."""
    lines, alone = [], False
    for pairs in draft.pairs:
        if pairs.kind == "borders":
            alone = pairs.alone
            continue
        taken = {line.split(":")[0].strip() for line in lines}
        name = _free(spelt(Path(pairs.file).stem) or ("flows" if pairs.kind == "flows" else "matrix"), taken)
        entry = [f"kind: {'flows' if pairs.kind == 'flows' else 'file'}", f"file: {quoted(pairs.path)}"]
        entry += [f"read: {quoted(pairs.options)}"] if pairs.options else []
        entry += [f"columns: {quoted(pairs.columns)}"] if pairs.columns else []
        if pairs.kind == "flows":
            before = [year for year in pairs.years if year < draft.years[0]]
            # Years before the sample, where the table has them, keep the weights from what the model explains.
            entry += [f"years: [{min(before)}, {max(before)}]"] if before else []
            entry += ["direction: sent", "own_flows: drop", "standardise: row"]
        elif pairs.distances:
            entry.append("values: distances")
        entry += ["islands: keep"]
        notes = f" {MARK}{'; '.join(pairs.guesses)}" if pairs.guesses else ""
        lines.append(f"  {name}: {{ {', '.join(entry)} }}{notes}")
    return lines, alone


def _free(name: str, taken: set[str]) -> str:
    return name if name not in taken else next(f"{name}_{n}" for n in range(2, 99) if f"{name}_{n}" not in taken)


def write_stages(draft: Draft, dataset: dict, folder: Path) -> None:
    """Write measures, weights, specifications and tables that run on what was found."""
    lines, alone = weights_lines(draft)
    texts = stages(dataset, f"config/datasets/{draft.name}.yaml", lines, alone)
    write_texts(draft.name, texts, folder)


def write_texts(name: str, texts: dict[str, str], folder: Path) -> None:
    """Write the text of each stage of a dataset into its folder."""
    folder.mkdir(parents=True)
    for stage, text in texts.items():
        opening = f"# {stage.capitalize()} of {name}, in place of config/{stage}.yaml; begun by `ronghe`."
        (folder / f"{stage}.yaml").write_text(f"{opening}\n{text}\n", encoding="utf-8")
