"""Paper: stored results become tables, figures and the manuscript."""
