# Stage 4: from measures and weights to spatial dependence and distribution.


rule explore:
    """Stage 4, all of it: from measures and weights to spatial dependence and distribution."""
    input:
        [],
