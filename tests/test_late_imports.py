"""Modules that wait until they are used: a fit imports none of them, and whatever needs one gets the real module."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from ronghe import late_imports
from ronghe.late_imports import UNUSED, _LateModule, late

SOURCE = Path(__file__).resolve().parents[1] / "workflow" / "src"
FIT = """
    import sys
    import numpy as np
    from ronghe.linear.covariance import Choice
    from ronghe.linear.layout import Layout
    from ronghe.linear.panel_models import fit_panel
    from ronghe.late_imports import UNUSED, permitted

    rng = np.random.default_rng(0)
    layout = Layout(units=np.repeat(np.arange(20), 5), times=np.tile(np.arange(5), 20))
    y, X = rng.normal(size=100), rng.normal(size=(100, 2))
    with permitted():
        fit_panel(y, X, layout, "twoways", Choice())
"""
AT_ONCE = FIT.replace("with permitted()", "if True")


def python(source: str) -> str:
    """Return what a fresh process prints."""
    command = [sys.executable, "-c", textwrap.dedent(source)]
    ended = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(SOURCE)}, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_panel_fit_imports_none_of_them() -> None:
    """What a fit has no use for stays out."""
    assert python(f"{FIT}\n    print([name for name in UNUSED if name in sys.modules])").strip() == "[]"


def test_pvalues_and_formulas_of_the_library_are_right_after_all() -> None:
    """Distributions, with parameters or without, and formulas with a local name in them meet the real module."""
    given = """
    from linearmodels.panel import PanelOLS
    from linearmodels.shared import hypotheses
    import pandas as pd

    index = pd.MultiIndex.from_arrays([layout.units, layout.times])
    data = pd.DataFrame(np.column_stack([y, X]), index, columns=["y", "a", "b"])

    def fit():
        twice = lambda column: 2 * column
        return PanelOLS.from_formula("y ~ twice(a) + b + EntityEffects", data).fit()

    found = fit()
    waits = type(hypotheses.f).__name__
    import scipy.stats
    F, t = found.f_statistic, found.tstats
    assert F.pval == scipy.stats.f(F.df, F.df_denom).sf(F.stat)
    assert np.array_equal(found.pvalues, 2 * scipy.stats.t.sf(np.abs(t), found.df_resid))
    assert getattr(hypotheses.norm, "_real", lambda: hypotheses.norm)() is scipy.stats.norm
    print(waits, *found.params.round(10))
    """
    waited, at_once = python(FIT + given).split(), python(AT_ONCE + given).split()
    assert (waited[0], waited[1:]) == ("_Distribution", at_once[1:])


def test_nothing_waits_where_it_was_not_permitted() -> None:
    """Whoever calls the library meets the whole of linearmodels."""
    assert python(f"{AT_ONCE}\n    print(all(name in sys.modules for name in UNUSED))").strip() == "True"


def test_stand_ins_are_gone_after_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else meets a stand-in, a class can inherit from one, and one that is asked inside the block is loaded."""
    monkeypatch.setattr(late_imports, "_permitted", True)
    with late("wsgiref"):
        from wsgiref.headers import Headers
        from wsgiref.util import guess_scheme
        from wsgiref.validate import WSGIWarning

        assert isinstance(sys.modules["wsgiref.headers"], _LateModule)

        assert (Headers | None, int | Headers) == (Any, Any)

        class Own(Headers):
            """Inherits from a name that waited."""

        assert guess_scheme({"HTTPS": "on"}) == "https"
    import wsgiref.headers

    assert not any(isinstance(module, _LateModule) for module in sys.modules.values())
    assert Own.__mro__[1] is wsgiref.headers.Headers
    assert isinstance(wsgiref.headers.Headers(), Headers)
    with pytest.raises(AttributeError):
        _ = WSGIWarning.no_such_name


def test_what_is_there_already_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is loaded stays the one that is loaded."""
    monkeypatch.setattr(late_imports, "_permitted", True)
    import scipy.stats

    with late(*UNUSED):
        from scipy.stats import norm
    assert norm is scipy.stats.norm
