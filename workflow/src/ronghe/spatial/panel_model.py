"""What the models share before they are fitted: being made from a formula, and saying what they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import pandas as pd

from ronghe.errors import RongheError
from ronghe.spatial.equation import Specification, describe
from ronghe.spatial.formula import read_formula
from ronghe.spatial.grid import WeightsLike
from ronghe.spatial.lags import Lags


class PanelModel:
    """A model of y on X with weights W; `specification`, `panel` and `weights` say what it is."""

    specification: Any
    panel: Any
    weights: Any
    formula_notes: tuple[str, ...] = ()

    @classmethod
    def from_formula(
        cls,
        formula: str,
        data: pd.DataFrame,
        W: WeightsLike | None = None,
        lags: Mapping[str, Lags] | None = None,
        **options: object,
    ) -> Self:
        """Return the model of a formula on data indexed by (unit, period).

        "log(y) ~ x1 + C(group) + lag(x2, 1) + I(x3**2) + W(x1) | units + time": see `ronghe.spatial.formula`.
        `lags` are other weights by the name under which the formula lags regressors by them, as in W2(x).
        `options` are those of the class; what the formula says must not stand there again. In `RandomEffectsPanel`
        the effects of units are random.

        >>> from ronghe.spatial import SpatialPanel, munnell
        >>> data, W = munnell()
        >>> SpatialPanel.from_formula("log(gsp) ~ log(emp) + unemp + W(unemp) | units + time", data, W)
        <SpatialPanel: sdm, log(gsp) ~ log(emp) + unemp + W*unemp, twoways effects, weights 'borders'; 48 x 17>
        """
        where = str(options.get("name", "formula"))
        read = read_formula(formula, data, where, lags)
        for name, value in (("effects", read.effects), ("durbin", read.durbin)):
            if value is None:
                continue
            if name in options:
                raise RongheError(f"{where}: the formula says `{name}`, and so does the option; keep one of the two")
            options[name] = value
        model = cls(read.y, read.X, W, **options)
        model.formula_notes = read.notes
        return model

    def describe(self) -> tuple[Specification, str]:
        """Return what is estimated, and the effects in words."""
        return self.specification, self.specification.effects

    def __repr__(self) -> str:
        """Say what the model is in one line."""
        specification, effects = self.describe()
        said = describe(specification, self.panel.outcome, effects, self.weights)
        return f"<{type(self).__name__}: {said}; {self.panel.n_units} x {self.panel.n_periods}>"
