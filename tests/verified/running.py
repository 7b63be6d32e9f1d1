"""Runs scenarios, and deletes what they made, however they end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from .case import Case, Observation
from .cleaning import LeftBehind, clean
from .cloud import Cloud
from .guard import NotAllowed
from .journal import Journal
from .stopping import put_off
from .unanswered import NoAnswer, check_error


@dataclass(frozen=True)
class Scenario:
    """Something that can be asked of ECR, and the rows of the fidelity page that the answers are about."""

    name: str
    rows: tuple[str, ...]
    body: Callable[[Case], None]
    needs: Callable[[], bool]
    is_run_by_name_only: bool = False
    """Whether it keeps others from the account's quotas while it runs."""

    @property
    def is_in_the_model(self) -> bool:
        """Whether the installed botocore has what the scenario calls."""
        return self.needs()


@dataclass(frozen=True)
class Outcome:
    """What a run has seen, and what stopped it, if something did."""

    observations: list[Observation]
    stopped: str | None = None


def run(scenario: Scenario, cloud: Cloud, journals: Path) -> Outcome:
    """Run a scenario. Whatever it made is deleted when this returns or raises, but for a kill of the process.

    :raises LeftBehind: something could not be deleted; the journal has it
    :raises NoAnswer: somebody or something else than AWS's ECR ended it
    :raises NotAllowed: the guard stopped it
    """
    with Journal.begin(journals, cloud.account, cloud.region) as journal:
        return _run(scenario, Case(cloud, journal), journal)


def _run(scenario: Scenario, case: Case, journal: Journal) -> Outcome:
    cloud = case.cloud
    try:
        stopped = _play(scenario, case)
    except (KeyboardInterrupt, SystemExit):
        with put_off(), suppress(LeftBehind):  # what stopped the run goes before what it left, which the journal has
            clean(journal, cloud)
        raise
    except Exception as error:
        try:
            _clean(journal, cloud)
        except LeftBehind as left:
            raise LeftBehind(f"{error}; {left}") from None
        raise
    _clean(journal, cloud)
    return Outcome(case.observations, stopped)


def _play(scenario: Scenario, case: Case) -> str | None:
    """Run the body of a scenario, and return what of AWS's answers stopped it."""
    try:
        scenario.body(case)
    except (NoAnswer, NotAllowed):
        raise
    except (BotoCoreError, OSError) as error:  # the network, the disk, the credentials; requests' errors are OSErrors
        raise NoAnswer(f"{type(error).__name__}: {error}") from error
    except Exception as error:  # an answer of another form may break a scenario anywhere
        if not case.cloud.is_real:
            raise
        if isinstance(error, ClientError):
            check_error(error)
        return str(case.normalise(f"{type(error).__name__}: {error}"))
    return None


def _clean(journal: Journal, cloud: Cloud) -> None:
    with put_off():
        clean(journal, cloud)
