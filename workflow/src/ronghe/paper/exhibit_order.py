"""The order and the numbers of tables and figures, as the manuscript shows them; standard library only."""

from __future__ import annotations

import re
from collections.abc import Sequence

SHOWN = re.compile(r'#(table|figure)-of\("(\w+)"')


def numbered(article: str, supplement: str, names: dict[str, Sequence[str]]) -> dict[str, dict[str, str]]:
    """Return the number of every table and figure, in the order in which they are numbered.

    `names` holds what the configuration declares under `tables` and `figures`. Those of the supplement count from S1;
    whatever neither document shows comes last, without a number.

    >>> numbered('#table-of("a") #figure-of("f")', '#table-of("b")', {"tables": ["x", "b", "a"], "figures": ["f"]})
    {'tables': {'a': '1', 'b': 'S1', 'x': ''}, 'figures': {'f': '1'}}
    """
    out: dict[str, dict[str, str]] = {part: {} for part in names}
    for prefix, text in (("", article), ("S", supplement)):
        for kind, name in SHOWN.findall(text):
            found = out.get(f"{kind}s", {})
            if name in names.get(f"{kind}s", ()) and name not in found:
                found[name] = f"{prefix}{sum(number.startswith('S') == bool(prefix) for number in found.values()) + 1}"
    return {part: {**found, **{name: "" for name in names[part] if name not in found}} for part, found in out.items()}
