"""The command ``python -m tests.verified``: asks AWS, and says what follows from the answers. See docs/verify.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from . import recordings, reporting
from .cleaning import LeftBehind, bearing_a_prefix, clean, marked_for_deletion
from .cloud import Cloud
from .consent import COSTS, REGIONS, NoConsent, cloud_of_the_user
from .guard import NotAllowed
from .journal import JOURNALS, Journal, bears, journals
from .preconditions import A_PULL, check_settings
from .recordings import RECORDINGS
from .rows import FIDELITY, Unreadable
from .running import run
from .scenarios import SCENARIOS
from .stopping import listen
from .unanswered import NoAnswer
from .upstreams import fill


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.command(arguments))
    except (NoConsent, Unreadable, OSError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


def record(arguments: argparse.Namespace) -> int:
    """Run scenarios against AWS, and record what they see."""
    chosen = _chosen(arguments.scenarios)
    cloud = cloud_of_the_user(arguments)
    if arguments.stand_in:
        if arguments.recordings.resolve() == RECORDINGS:
            raise NoConsent("what a stand-in answers is no recording of AWS: name another directory by --recordings")
        fill(arguments.stand_in)
    check_settings(cloud)
    faults = 0
    try:
        run(A_PULL, cloud, arguments.journals)
        for name in chosen:
            faults += _record_one(name, cloud, arguments)
    except LeftBehind as error:  # where nothing can be deleted, nothing more is made
        faults += 1
        print(error, flush=True)
    except NoAnswer as error:
        faults += 1
        print(f"nothing is recorded: {error}", flush=True)
    except KeyboardInterrupt:
        _say_what_is_left(cloud, arguments.journals)
        raise
    return _say_what_is_left(cloud, arguments.journals) or min(faults, 1)


def _record_one(name: str, cloud: Cloud, arguments: argparse.Namespace) -> bool:
    """Record a scenario, and return whether that was in vain, or in part."""
    if not SCENARIOS[name].is_in_the_model:
        print(f"{name}: the installed botocore has not what it calls")
        return False
    try:
        outcome = run(SCENARIOS[name], cloud, arguments.journals)
        path = recordings.write(arguments.recordings, name, outcome, cloud)
    except (NoAnswer, NotAllowed, recordings.Kept, recordings.NotBlanked) as error:
        print(f"{name}: not recorded: {error}", flush=True)
        return True
    print(f"{path.name}: {outcome.stopped or f'{len(outcome.observations)} answers'}", flush=True)
    return outcome.stopped is not None


def clean_up(arguments: argparse.Namespace) -> int:
    """Delete what runs have left that were killed."""
    cloud = cloud_of_the_user(arguments)
    for journal in list(journals(arguments.journals)):
        with journal:
            if journal.lock():
                _clean_one(journal, cloud)
    return _say_what_is_left(cloud, arguments.journals)


def _clean_one(journal: Journal, cloud: Cloud) -> None:
    try:
        for made in clean(journal, cloud):
            print(f"{made.kind} {made.name}: gone")
    except LeftBehind as error:
        print(error)


def _say_what_is_left(cloud: Cloud, directory: Path) -> int:
    open_journals, running = [], []
    for journal in journals(directory):
        with journal:
            (open_journals if journal.lock() else running).append(journal.prefix)
    left, marked = (
        [name for name in names if not any(bears(prefix, name) for prefix in running)]
        for names in (bearing_a_prefix(cloud), marked_for_deletion(cloud))
    )
    if running:
        print(f"still running: {', '.join(running)}")
    if marked:
        print(f"marked for deletion, which AWS does by itself: {', '.join(marked)}")
    for name in left:
        print(f"left behind: {name}")
    if open_journals:
        print(f"not cleaned yet: {', '.join(open_journals)}; run: python -m tests.verified clean …")
    if not left and not open_journals:
        print("Nothing is left behind.")
    return 1 if left or open_journals else 0


def status(arguments: argparse.Namespace) -> int:
    """Say which rows are verified, could be, and cannot be."""
    print(reporting.status(_of_aws(arguments.recordings), list_all=arguments.all))
    return 0


def differences(arguments: argparse.Namespace) -> int:
    """List where the mock does not answer as recorded, by row."""
    text, count = reporting.differences(recordings.read(arguments.recordings))
    print(text)
    return 1 if count else 0


def marks(arguments: argparse.Namespace) -> int:
    """Say which marks the recordings change, and write them into the page."""
    found = _of_aws(arguments.recordings)
    page, changed = reporting.marked(arguments.page, found)
    for row, (old, new) in changed.items():
        print(f"{row}: {old} → {new}")
    if arguments.write:
        page.write(arguments.page)
    print(f"{len(changed)} marks {'changed' if arguments.write else 'would change; --write changes them'}.")
    return 0


def _of_aws(directory: Path) -> dict[str, recordings.Recording]:
    found = recordings.read(directory)
    if any(recording.source != "AWS" for recording in found.values()):
        raise NoConsent("some of these recordings are not those of AWS; they say nothing about AWS")
    return found


def _chosen(names: Sequence[str]) -> list[str]:
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        raise NoConsent(f"no such scenario: {', '.join(unknown)}; there are: {', '.join(SCENARIOS)}")
    return list(names) or [name for name, scenario in SCENARIOS.items() if not scenario.is_run_by_name_only]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.verified", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Any) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=command.__doc__, description=command.__doc__, allow_abbrev=False)
        added.set_defaults(command=command)
        return added

    asking = [add("record", record), add("clean", clean_up)]
    for command in asking:
        command.add_argument("--aws", action="store_true", help="ask AWS; without it nothing is asked")
        command.add_argument("--i-accept-costs", action="store_true", help=COSTS)
        command.add_argument("--account", help="the 12 digits of the account that the credentials are of")
        command.add_argument("--region", help=f"one of {', '.join(REGIONS)}")
        command.add_argument("--profile", help="the profile of the credentials, as for the AWS CLI")
        command.add_argument("--stand-in", metavar="URL", help="ask a moto server on this machine in AWS's place")
        command.add_argument("--journals", type=Path, default=JOURNALS, help="where it is written what was made")
    asking[0].add_argument(
        "scenarios", nargs="*", metavar="SCENARIO", help="all, if none is named, but those that use up a quota"
    )
    comparing = [add("status", status), add("differences", differences), add("marks", marks)]
    for command in (asking[0], *comparing):
        command.add_argument("--recordings", type=Path, default=RECORDINGS, help="where the recordings are")
    comparing[0].add_argument("--all", action="store_true", help="list each row")
    comparing[2].add_argument("--page", type=Path, default=FIDELITY, help="the fidelity page")
    comparing[2].add_argument("--write", action="store_true", help="change the page")
    return parser


if __name__ == "__main__":
    listen()
    sys.exit(main())
