"""What follows from a fitted spatial panel: fixed effects, prediction, simulation."""
