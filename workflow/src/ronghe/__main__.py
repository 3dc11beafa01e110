"""`ronghe` and `python -m ronghe`: what stands before and after a run; the run itself is `snakemake`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ronghe.errors import RongheError
from ronghe.messages import said, speak
from ronghe.yaml_files import load_yaml

HELP = """exit codes: 0 all is well, 1 a fault or a difference was found (what is printed says where), 2 not understood

the road: ronghe new NAME FOLDER, look at each GUESS in config/datasets/NAME.yaml, ronghe check NAME, then
  snakemake --config dataset=NAME"""


TRACED = (
    "paper:NAME (a number of the paper), table:NAME, table:NAME/ROW/COLUMN (a printed cell, by labels or numbers from "
    "1), figure:NAME, SPECIFICATION, SPECIFICATION/VARIABLE (a coefficient), SPECIFICATION/VARIABLE/EFFECT (direct, "
    "indirect, total), or a variable"
)


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command and return its exit code."""
    given = _parser().parse_args(arguments)
    if not Path("config/config.yaml").is_file():
        print("config/config.yaml: no such file; go to the folder of the project", file=sys.stderr)
        return 1
    try:
        speak(load_yaml("config/config.yaml").get("language"))
        code = given.run(given)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever reads the output, such as head, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except RongheError as error:
        print(said(error), file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="ronghe", description=__doc__, epilog=HELP, formatter_class=shape)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    new = commands.add_parser("new", help="begin a dataset with a folder of tables")
    new.add_argument("name", help="lower case, digits and _")
    new.add_argument("folder", help="the tables as received: .csv .tsv .xlsx .dta .parquet, and .gal .gwt for weights")
    new.set_defaults(run=_new)
    stages = commands.add_parser("stages", help="write the stages that a dataset without any gets, to change them")
    stages.add_argument("name", help="a file of config/datasets/")
    stages.set_defaults(run=_stages)
    check = commands.add_parser("check", help="every fault of a dataset at once, without running anything")
    check.add_argument("name", help="a file of config/datasets/")
    check.set_defaults(run=_check)
    trace = commands.add_parser("trace", help="from a printed number to the cells it comes from")
    trace.add_argument("what", help=TRACED)
    trace.add_argument("--region", help="show the cells of one region, by any of its names")
    trace.add_argument("--year", type=int, help="show the cells of one year")
    trace.add_argument("--cells", type=int, default=3, metavar="N", help="how many cells to show of each (3)")
    trace.add_argument("--dataset", help="another dataset than that of config/config.yaml")
    trace.set_defaults(run=_trace)
    compare = commands.add_parser(
        "compare",
        help="which numbers differ between two runs, specifications or commits, by how much, and why",
        description="The exit code is 0 where no number differs and 1 where one does, as with diff.",
    )
    compare.add_argument("first", help="a folder such as results/NAME, a specification, or a commit, branch or tag")
    compare.add_argument("second", nargs="?", default=".", help="the other of the kind; . is the project as it is")
    compare.add_argument("--dataset", help="another dataset than that of config/config.yaml")
    compare.add_argument("--target", default="models", help="what to make of a commit, as snakemake is told (models)")
    compare.add_argument("--scratch", metavar="FOLDER", help="keep the trees of commits here, to use them again")
    compare.set_defaults(run=_compare)
    return parser


def _new(given: argparse.Namespace) -> int:
    from ronghe.command.new import new

    draft = new(given.name, given.folder)
    target = f"config/datasets/{given.name}.yaml"
    lines = [
        f"{len(draft.looks)} tables, {len(draft.variables())} variables, {len(draft.regions)} regions, "
        f"{draft.years[0]} to {draft.years[1]}: {target} and {target[:-5]}/",
        *(f"  guess: {guess}" for guess in draft.guesses),
        *(f"  not read: {fault}" for fault in draft.unread),
        f"next: look at each GUESS in {target}, then: ronghe check {given.name}",
    ]
    print("\n".join(map(said, lines)))
    return 0


def _stages(given: argparse.Namespace) -> int:
    from ronghe.command.new import begin_stages

    folder = begin_stages(given.name)
    print(said(f"written: {folder}/; look at each GUESS there, then: ronghe check {given.name}"))
    return 0


def _check(given: argparse.Namespace) -> int:
    from ronghe.command.check import check

    faults = check(given.name)
    for fault in faults:
        print(f"- {said(fault)}", file=sys.stderr)
    if faults:
        print(said(f"{given.name}: {len(faults)} faults"), file=sys.stderr)
        return 1
    print(said(f"{given.name}: no fault; next: snakemake --config dataset={given.name}"))
    return 0


def _trace(given: argparse.Namespace) -> int:
    from ronghe.command.trace import trace

    print("\n".join(trace(given.what, given.dataset, region=given.region, year=given.year, cells=given.cells)))
    return 0


def _compare(given: argparse.Namespace) -> int:
    from ronghe.command.compare import compare

    found = compare(given.first, given.second, given.dataset, given.target, given.scratch)
    print("\n".join(found.lines))
    return 1 if found.differing else 0


if __name__ == "__main__":
    sys.exit(main())
