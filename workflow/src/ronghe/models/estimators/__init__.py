"""One file for each kind of specification, of exactly its name."""
