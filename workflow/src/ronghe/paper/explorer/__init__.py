"""The explorer: one page, without network access, that answers where, with what, how sure, where to, and what if."""
