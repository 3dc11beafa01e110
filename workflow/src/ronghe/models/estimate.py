"""What every kind of specification takes and gives: the data it may use, and a complete set of text results."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pandas as pd

import ronghe
from ronghe import frames
from ronghe.errors import RongheError, require_known
from ronghe.files import sha256, write_text
from ronghe.linear import inference
from ronghe.models.kinds import KINDS, estimator, without_idle
from ronghe.models.many import lightened
from ronghe.provenance import hash_files


@dataclass
class Data:
    """All that an estimator may look at: panel, regions, weights and long tables by name, flagged cells.

    `weights` holds matrices, or the paths of those that no estimator has asked for yet (`design.weights.weights_named`
    reads them), so that only kinds with weights rest on their code.
    """

    panel: pd.DataFrame
    regions: pd.DataFrame | None = None
    weights: dict = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    flags: pd.DataFrame | None = None
    seed: int = 0

    @classmethod
    def read(
        cls,
        panel: str | Path,
        measures: list[str] = (),
        regions: str | Path | None = None,
        weights: list[str] = (),
        tables: list[str] = (),
        flags: str | Path | None = None,
        seed: int = 0,
    ) -> Data:
        """Read the files that one specification depends on; weights and tables are named by their place."""
        return cls(
            panel=frames.read_panel(panel, *measures),
            regions=frames.read_csv(regions).set_index("region") if regions else None,
            weights={Path(path).parent.name: path for path in weights},
            tables={Path(path).stem: frames.read_csv(path) for path in tables},
            flags=frames.read_csv(flags) if flags else None,
            seed=seed,
        )


@dataclass
class Estimate:
    """One fitted specification: labelled tables, facts, and the libraries that estimated it; never its data."""

    coefficients: pd.DataFrame
    covariance: pd.DataFrame
    fit: dict
    tests: pd.DataFrame = field(default_factory=lambda: inference.test_table([]))
    impacts: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=inference.IMPACT_COLUMNS))
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    libraries: tuple[str, ...] = ()

    def coefficient(self, term: str) -> pd.Series:
        """Return the row of one term."""
        rows = self.coefficients.set_index("term")
        if term not in rows.index:
            raise RongheError(f"no term '{term}' in this fit (terms: {', '.join(rows.index)})")
        return rows.loc[term]


def with_defaults(specification: dict) -> dict:
    """Return a specification, and those it builds on, with the defaults of their kinds where they say nothing."""
    result = {"name": "", "sample": {}, "sample_name": "all", **KINDS[specification["kind"]].defaults, **specification}
    result = without_idle(result, specification)
    if "of" in result:
        result["of"] = with_defaults(result["of"])
    if "family" in result:
        result["family"] = [with_defaults(member) for member in result["family"]]
    return result


def fit(specification: dict, data: Data) -> Estimate:
    """Call the estimator of a complete specification's kind; what is done in another way for its size is noted."""
    light, notes = lightened(specification, data)
    result = import_module(estimator(specification["kind"])).estimate(light, data)
    return noted(result, notes)


def noted(result: Estimate, notes: list[str]) -> Estimate:
    """Return an estimate with further notes in its facts."""
    if notes:
        result.fit["notes"] = [*(result.fit.get("notes") or []), *notes]
    return result


def run(specification: dict, data: Data) -> Estimate:
    """Estimate a specification, its defaults filled in; a refusal carries the specification's name."""
    where = f"specification '{specification.get('name', '')}'"
    require_known(specification.get("kind"), KINDS, "kind", where)
    try:
        result = fit(with_defaults(specification), data)
    except RongheError as error:
        raise RongheError(f"{where}: {error}") from error
    except np.linalg.LinAlgError as error:
        raise RongheError(
            f"{where}: {error}; look for regressors that are constant within units, or that add up to one another"
        ) from error
    bad = result.coefficients.loc[~np.isfinite(result.coefficients["estimate"].to_numpy(float)), "term"]
    if len(bad):
        raise RongheError(f"{where}: no finite estimate of {', '.join(bad)}")
    return result


def save(
    result: Estimate, outputs: dict[str, str], specification: dict, data: Data, hashed: dict[str, list[str]]
) -> None:
    """Write an estimate as text: each named table to its own path, and `fit` with hashes, versions and seed."""
    tables = {
        "coefficients": result.coefficients,
        "covariance": result.covariance.reset_index(),
        "impacts": result.impacts,
        "tests": result.tests,
        **result.tables,
    }
    for name, path in outputs.items():
        if name != "fit":
            frames.write_csv(tables[name], path)
    weights = {name: w.hash for name, w in data.weights.items() if not isinstance(w, str | Path)}
    facts = {
        "specification": specification.get("name", ""),
        "kind": specification["kind"],
        **result.fit,
        "shared_indicators": specification.get("shared_indicators", []),
        "hashes": {**{k: hash_files(v) for k, v in hashed.items() if v}, "weights": weights},
        # Written last: whoever reads a table holds it against this.
        "written": {Path(path).name: sha256(path) for name, path in outputs.items() if name != "fit"},
        "versions": versions(result.libraries),
        "seed": data.seed,
        "entry": specification,
    }
    text = json.dumps(facts, indent=2, ensure_ascii=False, default=_plain, allow_nan=False)
    write_text(outputs["fit"], text + "\n")


def versions(libraries: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the versions of what the numbers rest on, `libraries` beside what every number does."""
    found = {"ronghe": ronghe.__version__, "python": platform.python_version()}
    for name in ("numpy", "scipy", "pandas", *libraries):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} does not belong in fit.json")
