"""The pytest plugin's fixtures, in a user's own test run."""

from __future__ import annotations


def test_upstream_registry_comes_with_a_mock(pytester):
    pytester.makepyfile("""
        import boto3

        def test_pull(upstream_registry):
            ecr = boto3.client("ecr", "us-east-1")
            ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
            image = upstream_registry("quay").push("team/app")
            answer = ecr.batch_get_image(repositoryName="quay/team/app", imageIds=[{"imageTag": "latest"}])
            assert answer["images"][0]["imageId"]["imageDigest"] == image.digest

        def test_nothing_is_left(upstream_registry):
            assert upstream_registry("quay").pulls == ()
            ecr = boto3.client("ecr", "us-east-1")
            assert ecr.describe_repositories()["repositories"] == []
    """)
    pytester.runpytest_subprocess("-W", "error", "-p", "no:randomly").assert_outcomes(passed=2)


def test_ecr_server_url_is_an_empty_server_for_each_test(pytester):
    pytester.makepyfile("""
        import boto3
        import pytest
        import moto_ecr_ptc

        @pytest.mark.parametrize("number", range(2))
        def test_server(ecr_server_url, number):
            assert ecr_server_url.startswith("http://127.0.0.1:")
            keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
            ecr = boto3.client("ecr", "us-east-1", endpoint_url=ecr_server_url, **keys)
            assert ecr.describe_repositories()["repositories"] == []
            ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
            ecr.batch_get_image(repositoryName="quay/team/app", imageIds=[{"imageTag": "latest"}])
            assert len(moto_ecr_ptc.upstream_registry("quay").pulls) == 1
    """)
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=2)


def test_ecr_server_url_without_the_servers_packages_says_what_to_install(pytester):
    pytester.makepyfile(flask="raise ImportError('no flask here')")
    pytester.makepyfile("""
        def test_server(ecr_server_url):
            pass
    """)
    result = pytester.runpytest_subprocess("-p", "no:randomly")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*pip install 'moto-ecr-ptc?server?'*"])


def test_fixtures_are_documented(pytester):
    result = pytester.runpytest_subprocess("--fixtures")
    result.stdout.fnmatch_lines(["ecr_server_url*", "    Give the URL of a moto server*"])
    result.stdout.fnmatch_lines(["upstream_registry*", "    Give the function*"])
