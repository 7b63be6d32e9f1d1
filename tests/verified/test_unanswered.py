"""A refusal of the caller says nothing about ECR, and one of the request does."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import requests
from botocore.exceptions import ClientError

from tests.verified.case import Case
from tests.verified.scenarios import stacks
from tests.verified.scenarios.stacks import create, rule
from tests.verified.unanswered import NoAnswer, check_error, check_post, check_reason, check_reply


def error(code, status=400):
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "DescribeImages")


def reply(status, text):
    found = requests.Response()
    found.status_code, found._content = status, text.encode()  # noqa: SLF001  (nothing else makes a reply of a text)
    found.request = requests.Request("GET", "http://127.0.0.1/v2/app/manifests/v1").prepare()
    return found


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDeniedException", 400),
        ("ExpiredTokenException", 400),
        ("Throttling", 400),
        ("ServerException", 500),
        ("ServerException", 503),
        ("LimitExceededException", 400),
    ],
)
def test_refusal_of_the_caller_and_failure_of_the_service_are_no_answer(code, status):
    with pytest.raises(NoAnswer, match=code):
        check_error(error(code, status))


def test_quota_is_an_answer_to_the_scenario_about_it():
    check_error(error("LimitExceededException"), "LimitExceededException")


@pytest.mark.parametrize("code", ["InvalidParameterException", "RepositoryNotFoundException", "UnknownException"])
def test_refusal_of_the_request_is_an_answer(code):
    check_error(error(code))


@pytest.mark.parametrize(
    ("status", "text"),
    [(403, "User: <caller> is not authorized to perform: ecr:PutImage"), (429, "Slow down"), (500, "")],
)
def test_reply_of_the_registry_endpoint_that_refuses_the_caller_is_no_answer(status, text):
    with pytest.raises(NoAnswer, match=f"GET /v2/app/manifests/v1: {status}"):
        check_reply(reply(status, text))


@pytest.mark.parametrize(("status", "text"), [(403, "DENIED"), (401, "Not Authorized"), (404, "")])
def test_any_other_reply_of_the_registry_endpoint_is_an_answer(status, text):
    check_reply(reply(status, text))


def test_signature_in_a_url_is_not_told():
    answer = reply(503, "")
    answer.request = requests.Request("GET", "http://127.0.0.1/layer?X-Amz-Signature=abc").prepare()
    with pytest.raises(NoAnswer) as raised:
        check_reply(answer)
    assert str(raised.value) == "GET /layer: 503 "


@pytest.mark.parametrize(
    ("text", "is_answer"),
    [
        ('{"__type": "com.amazonaws#ThrottlingException"}', False),
        ('{"__type": "SerializationException"}', True),
        ("[]", True),
        ("no JSON", True),
    ],
)
def test_reply_to_a_request_of_any_form_is_checked(text, is_answer):
    with nullcontext() if is_answer else pytest.raises(NoAnswer):
        check_post(reply(400, text))


@pytest.mark.parametrize(
    "reason",
    [
        "User: <caller> is not authorized to perform: secretsmanager:TagResource on resource: <arn>",
        'Resource handler returned message: "null" (RequestToken: <uuid>, HandlerErrorCode: AccessDenied)',
        'Resource handler returned message: "Rate exceeded" (RequestToken: <uuid>, HandlerErrorCode: Throttling)',
        'Resource handler returned message: "Too slow" (RequestToken: <uuid>, HandlerErrorCode: NotStabilized)',
    ],
)
def test_stack_that_fails_for_the_caller_is_no_answer(reason):
    with pytest.raises(NoAnswer):
        check_reason(reason)


@pytest.mark.parametrize("code", ["AlreadyExists", "InvalidRequest", "NotFound", "GeneralServiceException"])
def test_stack_that_fails_for_its_template_is_an_answer(code):
    check_reason(f'Resource handler returned message: "no" (RequestToken: <uuid>, HandlerErrorCode: {code})')


def test_scenario_stops_where_its_stack_fails_for_the_caller(in_process, cloud_of_moto, journal):
    case = Case(cloud_of_moto, journal)
    words = "is not authorized to perform"  # in the reason, since no property has this name
    with pytest.raises(NoAnswer, match=words):
        create(case, "", {"Rule": rule(case.prefix, **{words: "x"})})


def test_stack_that_takes_too_long_is_no_answer(in_process, cloud_of_moto, journal, monkeypatch):
    monkeypatch.setattr(stacks, "_PATIENCE", 0)
    case = Case(cloud_of_moto, journal)
    with pytest.raises(NoAnswer, match="the stack is not done"):
        create(case, "", {"Rule": rule(case.prefix)})


def test_case_does_not_go_on_with_a_reply_that_is_no_answer(cloud_of_moto, journal, monkeypatch):
    monkeypatch.setattr(cloud_of_moto, "post", lambda *_: reply(400, '{"__type": "ThrottlingException"}'))
    with pytest.raises(NoAnswer):
        Case(cloud_of_moto, journal).post("DescribeRepositories", b"{}")
