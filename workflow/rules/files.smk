# Before Snakemake reads the configuration: its files are there and readable (Snakemake would name neither file nor line).
import sys
from pathlib import Path

from ronghe.configuration import check_files
from ronghe.errors import RongheError

try:
    check_files("config", Path(workflow.basedir, "workflow", "schemas"), workflow.basedir)
except RongheError as error:
    sys.exit(f"\n{error}\n")
