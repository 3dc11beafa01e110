"""Two-stage least squares with fixed effects, and what tells whether its instruments can carry it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.linear import instrument_tests
from ronghe.linear.inference import coefficient_table, covariance_table, test_table
from ronghe.linear.instrument_bootstrap import AndersonRubinWild, anderson_rubin_wild_set, restricted_efficient
from ronghe.linear.instrumental_models import TwoStage, fit_two_stage, instruments_alone
from ronghe.linear.two_stage import Problem, project
from ronghe.models.design import exposure
from ronghe.models.design.design import build, terms_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.kinds import one_way
from ronghe.models.report import choice_of, covariance_facts, facts

LEVEL = 0.95


def estimate(specification: dict, data: Data) -> Estimate:
    """Fit linearmodels' IV2SLS: treatments are endogenous, controls exogenous, `instruments` excluded."""
    design = build(specification, data, extra=("instruments",))
    endogenous = [t.name for t in terms_of(specification, "treatment")]
    excluded = [t.name for t in terms_of(specification, "instruments")]
    exogenous = [n for n in design.names if n not in endogenous]
    raw = design.columns([*endogenous, *exogenous, *excluded])
    effects, choice = specification["effects"], choice_of(specification)
    problem = project(design.y, raw, (endogenous, exogenous, excluded), design.layout, effects, choice)
    fit = fit_two_stage(problem)
    ssr = float(fit.residuals @ fit.residuals)
    strength = instrument_tests.strength(problem)
    draws = specification["wild_repetitions"] if one_way(specification) else 0
    rows, wild = wild_tests(problem, endogenous, draws, data.seed)
    pieces = wild_set(problem, endogenous, wild)
    factors, df = fit.reference(np.eye(len(design.names)))
    return Estimate(
        coefficients=coefficient_table(design.names, fit.coefficients, fit.covariance, df, factors=factors),
        covariance=covariance_table(design.names, fit.covariance),
        tests=judged(test_table([*fit.tests(endogenous), *rows]), strength),
        fit=facts(
            specification,
            "two_stage",
            design.facts(),
            covariance=covariance_facts(specification),
            endogenous=endogenous,
            instruments=excluded,
            rsquared_within=1 - ssr / float(problem.y @ problem.y),
            sigma2=ssr / fit.df_residual,
            df_inference=fit.df_inference,
            n_instruments=len(excluded),
            instrument_strength=strength,
            anderson_rubin_set=set_facts(pieces, wild) if len(endogenous) == 1 else None,
        ),
        tables={
            "first_stage": _first_stage(fit, endogenous, [*excluded, *exogenous], design.outcome),
            "anderson_rubin": pieces,
            **exposure.tables(design, data, terms_of(specification, "instruments"), problem),
        },
        libraries=("linearmodels",),
    )


def wild_tests(
    problem: Problem, endogenous: list[str], draws: int, seed: int
) -> tuple[list[dict], AndersonRubinWild | None]:
    """Return the rows of the wild bootstraps by cluster, and the draws of Anderson and Rubin's test.

    Nothing where no draws are asked for, or where instruments are as many as regions.
    """
    if not draws or problem.excluded.shape[1] >= problem.layout.n_units - 1:
        return [], None
    note, rows = f"{draws} draws of signs by cluster, null imposed", []
    if len(endogenous) == 1:
        t, p = restricted_efficient(problem, draws=draws, seed=seed)
        row = {"statistic": t, "pvalue": p, "note": note}
        rows.append({"test": f"wild restricted efficient bootstrap: {endogenous[0]}", **row})
    wild, nothing = AndersonRubinWild.of(problem, draws, seed=seed), np.zeros(len(endogenous))
    row = {"statistic": wild.statistic(nothing), "df": problem.excluded.shape[1], "pvalue": wild.pvalue(nothing)}
    together = "; all endogenous regressors together, a set is drawn where there is one" if len(endogenous) > 1 else ""
    name = "Anderson-Rubin, no effect, wild bootstrap"
    return [*rows, {"test": name, **row, "note": f"Wald, CR3, {note}{together}"}], wild


def wild_set(problem: Problem, endogenous: list[str], wild: AndersonRubinWild | None) -> pd.DataFrame:
    """Return the Anderson-Rubin sets of one endogenous regressor: by F and, where there are draws, by bootstrap."""
    pieces = instrument_tests.anderson_rubin_set(problem, endogenous, LEVEL).assign(method="F")
    if wild is None or len(endogenous) > 1:
        return pieces
    drawn = anderson_rubin_wild_set(wild, endogenous[0], LEVEL).assign(method="wild bootstrap")
    return pd.concat([part for part in (pieces, drawn) if len(part)] or [pieces], ignore_index=True)


def judged(tests: pd.DataFrame, strength: dict) -> pd.DataFrame:
    """Return the tests with two columns more: the critical value of the F that judges strength, and the verdict."""
    own = tests["test"].str.contains("effective F|Sanderson-Windmeijer F")
    verdict = np.where(tests["statistic"] > strength["critical"], "strong", "weak")
    return tests.assign(critical=np.where(own, strength["critical"], np.nan), verdict=np.where(own, verdict, ""))


def set_facts(pieces: pd.DataFrame, wild: AndersonRubinWild | None) -> dict:
    """Return what fit.json says of the Anderson-Rubin set: its shape, and its pieces, an open end being empty.

    The set by wild bootstrap where there is one, else that by F.
    """
    method = "F" if wild is None else "wild bootstrap"
    own = pieces[pieces["method"] == method]
    ends = [[None if np.isinf(end) else end for end in row] for row in own[["lower", "upper"]].to_numpy(float)]
    return {"shape": instrument_tests.shape_of_set(own), "level": LEVEL, "pieces": ends, "method": method}


def _first_stage(fit: TwoStage, endogenous: list[str], instruments: list[str], outcome: str) -> pd.DataFrame:
    """Return the coefficients of every instrument on every endogenous regressor, and on the outcome."""
    equations = dict(zip(endogenous, fit.first_stage, strict=True))
    equations[f"reduced form: {outcome}"] = instruments_alone(fit.problem, fit.problem.y)
    parts = []
    for name, equation in equations.items():
        factors, df = equation.reference(np.eye(len(instruments)))
        table = coefficient_table(instruments, equation.coefficients, equation.covariance, df, factors=factors)
        table.insert(0, "equation", name)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)
