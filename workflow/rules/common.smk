# Before any stage: the configuration is checked, and a fault ends the run with one message.
import sys
from pathlib import Path

from ronghe.clean.declaration import load_dataset
from ronghe.clean.variables import derivations, fact_files, families, labels, raw_files, variables, without_words
from ronghe.configuration import check_configuration, load_yaml, replace_stages
from ronghe.errors import RongheError
from ronghe.explore.spatial import check_panel_variables as check_dependence_variables
from ronghe.measures.declaration import check_panel_variables
from ronghe.models.declaration import check_variables
from ronghe.provenance import script_files, source_files
from ronghe.weights.declaration import check_panel_variables as check_weights_variables

SCHEMAS = Path(workflow.basedir, "workflow", "schemas")
DATASETS = Path(workflow.basedir, "config", "datasets")

try:
    # A dataset may bring its own later stages in a folder of its name.
    own_stages = replace_stages(config, DATASETS / config["dataset"], SCHEMAS)
    check_configuration(config, [*workflow.configfiles, *own_stages], SCHEMAS)
    # How the raw tables of config/datasets/NAME.yaml become one panel.
    DATASET = load_dataset(config["dataset"], DATASETS, SCHEMAS / "dataset.schema.yaml")
    # A label that a dataset gives goes before the general one.
    config["labels"] = {**config["labels"], **labels(DATASET)}
    PANEL_VARIABLES = [*variables(DATASET), *(d.name for d in derivations(DATASET))]
    for check_names in (check_panel_variables, check_weights_variables, check_dependence_variables):
        check_names(config, PANEL_VARIABLES)
    check_variables(config, PANEL_VARIABLES, families(DATASET))
except RongheError as error:
    sys.exit(f"\n{error}\n")


def code_of(rule, *modules):
    """The script of a rule, and every file of the library that it, or one of `modules`, imports."""
    return script_files(f"workflow/scripts/{rule}.py", *modules)
