"""The ways in: mock_aws in all its forms, pytest with the plugin installed, and TEST_SERVER_MODE."""

from __future__ import annotations

import unittest

import boto3
import pytest
from moto import mock_aws

from tests.strict import STRICT

QUAY = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}


def client():
    return boto3.client("ecr", "us-east-1")


def count():
    return len(client().describe_pull_through_cache_rules()["pullThroughCacheRules"])


@mock_aws
def test_mock_aws_decorates_a_function():
    client().create_pull_through_cache_rule(**QUAY)
    assert count() == 1


@mock_aws()
def test_mock_aws_called_decorates_a_function():
    assert count() == 0
    client().create_pull_through_cache_rule(**QUAY)
    assert count() == 1


@mock_aws
class TestMockAwsDecoratesAClass:
    def test_first(self):
        assert count() == 0
        client().create_pull_through_cache_rule(**QUAY)

    def test_second(self):
        assert count() == 0
        client().create_pull_through_cache_rule(**QUAY)


@mock_aws
class MockAwsDecoratesATestCase(unittest.TestCase):
    def setUp(self):
        client().create_pull_through_cache_rule(**QUAY)

    def test_one(self):
        assert count() == 1
        client().delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")

    def test_two(self):
        assert count() == 1
        client().delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")


def test_mock_aws_as_context_forgets_its_state():
    for _ in range(2):
        with mock_aws():
            assert count() == 0
            client().create_pull_through_cache_rule(**QUAY)
            with mock_aws():
                assert count() == 1


def test_mock_aws_started_and_stopped_forgets_its_state():
    for _ in range(2):
        mock = mock_aws()
        mock.start()
        try:
            assert count() == 0
            client().create_pull_through_cache_rule(**QUAY)
        finally:
            mock.stop()


def test_client_made_before_the_mock_is_mocked():
    early = boto3.client("ecr", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    with mock_aws():
        early.create_pull_through_cache_rule(**QUAY)
        assert count() == 1


# --- the pytest plugin ------------------------------------------------------------------------------------------------

USERS_TEST = """
    import boto3
    import pytest
    from moto import mock_aws


    @pytest.fixture
    def ecr():
        with mock_aws():
            yield boto3.client("ecr", "us-east-1")


    @pytest.mark.parametrize("number", range(4))
    def test_create(ecr, number):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        assert len(ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]) == 1
"""


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["-n", "2"],
        ["-p", "randomly", "-p", "no:cacheprovider"],
        ["--assert=plain"],
        ["--import-mode=importlib"],
        ["-p", "moto_ecr_ptc"],
    ],
    ids=" ".join,
)
def test_pytest_with_the_plugin_installed_needs_no_import(pytester, options):
    pytester.makepyfile(USERS_TEST)
    result = pytester.runpytest_subprocess(*STRICT, *options)
    result.assert_outcomes(passed=4)
    assert "warning" not in result.stdout.str()


def test_pytest_with_the_plugin_off_has_plain_moto(pytester):
    pytester.makepyfile(USERS_TEST)
    result = pytester.runpytest_subprocess(*STRICT, "-p", "no:moto_ecr_ptc")
    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(["*NotImplementedError: The create_pull_through_cache_rule action*"])


def test_pytest_run_by_a_program_that_imported_the_package_first_has_no_warning(pytester):
    pytester.makepyfile(USERS_TEST)
    program = pytester.makepyfile(
        program=f"import moto_ecr_ptc, pytest, sys; sys.exit(pytest.main({[*STRICT, '-p', 'no:randomly']}))"
    )
    result = pytester.runpython(program)
    result.assert_outcomes(passed=4)


def test_pytest_session_that_never_touches_moto_does_not_load_it(pytester):
    pytester.makepyfile("""
        import sys

        def test_nothing_of_moto_is_loaded():
            assert "moto_ecr_ptc.activation" in sys.modules
            assert not {"moto", "boto3", "botocore"} & set(sys.modules)
    """)
    pytester.runpytest_subprocess(*STRICT).assert_outcomes(passed=1)


def test_test_server_mode_sends_calls_to_the_server(pytester, server, monkeypatch):
    pytester.makepyfile(USERS_TEST)
    monkeypatch.setenv("TEST_SERVER_MODE", "true")
    monkeypatch.setenv("TEST_SERVER_MODE_ENDPOINT", server.endpoint_url)
    pytester.runpytest_subprocess(*STRICT, "-p", "no:moto_ecr_ptc").assert_outcomes(passed=4)
