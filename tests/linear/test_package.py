"""The public face of the package: names that editors see, an example that runs, and an import that costs little."""

from __future__ import annotations

import doctest
import subprocess
import sys

import ronghe.linear


def test_every_public_name_is_there():
    assert set(ronghe.linear.__all__) <= set(dir(ronghe.linear))
    for name in ronghe.linear.__all__:
        assert callable(getattr(ronghe.linear, name)), name


def test_the_example_runs():
    assert doctest.testmod(ronghe.linear).failed == 0


def test_importing_the_package_imports_no_estimation_library():
    code = (
        "import sys, ronghe.linear as m; m.fit_panel; print(sorted({'linearmodels', 'statsmodels'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
