"""What config/multiverse.yaml declares, and how many specifications it makes; standard library only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, product

from ronghe.errors import RongheError, listing
from ronghe.models.terms import Term, parse

FOLDER = "<results>/multiverse"
# How a choice is called in results and exclusions, and by which key its levels are declared; in the order of the grid.
CHOICES = {
    "sample": "samples",
    "winsorise": "winsorise",
    "fixed_effects": "fixed_effects",
    "weights": "weights",
    "outcome": "outcomes",
    "model": "models",
    "treatment": "treatments",
    "covariance": "covariances",
}
# The choices that one set of cross-products belongs to, and those made within it.
OF_SETTING = ("sample", "winsorise", "fixed_effects", "weights")
WITHIN = ("outcome", "model", "treatment")
NO_WEIGHTS = "none"
# How the joint test makes data in which the treatment does nothing; files of these names.
NULLS = ("permuted", "wild")
DEFAULTS = {
    "fixed_effects": ["twoways"],
    "samples": ["all"],
    "winsorise": [0],
    "covariances": ["CR1"],
    "weights": [],
    "exclude": [],
    "effect": "total",
    "method": "lee_yu",
    "standardise": True,
    "shards": 2,
    "agreement": {"refits": 40, "tolerance": 1e-8},
    "joint_test": {"specifications": 2000, "draws": 500, "nulls": list(NULLS)},
}
# What is written of the table of all specifications, as NAME.csv.
JUDGEMENTS = (
    "summary", "choices", "variances", "excluded", "refused", "bma",
    "curve", "curve_choices", "densities", "vibrations",
)  # fmt: skip
# All subsets are written out up to this many controls to choose from.
MOST_CONTROLS = 20


@dataclass(frozen=True)
class Setting:
    """Choices that share rows and W: one set of cross-products serves all that is within."""

    sample: str
    winsorise: float
    fixed_effects: str
    weights: str

    def __str__(self) -> str:
        """Name the setting for a message."""
        return ", ".join(f"{name} {getattr(self, name)}" for name in OF_SETTING)


@dataclass(frozen=True)
class Cell:
    """One outcome, model and treatment in a setting, and the subsets of controls (as bits) that are left to it."""

    outcome: str
    model: str
    treatment: str
    subsets: tuple[int, ...]


@dataclass(frozen=True)
class Multiverse:
    """The declared choices of one run."""

    entry: dict
    seed: int = 0
    _cache: dict = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, config: dict) -> Multiverse | None:
        """Return what the configuration declares, with defaults; nothing where it declares none."""
        entry = config.get("multiverse")
        return cls({**DEFAULTS, **entry}, int(config.get("seed", 0))) if entry else None

    @cached_property
    def terms(self) -> dict[str, Term]:
        """Every column by its printed name."""
        keys = [self.entry["outcomes"], self.entry["treatments"], self.always_declared, self.choose_declared]
        found = [parse(term, f"multiverse: {term}") for key in keys for term in key]
        return {term.name: term for term in found}

    @property
    def always_declared(self) -> list:
        """Controls of every specification, as declared."""
        return self.entry.get("controls", {}).get("always", [])

    @property
    def choose_declared(self) -> list:
        """Controls of which every subset is a choice, as declared."""
        return self.entry.get("controls", {}).get("choose", [])

    @property
    def always(self) -> list[str]:
        """Names of the controls of every specification."""
        return [parse(term).name for term in self.always_declared]

    @property
    def choose(self) -> list[str]:
        """Names of the controls of which every subset is a choice; the bits of a subset follow this order."""
        return [parse(term).name for term in self.choose_declared]

    def levels(self, choice: str) -> list:
        """Return the levels of a choice, as they are named in results."""
        declared = self.entry[CHOICES[choice]]
        if choice in ("outcome", "treatment"):
            return [parse(term).name for term in declared]
        if choice == "weights":
            return [*([NO_WEIGHTS] if "ols" in self.entry["models"] else []), *declared]
        return list(declared)

    @cached_property
    def subsets(self) -> list[int]:
        """Subsets of the controls to choose from, as bits: the fewest controls first, or as many as are to be drawn.

        Draws follow a hash of the seed, so that they depend on no random number generator and no order of work.
        """
        controls = self.entry.get("controls", {})
        n = len(self.choose)
        low, high = controls.get("at_least", 0), min(controls.get("at_most", n), n)
        sampled = controls.get("sampled")
        if not sampled:
            return [sum(1 << k for k in c) for m in range(low, high + 1) for c in combinations(range(n), m)]
        found: dict[int, None] = {}
        for k in range(200 * sampled):
            digest = hashlib.sha256(f"{self.seed}:{k}".encode()).digest()
            bits = int.from_bytes(digest, "big") & ((1 << n) - 1)
            if low <= bits.bit_count() <= high:
                found[bits] = None
            if len(found) == sampled:
                break
        return sorted(found, key=lambda bits: (bits.bit_count(), bits))

    def settings(self) -> list[Setting]:
        """Return every setting that holds a specification, in the order of the grid."""
        return [setting for setting in self._all_settings() if self.cells(setting)]

    def _all_settings(self) -> Iterator[Setting]:
        for levels in product(*(self.levels(choice) for choice in OF_SETTING)):
            yield Setting(*levels)

    def cells(self, setting: Setting) -> list[Cell]:
        """Return what is chosen within a setting, with the subsets of controls that exclusions leave."""
        if setting not in self._cache:
            found = [
                Cell(*levels, self._allowed({**vars(setting), **dict(zip(WITHIN, levels, strict=True))}))
                for levels in product(*(self.levels(choice) for choice in WITHIN))
                if (levels[1] == "ols") == (setting.weights == NO_WEIGHTS)
            ]
            self._cache[setting] = [cell for cell in found if cell.subsets]
        return self._cache[setting]

    def _allowed(self, levels: dict) -> tuple[int, ...]:
        barred = []
        for exclusion in self.entry["exclude"]:
            if _meets(exclusion, levels):
                barred.append(self._bits(exclusion.get("controls", [])))
        key = tuple(barred)
        if key not in self._cache:
            kept = (s for s in self.subsets if not any(s & bits == bits for bits in barred))
            self._cache[key] = tuple(kept)
        return self._cache[key]

    def _bits(self, controls: list) -> int:
        return sum(1 << self.choose.index(parse(term).name) for term in controls)

    def count(self, setting: Setting) -> int:
        """Return the number of specifications of a setting."""
        return len(self.entry["covariances"]) * sum(len(cell.subsets) for cell in self.cells(setting))

    @property
    def n_specifications(self) -> int:
        """Number of specifications that are declared and not excluded."""
        return sum(self.count(setting) for setting in self.settings())

    def excluded(self) -> list[dict]:
        """Return how many specifications each exclusion would take alone, and all of them together, with the reason."""
        exclusions = self.entry["exclude"]
        whole = self._less(exclusions[:0])
        rows = [
            {"exclusion": k, "reason": exclusion["reason"], "specifications": whole - self._less([exclusion])}
            for k, exclusion in enumerate(exclusions, 1)
        ]
        return [*rows, {"exclusion": "all", "reason": "", "specifications": whole - self._less(exclusions)}]

    def _less(self, exclusions: list[dict]) -> int:
        """Return the number of specifications with these exclusions in place of those declared."""
        return Multiverse({**self.entry, "exclude": exclusions}, self.seed).n_specifications

    def require_some(self) -> None:
        """Refuse a multiverse with no member, and say which exclusion took the last."""
        if self.n_specifications:
            return
        exclusions = self.entry["exclude"]
        for k in range(len(exclusions)):
            if not self._less(exclusions[: k + 1]):
                raise RongheError(
                    f"multiverse: no specification is left: exclude, number {k + 1} ('{exclusions[k]['reason']}') "
                    "takes the last of them; narrow it, or declare more choices"
                )
        raise RongheError(
            "multiverse: the choices make no specification; models other than ols need weights, and controls subsets "
            f"between at_least and at_most (given: {listing(self.entry['models'])}; weights "
            f"{listing(self.entry['weights']) or 'none'})"
        )

    @property
    def variables(self) -> list[str]:
        """Every variable that is read, as the panel and the measures name them."""
        return list(dict.fromkeys(v for term in self.terms.values() for v in term.variables))


def _meets(exclusion: dict, levels: dict) -> bool:
    """Return whether the levels are those that an exclusion names."""
    for choice, value in levels.items():
        named = exclusion.get(choice, value)
        if value not in (named if isinstance(named, list) else [named]):
            return False
    return True


def samples(config: dict, multiverse: Multiverse) -> dict[str, dict]:
    """Return the rule of every sample that is named; `all` is the whole panel."""
    declared = config.get("samples", {})
    return {
        name: {k: v for k, v in declared.get(name, {}).items() if k != "about"} for name in multiverse.levels("sample")
    }


def inputs(config: dict, multiverse: Multiverse) -> dict[str, str | list[str]]:
    """Return the files that the estimation reads, by the names under which its script knows them."""
    rules = samples(config, multiverse).values()
    variables = [*multiverse.variables, *(rule["level"]["of"] for rule in rules if "level" in rule)]
    measures = sorted({v.partition(".")[0] for v in variables if "." in v})
    return {
        "panel": "<processed>/panel.parquet",
        "measures": [f"<results>/measures/{name}/panel.csv" for name in measures],
        "weights": [f"<results>/weights/{name}/edges.csv" for name in multiverse.entry["weights"]],
        "regions": ["<processed>/regions.csv"] if any("where" in rule for rule in rules) else [],
        "flags": ["<processed>/flags.csv"] if any("without_flags" in rule for rule in rules) else [],
    }


def results(multiverse: Multiverse | None) -> list[str]:
    """Return the files that a multiverse ends in; none where none is declared."""
    if multiverse is None:
        return []
    names = ("specifications.parquet", "agreement.csv", "joint_test.csv", *(f"{name}.csv" for name in JUDGEMENTS))
    return [f"{FOLDER}/{name}" for name in names]
