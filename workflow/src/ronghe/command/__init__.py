"""The command `ronghe`: begin with a folder of tables, check a dataset, trace a number, compare two runs."""
