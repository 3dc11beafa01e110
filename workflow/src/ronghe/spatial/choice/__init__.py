"""Which model, which effects, which weights."""
