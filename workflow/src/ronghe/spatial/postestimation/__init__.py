"""What follows from a fitted spatial panel: recovered effects, prediction, simulation."""
