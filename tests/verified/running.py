"""Runs scenarios, and deletes what they made, however they end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .case import Case, Observation
from .cleaning import clean
from .cloud import Cloud
from .journal import Journal


@dataclass(frozen=True)
class Scenario:
    """Something that can be asked of ECR, and the rows of the fidelity page that the answers are about."""

    name: str
    rows: tuple[str, ...]
    body: Callable[[Case], None]
    needs: Callable[[], bool]

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
    """
    journal = Journal.begin(journals, cloud.account, cloud.region)
    case = Case(cloud, journal)
    try:
        scenario.body(case)
    except Exception as error:  # an answer of another form may break a scenario anywhere
        if not cloud.is_real:
            raise
        return Outcome(case.observations, stopped=str(case.normalise(f"{type(error).__name__}: {error}")))
    finally:
        clean(journal, cloud)
    return Outcome(case.observations)
