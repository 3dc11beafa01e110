"""Count moves between classes, plain and by the class of the neighbours."""

from ronghe.explore.transitions import transitions
from ronghe.frames import read_panel, write_tables
from ronghe.journal import journal
from ronghe.weights import Weights

with journal(snakemake.log[0]):
    panel = read_panel(*snakemake.input.panel)
    weights = [Weights.read(path) for path in snakemake.input.weights]
    entry = snakemake.params.entry | {"weights": next(iter(weights), None)}
    write_tables(transitions(panel[entry.pop("variable")], **entry), snakemake.output)
