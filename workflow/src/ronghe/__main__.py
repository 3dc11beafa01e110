"""`ronghe` and `python -m ronghe`: what stands before and after a run; the run itself is `snakemake`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from ronghe.errors import RongheError, interrupted
from ronghe.messages import said, speak, told
from ronghe.yaml_files import load_yaml

ABOUT = "what stands before and after a run; the run itself is snakemake"
CODES = "exit codes: 0 all is well, 1 a fault or a difference was found (what is printed says where), 2 not understood"
ROAD = (
    "the road: ronghe new NAME FOLDER, look at each GUESS in config/datasets/NAME.yaml, ronghe check NAME, then "
    "snakemake --config dataset=NAME"
)
TRACED = (
    "paper:NAME (a number of the paper), table:NAME, table:NAME/ROW/COLUMN (a printed cell, by labels or numbers from "
    "1), figure:NAME, SPECIFICATION, SPECIFICATION/VARIABLE (a coefficient), SPECIFICATION/VARIABLE/EFFECT (direct, "
    "indirect, total), or a variable"
)
TABLES = "the tables as received: .csv .tsv .xlsx .xls .dta .parquet, and .gal .gwt for weights"
COMPARED = "which numbers differ between two runs, specifications or commits, by how much, and why"


class Help(argparse.HelpFormatter):
    """Prints help in the language of the configuration."""

    def add_usage(self, usage: str | None, actions: object, groups: object, prefix: str | None = None) -> None:
        """Add how the command is written."""
        super().add_usage(usage, actions, groups, told("usage: ") if prefix is None else prefix)

    def start_section(self, heading: str | None) -> None:
        """Begin a list of arguments."""
        super().start_section(told(heading) if heading else heading)

    def add_text(self, text: str | None) -> None:
        """Add what stands above and below the lists, each line a paragraph."""
        for line in (text or "").splitlines():
            super().add_text(told(line))

    def add_argument(self, action: argparse.Action) -> None:
        """Add an argument, or a command, and what it is."""
        if action.help:
            action.help = told(action.help)
        for choice in action._get_subactions() if hasattr(action, "_get_subactions") else ():
            choice.help = told(choice.help)
        super().add_argument(action)


class Parser(argparse.ArgumentParser):
    """Reads the command; what it refuses it says in the language of the configuration."""

    def error(self, message: str) -> NoReturn:
        """Say what was not understood, and end."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {said(message)}\n")


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command and return its exit code."""
    there = Path("config/config.yaml").is_file()
    try:
        if there:
            speak(load_yaml("config/config.yaml").get("language"))
        given = _parser().parse_args(arguments)
        if not there:
            raise RongheError("config/config.yaml: no such file; go to the folder of the project")
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
    except BaseException as error:
        if not interrupted(error):
            raise
        print(said("interrupted: nothing half-written is left; say it again to begin anew"), file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="ronghe", description=ABOUT, epilog=f"{CODES}\n{ROAD}", formatter_class=Help)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable, about: str, epilog: str | None = None) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about, epilog=epilog, formatter_class=Help)
        made.set_defaults(run=run)
        return made

    new = command("new", _new, "begin a dataset with a folder of tables")
    new.add_argument("name", help="lower case, digits and _")
    new.add_argument("folder", help=TABLES)
    for name, run, about in (
        ("stages", _stages, "write the stages that a dataset without any gets, to change them"),
        ("check", _check, "every fault of a dataset at once, without running anything"),
    ):
        command(name, run, about).add_argument("name", help="a file of config/datasets/")
    trace = command("trace", _trace, "from a printed number to the cells it comes from")
    trace.add_argument("what", help=TRACED)
    trace.add_argument("--region", help="show the cells of one region, by any of its names")
    trace.add_argument("--year", type=int, help="show the cells of one year")
    trace.add_argument("--cells", type=int, default=3, metavar="N", help="how many cells to show of each (3)")
    same = "The exit code is 0 where no number differs and 1 where one does, as with diff."
    compare = command("compare", _compare, COMPARED, same)
    compare.add_argument("first", help="a folder such as results/NAME, a specification, or a commit, branch or tag")
    compare.add_argument("second", nargs="?", default=".", help="the other of the kind; . is the project as it is")
    compare.add_argument("--target", default="models", help="what to make of a commit, as snakemake is told (models)")
    compare.add_argument("--scratch", metavar="FOLDER", help="keep the trees of commits here, to use them again")
    for one in (trace, compare):
        one.add_argument("--dataset", help="another dataset than that of config/config.yaml")
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
