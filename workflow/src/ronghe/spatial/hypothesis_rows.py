"""Tables of tests with a code for every row: decisions rest on the code, the name is for print."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ronghe.linear.inference import test_table


def coded_tests(tests: Mapping[str, dict]) -> pd.DataFrame:
    """Return tests as a table with their codes for its index."""
    return test_table(tests.values()).set_index(pd.Index(list(tests), name="code"))
