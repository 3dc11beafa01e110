"""Many spatial panel fits at once: on one sample and W, all vectorised."""
