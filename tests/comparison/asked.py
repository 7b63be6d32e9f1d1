"""The questions as they are asked: each is a function that returns if the emulator does as ECR does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from requests import RequestException

from tests.comparison.emulator import Emulator, No, insist

# No answer, or one that is not of the protocol's form or lacks what a client reads.
FAULTS = (
    BotoCoreError,
    ResponseParserError,
    RequestException,
    KeyError,
    IndexError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True)
class Question:
    """A question in plain words, the mark of what is known of AWS, and the scenario that asks it."""

    text: str
    mark: str
    ask: Callable[[Emulator], None]


@dataclass(frozen=True)
class Answer:
    """How an emulator answers a question: yes, no or error, and why in one line."""

    question: Question
    verdict: str
    why: str


class Questions(list[Question]):
    """The questions of one kind, in their order."""

    def question(self, text: str, mark: str) -> Callable[[Callable[[Emulator], None]], Callable[[Emulator], None]]:
        """Register a scenario as the question with this text."""

        def register(scenario: Callable[[Emulator], None]) -> Callable[[Emulator], None]:
            self.append(Question(text, mark, scenario))
            return scenario

        return register


@contextmanager
def refused(*codes: str) -> Iterator[None]:
    """The calls in this block must be refused with one of these errors."""
    try:
        yield
    except ClientError as error:
        if status_of(error) >= 500:
            raise
        code = error.response["Error"]["Code"]
        insist(code in codes, f"refused with {code}: {error.response['Error'].get('Message', '')}")
        insist(status_of(error) == 400, f"refused with HTTP {status_of(error)}")
    else:
        raise No(f"accepted, not refused with {' or '.join(codes)}")


def answer(question: Question, emulator: Emulator) -> Answer:
    """Ask one question."""
    try:
        question.ask(emulator)
    except No as no:
        return Answer(question, "no", one_line(no))
    except ClientError as error:
        return Answer(question, "error" if is_fault(error) else "no", said_by(error))
    except FAULTS as error:
        return Answer(question, "error", one_line(f"{type(error).__name__}: {error}"))
    return Answer(question, "yes", question.mark)


def status_of(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"].get("HTTPStatusCode", 0))


def is_fault(error: ClientError) -> bool:
    """Return whether the emulator failed, instead of saying that it has no such operation: HTTP 501 says that."""
    return status_of(error) >= 500 and status_of(error) != 501


def said_by(error: ClientError) -> str:
    said = error.response["Error"]
    text = said.get("Message", "")
    page = "a page of HTML" if "<html" in text else text
    return one_line(f"{error.operation_name}: HTTP {status_of(error)} {said['Code']}: {page}")


def one_line(what: Any) -> str:
    return " ".join(str(what).split())[:160]
