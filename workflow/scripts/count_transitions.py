"""Count moves between classes, plain and by the class of the neighbours."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    import numba

    # What giddy compiles when it is imported (for one to three seconds) these chains never call. Numba's own switch
    # leaves out the loops; generalised functions it would compile still, and fail (0.68), unless an earlier run has
    # kept them.
    numba.config.DISABLE_JIT = True
    numba.guvectorize = lambda *signature, **options: lambda function: function
    from ronghe.explore.transitions import transitions
    from ronghe.frames import read_panel, write_tables
    from ronghe.weights import Weights

    panel = read_panel(*snakemake.input.panel)
    weights = [Weights.read(path) for path in snakemake.input.weights]
    entry = snakemake.params.entry | {"weights": next(iter(weights), None)}
    write_tables(transitions(panel[entry.pop("variable")], **entry), snakemake.output)
