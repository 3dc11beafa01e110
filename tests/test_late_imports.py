"""Modules that wait until they are used: a fit imports none of them, and whatever needs one gets the real module."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from importlib import import_module
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


# Every name that a stand-in is given out for, by package: before one is added, see that it is only called, asked for
# an attribute, compared or inherited, never met by `is` or `except`.
TAKEN = {
    "IPython": "display.display",
    "bs4": "BeautifulSoup",
    "formulaic": """formula.Formula materializers.types.NAAction model_matrix model_spec.NAAction
        parser.algos.tokenize.tokenize utils.constraints.LinearConstraints utils.context.capture_context""",
    "matplotlib": "colormaps colors patches",
    "scipy": "optimize.minimize stats.chi2 stats.f stats.norm",
    "sklearn": """base.BaseEstimator base.ClusterMixin cluster.DBSCAN cluster.KMeans metrics neighbors
        metrics.euclidean_distances metrics.pairwise_distances neighbors.KNeighborsClassifier""",
    "sqlalchemy": "create_engine ext.automap.automap_base orm.Session",
}
# Carries out each `with late(...)` of the package in a process that has imported none of what waits.
TAKE = """
    import ast, inspect, os, sys
    from pathlib import Path
    import numba, pandas, scipy.sparse
    from ronghe import late_imports

    numba.config.DISABLE_JIT = True
    numba.guvectorize = lambda *signature, **options: lambda function: function
    taken, begin = {}, late_imports._Late.__init__

    def note(self, module, name):
        begin(self, module, name)
        taken[f"{module.__name__}.{name}"] = self

    late_imports._Late.__init__ = note
    blocks = {
        ast.unparse(node)
        for path in Path(late_imports.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.With) and ast.unparse(node.items[0]).startswith("late(")
    }
    assert len(blocks) > 5
    for block in sorted(blocks):
        sys.stdout.flush()
        if os.fork():
            assert os.wait()[1] == 0, block
            continue
        with late_imports.permitted():
            exec(block, dict(vars(late_imports)))
        for name, stand_in in taken.items():
            real = stand_in._real()
            assert callable(real) or inspect.ismodule(real), f"{name} is a constant"
            assert not (isinstance(real, type) and issubclass(real, BaseException)), f"{name} may stand in an except"
            print(name)
        sys.stdout.flush()
        os._exit(0)
"""


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
    assert hypotheses.f(dfn=F.df, dfd=F.df_denom, loc=1).sf(9) == scipy.stats.f(F.df, F.df_denom, 1).sf(9)
    assert np.array_equal(found.pvalues, 2 * scipy.stats.t.sf(np.abs(t), found.df_resid))
    assert getattr(hypotheses.norm, "_real", lambda: hypotheses.norm)() is scipy.stats.norm
    print(waits, *found.params.round(10))
    """
    waited, at_once = python(FIT + given).split(), python(AT_ONCE + given).split()
    assert (waited[0], waited[1:]) == ("_Distribution", at_once[1:])


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_stand_ins_are_given_out_for_names_that_were_looked_at() -> None:
    """None is a constant or an exception, which a stand-in cannot be everywhere."""
    known = {f"{package}.{name}" for package, names in TAKEN.items() for name in names.split()}
    found = set(python(TAKE).split())
    assert found <= known, f"look at what is done with {sorted(found - known)}, then add them to TAKEN"
    assert {"scipy.stats.f", "sklearn.base.BaseEstimator"} <= found


def test_a_stand_in_answers_like_the_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Constants, flags, sequences, mappings, classes and submodules; what is not installed is not there."""
    monkeypatch.setattr(late_imports, "_permitted", True)
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "invented"
    package.mkdir()
    text = "ZERO, NO, ALSO, PAIR, TABLE = 0, False, 0, [1, 2], {'a': 1}\nclass Base: ...\nclass Child(Base): ...\n"
    (package / "__init__.py").write_text(text)
    (package / "part.py").write_text("three = 3\n")
    with late("invented", "absent"):
        from invented import ALSO, NO, PAIR, TABLE, ZERO, Base, Child, part

        assert isinstance(sys.modules["invented"], _LateModule)
        for absent in ("absent", "invented.absent", "invented.part.absent"):
            with pytest.raises(ModuleNotFoundError):
                import_module(absent)
    stand_ins = {ZERO, NO, PAIR, TABLE, Base, Child, part}
    import invented

    assert ZERO == 0 and not ZERO != 0 and ZERO == ALSO and ZERO != 1 and not NO and bool(PAIR)
    assert list(PAIR) == [1, 2] and PAIR[1] == 2 and TABLE["a"] == 1 and part.three == 3
    assert issubclass(invented.Child, Base) and not issubclass(int, Base) and isinstance(invented.Child(), Base)
    assert Child == invented.Child and len(stand_ins) == 7 and Base in stand_ins


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
