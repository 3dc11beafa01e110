# The whole road: raw tables -> panel -> measures -> weights -> exploration -> models -> paper.
from ronghe.provenance import once_per_state
from snakemake import io
from snakemake.utils import min_version

min_version("9.13")


# Read only under --sdm apptainer: see Containerfile.
container: "build/ronghe.sif"


include: "workflow/rules/files.smk"


configfile: "config/config.yaml"
configfile: "config/measures.yaml"
configfile: "config/weights.yaml"
configfile: "config/explore.yaml"
configfile: "config/specifications.yaml"
configfile: "config/multiverse.yaml"
configfile: "config/tables.yaml"
configfile: "config/figures.yaml"
configfile: "config/quotes.yaml"
configfile: "config/labels.yaml"


include: "workflow/rules/common.smk"


# Every dataset writes into folders of its own: <results>, <processed>, <paper>, <logs>, <benchmarks>.
pathvars:
    **PLACES,


include: "workflow/rules/clean.smk"
include: "workflow/rules/measures.smk"
include: "workflow/rules/weights.smk"
include: "workflow/rules/explore.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/multiverse.smk"
include: "workflow/rules/paper.smk"


# Snakemake's limit of 100 jobs in a second wakes its scheduler once a second for every job that has ended; after
# hundreds it takes most of a core (9.27). On one machine the number of cores is the limit.
onstart:
    if getattr(workflow, "local_exec", False) and hasattr(workflow.scheduler, "job_rate_limiter"):
        workflow.scheduler.job_rate_limiter = None
    # Snakemake (9.27) reads every input of a job again for each of its outputs: 60,000 files in one run.
    if hasattr(io, "_IOFile"):
        io._IOFile.checksum = once_per_state(io._IOFile.checksum)


rule all:
    """Everything: every table, figure and page."""
    default_target: True
    input:
        rules.clean.input,
        rules.measures.input,
        rules.weights.input,
        rules.explore.input,
        rules.models.input,
        rules.multiverse.input,
        rules.paper.input,
