"""Count moves between classes, plain and by the class of the neighbours."""

import os

from ronghe.explore.transitions import transitions
from ronghe.frames import read_panel, write_tables
from ronghe.journal import journal
from ronghe.weights import Weights

# Numba's own switch: what giddy would compile for more than a second when it is imported, these chains hardly use.
os.environ["NUMBA_DISABLE_JIT"] = "1"

with journal(snakemake.log[0]):
    panel = read_panel(*snakemake.input.panel)
    weights = [Weights.read(path) for path in snakemake.input.weights]
    entry = snakemake.params.entry | {"weights": next(iter(weights), None)}
    write_tables(transitions(panel[entry.pop("variable")], **entry), snakemake.output)
