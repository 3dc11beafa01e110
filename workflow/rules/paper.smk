# Stage 6: from stored results to tables, figures and the manuscript.


rule paper:
    """Stage 6, all of it: from stored results to tables, figures and the manuscript."""
    input:
        [],
