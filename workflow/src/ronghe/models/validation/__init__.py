"""How the estimators do where the truth is known."""
