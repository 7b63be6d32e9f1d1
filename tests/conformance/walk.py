"""Sends every case of an operation, and tells what the answers have against the service model."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import requests

from conftest import MODEL, REGION, Aws, rules, templates
from moto_ecr_ptc.ecr.configuration.settings import ACCOUNT_SETTINGS
from tests.conformance.answers import complaints, contradictions, outcome
from tests.conformance.cases import Case, cases
from tests.conformance.situations import Situation

_READING = ("BatchCheck", "Describe", "Get", "List", "Validate")
"""How the names of operations begin that change nothing."""


@dataclass
class Walk:
    """What came of the requests in one situation."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class Walker:
    """Walks through one situation of one mocked AWS."""

    def __init__(self, aws: Aws, situation: Situation) -> None:
        self._aws = aws
        self._situation = situation
        self._operation = MODEL.operation_model(situation.operation)
        self._session = requests.Session()
        self._walk = Walk()
        self._changes = not situation.operation.startswith(_READING)
        self._is_upload = "LayerUpload" in situation.operation or "UploadLayer" in situation.operation
        self._first = self._request = self._prepare()
        self._before = self._state()

    def walk(self) -> Walk:
        """Send all cases, and return what came of them."""
        with self._session:
            for member, group in groupby(cases(self._first, self._operation.input_shape), lambda case: case.member):
                refused = [case.description for case in group if not self._succeeds(case)]
                if self._state() != self._before or not self._still_succeeds():
                    self._walk.faults.append(f"{member or 'body'}: something was stored by one of {refused}")
                    self._start_anew()
        return self._walk

    def _succeeds(self, case: Case) -> bool:
        where = f"{case.member or 'body'}: {case.description} ({case.fault.name.lower()})"
        try:
            answer = self._send(case.body)
        except Exception as error:  # what comes out of moto in process is HTTP 500 on a server
            self._walk.outcomes[type(error).__name__] += 1
            self._walk.faults.append(f"{where}: {error!r}")
            return False
        self._walk.outcomes[outcome(answer)] += 1
        found = list(complaints(answer, self._operation))
        if self._situation.is_checked and not found:
            found += contradictions(answer, case.fault)
        self._walk.faults += [f"{where}: {fault}" for fault in found]
        if answer.status_code == 200 and self._changes and (self._is_upload or self._state() != self._before):
            self._start_anew()
        return answer.status_code == 200

    def _still_succeeds(self) -> bool:
        """Return whether the refusals left an upload, of which no operation tells, as it was."""
        if not self._is_upload:
            return True
        answer = self._send(json.dumps(self._first).encode())
        self._start_anew()
        return answer.status_code == 200

    def _send(self, body: bytes) -> requests.Response:
        for name, value in self._first.items():
            if isinstance(value, str) and value != self._request[name]:  # made up by moto, as an upload's id is
                body = body.replace(value.encode(), self._request[name].encode())
        return self._session.post(
            self._aws.endpoint_url or f"https://api.ecr.{REGION}.amazonaws.com/",
            data=body,
            headers={
                "X-Amz-Target": f"{MODEL.metadata['targetPrefix']}.{self._situation.operation}",
                "Content-Type": "application/x-amz-json-1.1",
                "Authorization": f"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/{REGION}/ecr/aws4_request",
            },
            timeout=60,
        )

    def _start_anew(self) -> None:
        self._request = self._prepare()
        self._before = self._state()

    def _prepare(self) -> dict[str, Any]:
        motos_api = f"{self._aws.endpoint_url or 'http://motoapi.amazonaws.com'}/moto-api"
        self._session.post(f"{motos_api}/reset", timeout=60).raise_for_status()
        return self._situation.prepare(self._aws)

    def _state(self) -> list[Any]:
        ecr = self._aws.client("ecr")
        repositories = ecr.describe_repositories()["repositories"]
        images = [ecr.describe_images(repositoryName=found["repositoryName"])["imageDetails"] for found in repositories]
        is_about_settings = "AccountSetting" in self._situation.operation  # three more calls each time
        names = ACCOUNT_SETTINGS if is_about_settings else ()
        settings = [ecr.get_account_setting(name=name)["value"] for name in names]
        return [rules(ecr), templates(ecr), repositories, images, settings]
