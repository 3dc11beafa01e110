"""ln|I - aW|, its derivatives and traces: exact, or estimated where asked for."""
