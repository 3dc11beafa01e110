"""One small road from raw tables to a fit, printed as hashes and numbers: the runs of `make trust` compare it."""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np


def main() -> None:
    """Clean the small dataset and fit a spatial Durbin model to Munnell's panel; print what came out."""
    from panel_builders import REGRESSORS, munnell_frame
    from ronghe.clean.panel import clean_dataset
    from ronghe.spatial import SpatialPanel
    from ronghe.weights.matrix import Weights
    from tiny_dataset import write_tiny

    root = Path(tempfile.mkdtemp())
    cleaned = clean_dataset(write_tiny(root), root)
    paths = {name: str(root / f"{name}.csv") for name in ("panel", "series", "flags", *cleaned.tables)}
    cleaned.write(paths)
    text = b"".join(Path(path).read_bytes() for _, path in sorted(paths.items()))
    frame = munnell_frame()
    if "shuffled" in sys.argv:
        frame = frame.sample(frac=1, random_state=7)
    states = sorted(set(frame.index.get_level_values(0)))
    rows = [(a, states[(i + s) % len(states)]) for i, a in enumerate(states) for s in (-2, -1, 1, 2)]
    import pandas as pd

    W = Weights.from_edges(pd.DataFrame(rows, columns=["focal", "neighbor"]).assign(weight=1.0)).standardise("row")
    result = SpatialPanel(frame["ln_gsp"], frame[REGRESSORS], W).fit("clustered")
    told = {"text": hashlib.sha256(text).hexdigest(), "params": list(result.params), "errors": list(result.std_errors)}
    told["printed"] = [f"{a:.4f} ({b:.4f})" for a, b in zip(result.params, result.std_errors, strict=True)]
    json.dump(told, sys.stdout, default=np.ndarray.tolist)


if __name__ == "__main__":
    main()
