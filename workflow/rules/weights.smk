# Stage 3: from positions and borders to weights matrices.


rule weights:
    """Stage 3, all of it: from positions and borders to weights matrices."""
    input:
        [],
