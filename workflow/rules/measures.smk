# Stage 2: from the panel to indices.


rule measures:
    """Stage 2, all of it: from the panel to indices."""
    input:
        [],
