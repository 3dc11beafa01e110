# Stage 5: from panel, measures and weights to estimates.


rule models:
    """Stage 5, all of it: from panel, measures and weights to estimates."""
    input:
        [],
