# Before Snakemake reads the configuration: its files are there and readable (Snakemake would name neither file nor line).
import sys
from pathlib import Path

import yaml

from ronghe.configuration import check_files
from ronghe.errors import RongheError

# Snakemake reads a configfile by PyYAML's slow loader; that in C takes a seventh of the time and gives the same.
yaml.FullLoader = getattr(yaml, "CFullLoader", yaml.FullLoader)
try:
    check_files("config", Path(workflow.basedir, "workflow", "schemas"), workflow.basedir)
except RongheError as error:
    sys.exit(f"\n{error}\n")
