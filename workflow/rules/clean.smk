# Stage 1: from raw tables to one checked panel.


rule clean:
    """Stage 1, all of it: from raw tables to one checked panel."""
    input:
        [],
