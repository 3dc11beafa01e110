"""What a declaration says in full: every variable with its unit, every derivation in order, every file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ronghe.clean.unit_words import units_in
from ronghe.clean.units import PLAIN, Units, in_words
from ronghe.clean.variable import Variable
from ronghe.clean.yearly import check_files, files, in_year
from ronghe.clean.yearly import named_files as files_of
from ronghe.errors import RongheError, listing, nearest, require_known

OPERATIONS = ("ratio", "share", "per", "product", "sum", "difference", "log", "lag", "growth", "deflate", "winsorise")
RECOMPUTATIONS = ("annual_growth", "growth", "change_rate", "sum", "quotient", "implied_growth")
FLAG_KINDS = ("filled", "converted", "trimmed", "suspicious", "break")
WORDS = ("definition", "title", "label")
# Keys of tables, and what models call their parameters and outcome.
COLUMN_NAMES = ("region", "year", "const", "rho", "lambda", "sigma2", "y")
RESERVED = ("panel", "series", "flags", "checks", "regions", "sectors", "adjacency", "input_output", "codebook")


@dataclass(frozen=True)
class Derivation:
    """One variable made of others: operation, operands with the factor of each, settings, unit."""

    name: str
    entry: str
    operation: str
    operands: tuple[str, ...]
    factors: tuple[float, ...]
    settings: dict
    unit: str
    jump: float | None
    definition: str


def variables(dataset: dict, where: str = "dataset") -> dict[str, Variable]:
    """Return every variable read from the raw tables, those of families under FAMILY_SECTOR."""
    units, found = Units(dataset["units"], where), {}
    for table, declared in dataset["tables"].items():
        for name, entry, handling in _entries(dataset, table, where):
            if name in COLUMN_NAMES:
                raise RongheError(f"{where}: {entry}: '{name}' is a name of tables or models; choose another")
            if name in found:
                raise RongheError(f"{where}: {entry}: '{name}' is already declared at {found[name].entry}")
            _check_layout(handling, declared, f"{where}: {entry}", table)
            # The headings of many files are each held against the unit of its own file, below.
            for heading in () if "files" in declared else (handling.get("column", ""), handling.get("indicator", "")):
                _check_heading(heading, handling["unit"], units, entry, "the heading")
            target = units.name(handling.get("target", handling["unit"]), entry)
            low, high = handling.get("range", (None, None))
            if low is not None and high is not None and low > high:
                raise RongheError(f"{where}: {entry}.range: {low} is above {high}; write [lowest, highest]")
            found[name] = Variable(
                name=name,
                entry=entry,
                table=table,
                column=handling.get("column"),
                indicator=handling.get("indicator"),
                written_unit=handling["unit"],
                unit=target,
                factor=float(units.factor(handling["unit"], target, entry)),
                range=(low, high),
                gap=handling.get("gap", "refuse"),
                jump=handling.get("jump"),
                jump_above=handling.get("jump_above", 0.0),
                plausible=handling.get("plausible"),
                definition=handling.get("definition", ""),
            )
        mine = [variable for variable in found.values() if variable.table == table]
        check_files(table, declared, mine, where)
        for year in files(declared):
            for own in (in_year(variable, declared, year, units) for variable in mine):
                for heading in (own.column or "", own.indicator or ""):
                    _check_heading(heading, own.written_unit, units, own.entry, "the heading")
    _check_gaps(found, units, where)
    return found


def _entries(dataset: dict, table: str, where: str) -> Iterator[tuple[str, str, dict]]:
    """Yield (variable, place in the declaration, its settings) of one table, families spelled out."""
    declared = dataset["tables"][table]
    if not declared.get("variables") and not declared.get("families"):
        raise RongheError(f"{where}: tables.{table}: names no variable; add variables or families")
    for name, handling in declared.get("variables", {}).items():
        yield name, f"tables.{table}.variables.{name}", handling
    for family, handling in declared.get("families", {}).items():
        place = f"tables.{table}.families.{family}"
        if family in RESERVED:
            raise RongheError(f"{where}: {place}: '{family}' is the name of another table; choose another")
        for sector, member in handling["members"].items():
            own = {"written": member} if isinstance(member, str) else dict(member)
            written = own.pop("written")
            require_known(sector, dataset.get("sectors", {}), "sector", f"{where}: {place}.members")
            heading = {"indicator": written} if "indicator" in declared["key"] else {"column": written}
            own = {**handling, **own, **heading}
            if own.get("plausible", {}).get("per"):
                own["plausible"] = {**own["plausible"], "per": own["plausible"]["per"].replace("{sector}", sector)}
            yield f"{family}_{sector}", f"{place}.members.{sector}", own


def _check_layout(handling: dict, table: dict, where: str, name: str) -> None:
    """Refuse a variable that does not say where in its table the figures stand."""
    key = table["key"]
    if table.get("layout") == "wide":
        if "{year}" not in key.get("year", ""):
            raise RongheError(f"{where}: tables.{name}.key.year must hold {{year}}, such as '{{year}}年'")
        if "column" in handling:
            raise RongheError(
                f"{where}: 'column' belongs to the layout long; this table is wide, its columns are years"
            )
    elif "column" not in handling:
        raise RongheError(f"{where}: the key 'column' is missing (the heading of the figures)")
    if ("indicator" in handling) != ("indicator" in key):
        missing, there = ("indicator", "key.indicator") if "indicator" in key else ("key.indicator", "indicator")
        raise RongheError(f"{where}: '{there}' is given and '{missing}' is not; give both or neither")


def _check_heading(heading: str, unit: str, units: Units, entry: str, place: str) -> None:
    """Refuse a unit that a heading of the table contradicts."""
    for written in units_in(heading):
        if units.contradiction(written, unit, entry):
            raise RongheError(
                f"{units.where}: {entry}: the unit is '{unit}', but {place} says '{heading}'; if the heading is right "
                f"write unit: '{written}' (declared under units), and 'target' for the unit wanted"
            )


def check_title(title: Iterable[str], declared: Iterable[Variable], dataset_units: dict, where: str) -> None:
    """Refuse the unit of a variable whose own heading is silent where the lines above the table name another."""
    units = Units(dataset_units, where)
    said = [written for line in title for written in units_in(line)]
    for variable in declared:
        silent = not units_in(f"{variable.column or ''} {variable.indicator or ''}")
        if said and silent and all(units.contradiction(w, variable.written_unit, variable.entry) for w in said):
            raise RongheError(
                f"{where}: {variable.entry}: the unit is '{variable.written_unit}', but the lines above the table say "
                f"'{said[0]}'; if they are right write unit: '{said[0]}', and 'target' for the unit wanted"
            )


def _check_gaps(found: dict[str, Variable], units: Units, where: str) -> None:
    for variable in found.values():
        if isinstance(variable.gap, dict) and "series" in variable.gap:
            entry, other = f"{variable.entry}.gap", variable.gap["series"]
            require_known(other, found, "variable", f"{where}: {entry}")
            units.factor(found[other].unit, variable.unit, entry)
            if isinstance(found[other].gap, dict) and "series" in found[other].gap:
                raise RongheError(
                    f"{where}: {entry}: '{other}' takes its own gaps from elsewhere; name the last source"
                )


def derivations(dataset: dict, where: str = "dataset") -> list[Derivation]:
    """Return the derived variables in an order in which each finds its operands, with units worked out."""
    units = Units(dataset["units"], where)
    unit_of = {name: variable.unit for name, variable in variables(dataset, where).items()}
    declared = dataset.get("derived", {})
    ordered: list[Derivation] = []
    for name in declared:
        if name in COLUMN_NAMES:
            raise RongheError(f"{where}: derived.{name}: '{name}' is a name of tables or models; choose another")
        if name in unit_of:
            raise RongheError(f"{where}: derived.{name}: '{name}' is already read from a table; choose another name")
    for name in _in_order(declared, tuple(unit_of), where):
        derivation = _derive_entry(name, declared[name], unit_of, units, where)
        unit_of[name] = derivation.unit
        ordered.append(derivation)
    return ordered


def _in_order(declared: dict, known: tuple[str, ...], where: str) -> list[str]:
    """Sort derived names so that operands come first; unknown names and circles are refused."""
    order: list[str] = []
    waiting: list[str] = []

    def visit(name: str) -> None:
        if name in known or name in order:
            return
        if name in waiting:
            circle = " -> ".join([*waiting[waiting.index(name) :], name])
            raise RongheError(f"{where}: derived.{name}: made of itself ({circle})")
        waiting.append(name)
        entry = f"{where}: derived.{name}"
        for operand in _operands(declared[name], entry):
            require_known(operand, [*known, *declared], "variable", entry)
            visit(operand)
        waiting.pop()
        order.append(name)

    for name in declared:
        visit(name)
    return order


def _operands(entry: dict, where: str) -> tuple[str, ...]:
    operation = only_one(entry, OPERATIONS, where)
    given = entry[operation]
    if isinstance(given, str):
        return (given,)
    if isinstance(given, list):
        return tuple(given)
    if operation == "deflate":
        return (given["of"], given[only_one(given, ("volume_index", "price_index"), f"{where}.deflate")])
    return (given["of"],)


def only_one(entry: dict, allowed: Iterable[str], where: str) -> str:
    """Return the one key of `entry` that is among those allowed."""
    allowed = tuple(allowed)
    given = [key for key in entry if key in allowed]
    if len(given) != 1:
        found = listing(given) or "none"
        raise RongheError(f"{where}: give exactly one of {listing(allowed)}; found {found}")
    return given[0]


def _derive_entry(name: str, entry: dict, unit_of: dict[str, str], units: Units, where: str) -> Derivation:
    place = f"derived.{name}"
    operation = only_one(entry, OPERATIONS, f"{where}: {place}")
    operands = _operands(entry, f"{where}: {place}")
    given, wanted = entry[operation], entry.get("unit")
    settings = dict(given) if isinstance(given, dict) else {}
    unit, factors = _derived_unit(operation, [unit_of[o] for o in operands], wanted, units, f"{place}")
    if operation == "winsorise" and settings["lower"] >= settings["upper"]:
        raise RongheError(f"{where}: {place}: lower must be below upper")
    return Derivation(
        name=name,
        entry=place,
        operation=operation,
        operands=operands,
        factors=tuple(map(float, factors)),
        settings=settings,
        unit=unit,
        jump=entry.get("jump"),
        definition=entry.get("definition", ""),
    )


def _derived_unit(operation: str, given: list[str], wanted: str | None, units: Units, entry: str) -> tuple[str, list]:
    """Return the unit of a result and the factor that each operand is multiplied by before the operation."""
    if operation in ("ratio", "share", "per", "product"):
        like = units.resolve(given[0], entry)[0] == units.resolve(given[1], entry)[0]
        if operation == "share" and not like:
            units.factor(given[0], given[1], entry)
        if operation == "share" and units.name(wanted or PLAIN, entry) != PLAIN:
            raise RongheError(f"{units.where}: {entry}: a share is a plain number between 0 and 1; leave 'unit' out")
        if operation == "per" and like:
            kind = in_words(units.resolve(given[0], entry)[0])
            raise RongheError(f"{units.where}: {entry}: both count {kind}; use ratio or share")
        unit, factor = units.compose(given[0], given[1], 1 if operation == "product" else -1, wanted, entry)
        return unit, [factor, 1]
    if operation == "growth":
        return (units.name(wanted, entry), [units.factor(PLAIN, wanted, entry)]) if wanted else (PLAIN, [1])
    if operation == "log":
        if wanted:
            raise RongheError(f"{units.where}: {entry}: a logarithm has no unit to choose; leave 'unit' out")
        return f"log of {given[0]}", [1]
    unit = units.name(wanted, entry) if wanted else given[0]
    if operation == "deflate":
        return unit, [units.factor(given[0], unit, entry), units.factor(given[1], PLAIN, entry)]
    if unit == given[0] and len(set(given)) == 1:
        return unit, [1] * len(given)
    return unit, [units.factor(each, unit, entry) for each in given]


def expand(dataset: dict, names: Iterable[str], where: str) -> list[str]:
    """Spell out FAMILY_* as the variables of that family; other names stay as they are."""
    families = {
        family: [f"{family}_{sector}" for sector in handling["members"]]
        for table in dataset["tables"].values()
        for family, handling in table.get("families", {}).items()
    }
    found: list[str] = []
    for name in names:
        if name.endswith("_*"):
            if name[:-2] not in families:
                close = nearest(name[:-2], families)
                raise RongheError(f"{where}: no family '{name[:-2]}'{close} (declared: {listing(families) or 'none'})")
            found += families[name[:-2]]
        else:
            found.append(name)
    return found


def families(dataset: dict) -> dict[str, list[str]]:
    """Return the sectors of each family in their declared order."""
    return {
        family: list(handling["members"])
        for table in dataset["tables"].values()
        for family, handling in table.get("families", {}).items()
    }


def labels(dataset: dict) -> dict[str, dict[str, str]]:
    """Return the labels that a dataset gives itself: by variable, and for families by the names of sectors."""
    found: dict[str, dict[str, str]] = {}
    for table in dataset["tables"].values():
        for family, handling in table.get("families", {}).items():
            for sector in handling["members"] if "label" in handling else ():
                names = dataset["sectors"][sector]
                found[f"{family}_{sector}"] = {
                    language: text.replace("{sector}", names.get(language, names["en"]))
                    for language, text in handling["label"].items()
                }
    return {**found, **dataset.get("labels", {})}


def sample_years(dataset: dict) -> list[int]:
    """Return the years of the panel."""
    first, last = dataset["sample"]["years"]
    return list(range(first, last + 1))


def named_files(dataset: dict) -> dict[str, str]:
    """Return every raw file that the panel is made of, by the place that names it; the file of checksums is last."""
    parts = {"regions": dataset["regions"]} | ({"adjacency": dataset["adjacency"]} if "adjacency" in dataset else {})
    tables = {name: table for name, table in dataset["tables"].items() if "microdata" not in table}
    years = dataset.get("input_output", {}).get("files", {})
    return {
        **{f"{place}.file": part["file"] for place, part in parts.items()},
        **{place: file for name, table in tables.items() for place, file in files_of(name, table)},
        **{f"input_output.files.{year}": file for year, file in years.items()},
        **({"checksums": dataset["checksums"]} if "checksums" in dataset else {}),
    }


def raw_files(dataset: dict) -> list[str]:
    """Return the path of every raw file that the panel is made of, the file of checksums included."""
    return [Path(dataset["folder"], name).as_posix() for name in dict.fromkeys(named_files(dataset).values())]


def fact_files(dataset: dict) -> list[str]:
    """Return the table of stated figures and the file of its checksum, where declared."""
    declared = dataset.get("facts")
    if not declared:
        return []
    path = Path(declared["file"])
    return [path.as_posix(), *([(path.parent / declared["checksums"]).as_posix()] if "checksums" in declared else [])]


def without_words(declared: object) -> object:
    """Return a declaration without what only explains it, so that a better word reruns nothing that counts."""
    if isinstance(declared, dict):
        told = {key for key, value in declared.items() if key in WORDS and _is_words(value)}
        return {key: without_words(value) for key, value in declared.items() if key not in told}
    return [without_words(value) for value in declared] if isinstance(declared, list) else declared


def _is_words(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, dict) and set(value) <= {"en", "zh"})
