"""From a specification and the data to the rows, columns and weights of one regression."""
