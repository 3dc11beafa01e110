"""What a spatial panel model is made of: lag, Durbin terms, spatial error, effects and method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ronghe.errors import RongheError, listing, require_known
from ronghe.spatial.projection import EFFECTS

# Elhorst (2014), figure 2.1: which of W y, W X and W u a model has.
MODELS = {
    "ols": (False, False, False),
    "slx": (False, True, False),
    "sar": (True, False, False),
    "sem": (False, False, True),
    "sdm": (True, True, False),
    "sdem": (False, True, True),
    "sarar": (True, False, True),
    "gns": (True, True, True),
}
METHODS = ["lee_yu", "lsdv", "bias_corrected"]
CONSTANT = "const"


@dataclass(frozen=True)
class Specification:
    """A model by its parts; `names` are the regressors, `durbin` those whose lag W x enters."""

    model: str
    effects: str
    method: str
    names: tuple[str, ...]
    durbin: tuple[str, ...]

    @property
    def has_lag(self) -> bool:
        """Whether rho W y enters."""
        return MODELS[self.model][0]

    @property
    def has_error(self) -> bool:
        """Whether u = lambda M u + e."""
        return MODELS[self.model][2]

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the coefficients beta and theta."""
        return (*self.names, *(f"W*{name}" for name in self.durbin))

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of all parameters, in the order of the covariance matrix."""
        return (*self.terms, *(["rho"] * self.has_lag), *(["lambda"] * self.has_error), "sigma2")


def specify(
    model: str, effects: str, method: str, names: Sequence[str], durbin: Sequence[str] | None, where: str
) -> Specification:
    """Check the options against each other and return the specification."""
    require_known(model, MODELS, "model", where)
    require_known(effects, EFFECTS, "effects", where)
    require_known(method, METHODS, "method", where)
    lags = [name for name in names if name != CONSTANT]
    if durbin is None:
        durbin = lags if MODELS[model][1] else []
    elif not MODELS[model][1]:
        raise RongheError(
            f"{where}: model '{model}' has no Durbin terms; leave `durbin` out or choose slx, sdm, sdem, gns"
        )
    elif not isinstance(durbin, list | tuple):
        raise RongheError(f"{where}: durbin must be a list of regressors, not {durbin!r}")
    for name in durbin:
        require_known(name, lags, "regressor", f"{where}: durbin")
    if len(set(durbin)) < len(durbin):
        raise RongheError(f"{where}: durbin names a regressor twice: {listing(durbin)}")
    if MODELS[model][1] and not durbin:
        plain = {"slx": "ols", "sdm": "sar", "sdem": "sem", "gns": "sarar"}[model]
        raise RongheError(f"{where}: model '{model}' without any Durbin term is '{plain}'; ask for that")
    return Specification(model, effects, method, tuple(names), tuple(durbin))


def describe(specification: Specification, outcome: str, effects: str, weights: object = None) -> str:
    """Say in one line what is estimated, as in "sdm, y ~ x + W*x, twoways effects, weights 'borders'"."""
    s = specification
    said = f"{s.model}, {outcome} ~ {' + '.join(s.terms) or '0'}, {effects} effects"
    return said if weights is None else f"{said}, weights '{weights.name}'"
