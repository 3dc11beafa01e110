"""Fits a specification given as a plain dictionary, outside the workflow: the door for notebooks and tests."""

from __future__ import annotations

from ronghe.errors import require_known
from ronghe.models.estimate import Data, Estimate, run
from ronghe.models.registry import KINDS


def fit(specification: dict, data: Data) -> Estimate:
    """Fit one specification with the estimator that the registry names for its kind."""
    require_known(specification.get("kind"), KINDS, "kind", f"specification '{specification.get('name', '')}'")
    return run(with_estimator(specification), data)


def with_estimator(specification: dict) -> dict:
    """Return a specification, and those it builds on, with the name of the estimator filled in."""
    result = {"name": "", **specification, "estimator": KINDS[specification["kind"]].estimator}
    if "of" in result:
        result["of"] = with_estimator(result["of"])
    if "family" in result:
        result["family"] = [with_estimator(member) for member in result["family"]]
    return result
