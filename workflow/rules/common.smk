# Before any stage: the configuration is checked, and a fault ends the run with one message.
import sys
from pathlib import Path

from ronghe.configuration import check_configuration, load_yaml
from ronghe.errors import RongheError
from ronghe.provenance import source_files

try:
    check_configuration(config, workflow.configfiles, Path(workflow.basedir, "workflow", "schemas"))
except RongheError as error:
    sys.exit(f"\n{error}\n")
