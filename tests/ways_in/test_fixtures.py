"""The pytest plugin's fixtures, in a user's own test run."""

from __future__ import annotations

import os

import pytest

from tests.strict import STRICT

PRINTS_ENVIRONMENT = """
    import os
    import boto3

    def test_server(ecr_server_url):
        boto3.client("ecr", endpoint_url=ecr_server_url).describe_repositories()
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
        print("found", *(os.environ.get(name) for name in names), "end")
"""


@pytest.fixture
def nothing_configured(monkeypatch, tmp_path):
    """An environment in which boto3 finds neither credentials nor a Region; the folder of its files."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


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
    pytester.runpytest_subprocess(*STRICT, "-p", "no:randomly").assert_outcomes(passed=2)


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
    pytester.runpytest_subprocess(*STRICT).assert_outcomes(passed=2)


def test_ecr_server_url_without_the_servers_packages_says_what_to_install(pytester):
    pytester.makepyfile(flask="raise ImportError('no flask here')")
    pytester.makepyfile("""
        def test_server(ecr_server_url):
            pass
    """)
    result = pytester.runpytest_subprocess(*STRICT, "-p", "no:randomly")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*pip install 'moto-ecr-ptc?server?'*"])


def printed(pytester):
    """Return what a test that uses the server finds in its environment."""
    pytester.makepyfile(PRINTS_ENVIRONMENT)
    result = pytester.runpytest_subprocess("-s", *STRICT, "-p", "no:randomly")
    result.assert_outcomes(passed=1)
    (line,) = (line for line in result.outlines if "found " in line)
    return line.partition("found ")[2].partition(" end")[0].split()


def test_ecr_server_url_sets_credentials_and_a_region_where_there_are_none(pytester, nothing_configured):
    assert printed(pytester) == ["testing", "testing", "us-east-1"]


def test_ecr_server_url_leaves_the_users_variables_alone(pytester, nothing_configured, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "my-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert printed(pytester) == ["mine", "my-secret", "eu-west-1"]


def test_ecr_server_url_leaves_a_profile_of_the_users_files_alone(pytester, nothing_configured):
    profile = "aws_access_key_id = mine\naws_secret_access_key = secret\n"
    (nothing_configured / "credentials").write_text(f"[default]\n{profile}")
    (nothing_configured / "config").write_text("[default]\nregion = eu-west-1\n")
    assert printed(pytester) == ["None", "None", "None"]


def test_ecr_server_url_leaves_a_chosen_profile_alone(pytester, nothing_configured, monkeypatch):
    (nothing_configured / "config").write_text(
        "[profile mine]\naws_access_key_id = mine\naws_secret_access_key = secret\nregion = eu-west-1\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "mine")
    assert printed(pytester) == ["None", "None", "None"]


def test_ecr_server_url_leaves_it_to_boto3_to_complain_of_a_malformed_file(pytester, nothing_configured):
    (nothing_configured / "config").write_text("no section\n")
    pytester.makepyfile("""
        import os

        import boto3
        import pytest
        from botocore.exceptions import ConfigParseError

        def test_server(ecr_server_url):
            assert not {"AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION"} & set(os.environ)
            with pytest.raises(ConfigParseError):
                boto3.client("ecr", endpoint_url=ecr_server_url)
    """)
    pytester.runpytest_subprocess(*STRICT, "-p", "no:randomly").assert_outcomes(passed=1)


def test_ecr_server_url_takes_the_region_of_other_sdks(pytester, nothing_configured, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert printed(pytester) == ["testing", "testing", "eu-west-1"]


def test_ecr_server_url_takes_back_what_it_set_after_the_test(pytester, nothing_configured):
    pytester.makepyfile("""
        import os

        def test_server(ecr_server_url):
            assert "AWS_ACCESS_KEY_ID" in os.environ

        def test_other():
            assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"} & set(os.environ)
    """)
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=2)


USES_BOTH = """
    def test_mock(upstream_registry):
        assert upstream_registry("quay").pulls == ()

    def test_server(ecr_server_url):
        assert ecr_server_url.startswith("http://127.0.0.1:")
"""


@pytest.mark.parametrize("plugin", ["moto_ecr_ptc", "moto_ecr_ptc.pytest_plugin"])
def test_fixtures_are_there_by_the_option_p_where_plugins_are_not_loaded_by_themselves(pytester, monkeypatch, plugin):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(USES_BOTH)
    pytester.runpytest_subprocess(*STRICT, "-p", plugin).assert_outcomes(passed=2)


@pytest.mark.parametrize("autoload", ["", "1"], ids=["loaded by itself", "not loaded by itself"])
def test_fixtures_are_there_by_the_conftests_list_of_plugins(pytester, monkeypatch, autoload):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", autoload)
    pytester.makeconftest("pytest_plugins = ['moto_ecr_ptc']")
    pytester.makepyfile(USES_BOTH)
    pytester.runpytest_subprocess(*STRICT).assert_outcomes(passed=2)


def test_fixtures_are_documented(pytester):
    result = pytester.runpytest_subprocess("--fixtures")
    result.stdout.fnmatch_lines(["ecr_server_url*", "    Give the URL of a moto server*"])
    result.stdout.fnmatch_lines(["upstream_registry*", "    Give the function*"])
