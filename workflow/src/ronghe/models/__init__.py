"""Models: estimators of the effect of integration, there and next door."""
