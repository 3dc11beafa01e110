# Before any stage: the configuration is checked, and a fault ends the run with one message.
import sys
from pathlib import Path

from ronghe.clean.declaration import load_dataset
from ronghe.clean.microdata import declaration as microdata
from ronghe.clean.variables import fact_files, families, labels, raw_files, variables, without_words
from ronghe.configuration import check_against_dataset, check_configuration, fit_stages, replace_stages, require_dataset
from ronghe.errors import RongheError
from ronghe.files import require_room
from ronghe.messages import said, speak
from ronghe.places import folders, placed
from ronghe.provenance import brief, checksum_of, script_files, source_files
from snakemake.utils import update_config

SCHEMAS = Path(workflow.basedir, "workflow", "schemas")
DATASETS = Path(workflow.basedir, "config", "datasets")

# Messages, of jobs too, are in the language of the configuration.
speak(config.get("language"))
try:
    require_room(".")
    require_dataset(config, DATASETS)
    # A dataset may bring its own later stages in a folder of its name.
    own_stages = replace_stages(config, DATASETS / config["dataset"], SCHEMAS)
    # What the command line says goes before either.
    update_config(config, workflow.config_settings.overwrite_config)
    config_files = [*workflow.configfiles, *own_stages]
    check_configuration(config, config_files, SCHEMAS)
    # The folder behind every <name> in a path of the rules.
    PLACES = folders(config["dataset"], config["language"])
    # How the raw tables of config/datasets/NAME.yaml become one panel.
    DATASET = load_dataset(config["dataset"], DATASETS, SCHEMAS / "dataset.schema.yaml")
    # One that brings no stages gets those that fit its variables.
    if fit_stages(config, DATASET, DATASETS / config["dataset"], SCHEMAS):
        update_config(config, workflow.config_settings.overwrite_config)
        check_configuration(config, config_files, SCHEMAS)
    # A label that a dataset gives goes before the general one.
    config["labels"] = {**config["labels"], **labels(DATASET)}
    check_against_dataset(config, config_files, DATASET)
except RongheError as error:
    sys.exit(f"\n{said(error)}\n")

# What jobs are given is printed as the reason why they run, and so in brief.
config.update(brief(config))
DATASET = brief(DATASET)

# Read only under --sdm conda: without it jobs run in the environment that runs Snakemake.
ENVIRONMENT = "../envs/ronghe.yaml"


def code_of(rule, *modules):
    """The script of a rule, and every file of the library that it, or one of `modules`, imports."""
    return script_files(f"workflow/scripts/{rule}.py", *modules)


def code_of_specification(wildcards):
    """The code that the kind of a specification, and of what it builds on, runs."""
    return code_of("estimate_specification", *models_declaration.modules(SPECIFICATIONS[wildcards.spec]))
