"""Models: estimates of what integration does, there and next door; one file for each kind under `estimators`."""
