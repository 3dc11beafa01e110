"""One module for each kind of measure that the configuration can name, of exactly that name."""
