"""The HTTP calls below /moto-api/static/ecr/upstream-, from any language."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tarfile
from typing import Any

import pytest
import requests

from conftest import ACCOUNT, OTHER_ACCOUNT, Aws, digest, failure_codes, pull
from moto_ecr_ptc import upstream_registry
from tests.upstream.layouts import write_layout

MOTO_API = "http://motoapi.amazonaws.com"


@pytest.fixture
def url(aws: Aws, ecr: Any) -> str:
    """Where the calls begin, and a rule for Quay."""
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    return f"{aws.endpoint_url or MOTO_API}/moto-api/static/ecr/upstream-"


def call(url: str, name: str, /, **parameters: Any) -> Any:
    """Make a call that must succeed, and return its answer."""
    answer = requests.post(url + name, json={"registry": "quay", **parameters}, timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (201, "application/json")
    return answer.json()


def refused(answer: requests.Response) -> str:
    """Return the message of a call that must be refused."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/json")
    return answer.json()["message"]


def test_push_answers_with_the_image(ecr, url):
    layer = base64.b64encode(b"bytes").decode()
    image = call(url, "push", repository="team/app", tag="1", layers=[layer])
    assert set(image) == {"digest", "mediaType", "manifest"}  # the layers do not travel back
    assert image["mediaType"] == json.loads(image["manifest"])["mediaType"]
    assert digest(pull(ecr, "quay/team/app", "1")) == image["digest"]


def test_push_tags_latest_unless_the_tag_is_null(ecr, url):
    untagged = call(url, "push", repository="team/app", tag=None, layers=[])["digest"]
    latest = call(url, "push", repository="team/app", platforms=["linux/amd64"])["digest"]
    assert digest(pull(ecr, "quay/team/app")) == latest != untagged


def test_push_takes_the_digest_of_a_subject(url):
    subject = call(url, "push", repository="team/app")["digest"]
    signature = call(url, "push", repository="team/app", tag=None, subject=subject)
    assert json.loads(signature["manifest"])["subject"]["digest"] == subject


def test_load_takes_the_archive_of_a_layout(ecr, url, tmp_path):
    expected = write_layout(tmp_path / "layout", "1.0")
    with tarfile.open(tmp_path / "layout.tar", "w") as archive:
        archive.add(tmp_path / "layout", arcname=".")
    with (tmp_path / "layout.tar").open("rb") as file:
        answer = requests.post(f"{url}load?registry=quay&repository=team/app", data=file, timeout=60)
    assert (answer.status_code, [image["digest"] for image in answer.json()["images"]]) == (201, [expected])
    assert digest(pull(ecr, "quay/team/app", "1.0")) == expected


def test_load_tags_the_only_image_of_a_layout_without_a_tag(ecr, url, tmp_path):
    with tarfile.open(tmp_path / "layout.tar", "w") as archive:
        expected = write_layout(tmp_path / "layout", tag=None)
        archive.add(tmp_path / "layout", arcname=".")
    content = (tmp_path / "layout.tar").read_bytes()
    answer = requests.post(f"{url}load?registry=quay&repository=team/app&tag=mine", data=content, timeout=60)
    assert (answer.status_code, [image["digest"] for image in answer.json()["images"]]) == (201, [expected])
    assert digest(pull(ecr, "quay/team/app", "mine")) == expected


def test_push_takes_files_as_text_or_in_base64(url):
    text = call(url, "push", repository="team/app", files={"etc/app.conf": "é"})
    encoded = base64.b64encode("é".encode()).decode()
    assert call(url, "push", repository="team/app", files=[{"etc/app.conf": {"base64": encoded}}]) == text
    assert upstream_registry("quay").push("team/app", files={"etc/app.conf": "é"}).digest == text["digest"]


def test_push_takes_layers_and_files_of_platforms(url):
    layer = base64.b64encode(b"bytes").decode()
    pushed = call(url, "push", repository="a", platforms={"linux/amd64": [layer], "linux/arm64": {"a": "b"}})
    platforms = {"linux/amd64": [b"bytes"], "linux/arm64": {"a": "b"}}
    assert upstream_registry("quay").push("a", platforms=platforms).digest == pushed["digest"]


def test_push_takes_what_describes_an_image(url):
    details = {
        "config": {"Env": ["A=b"]},
        "annotations": {"made": "yes"},
        "artifact_type": "application/x-test",
        "compression": "none",
        "media_type": "oci",
    }
    pushed = call(url, "push", repository="a", files={"a": "b"}, **details)
    assert upstream_registry("quay").push("a", files={"a": "b"}, **details).digest == pushed["digest"]


def test_push_under_a_name_of_ecr_answers_with_a_warning(url):
    (warning,) = call(url, "push", repository="quay/team/app")["warnings"]
    assert "did you mean 'team/app'?" in warning
    assert "warnings" not in call(url, "push", repository="team/app")


def test_images_lists_what_is_held(url):
    pushed = call(url, "push", repository="team/app", tag="1")
    assert requests.get(f"{url}images?registry=quay", timeout=60).json() == {
        "images": [{"repository": "team/app", "tag": "1", "digest": pushed["digest"], "mediaType": pushed["mediaType"]}]
    }


def test_remove_and_clear_take_images_away(url):
    for tag in ("1", "2", "3"):
        call(url, "push", repository="team/app", tag=tag)
    assert call(url, "remove", repository="team/app", tag="1") == {}
    assert [image.tag for image in upstream_registry("quay").images] == ["2", "3"]
    assert call(url, "clear") == {}
    assert upstream_registry("quay").images == ()


def test_fail_a_number_of_times_recovers_by_itself(ecr, url):
    assert call(url, "fail", status=429, times=1) == {}
    assert failure_codes(pull(ecr, "quay/team/app")) == ["UpstreamTooManyRequests"]
    assert digest(pull(ecr, "quay/team/app"))


def test_expire_of_an_upstream_reaches_all_registries_that_cached_from_it(in_process, url):
    for region in ("us-east-1", "eu-west-1"):
        ecr = in_process.client("ecr", region)
        if region != "us-east-1":
            ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="other", upstreamRegistryUrl="quay.io")
        pull(ecr, f"{'quay' if region == 'us-east-1' else 'other'}/team/app")
    assert call(url, "expire", repository="team/other") == {"expired": 0}
    assert call(url, "expire", repository="team/app") == {"expired": 2}


def test_proxy_has_another_registry_answer(ecr, url):
    assert call(url, "proxy", url="http://127.0.0.1:1", timeout=1) == {}
    assert failure_codes(pull(ecr, "quay/team/app")) == ["UpstreamUnavailable"]


def test_credentials_are_set_and_taken_back(ecr, url):
    credentials = {"username": "u", "accessToken": "t"}
    assert call(url, "credentials", credentials=credentials) == {}
    accepted = requests.get(f"{url}accepted-credentials?registry=quay.io", timeout=60)
    assert accepted.json() == {"credentials": credentials}
    assert failure_codes(pull(ecr, "quay/team/app")) == ["UpstreamAccessDenied"]
    call(url, "credentials", credentials=None)
    assert digest(pull(ecr, "quay/team/app"))


def test_fail_and_recover_change_the_answers(ecr, url):
    assert call(url, "fail", repository="team/app", status=429) == {}
    assert failure_codes(pull(ecr, "quay/team/app")) == ["UpstreamTooManyRequests"]
    assert call(url, "recover") == {}
    call(url, "fail", error="refused")
    assert failure_codes(pull(ecr, "quay/team/app")) == ["UpstreamUnavailable"]


def test_pulls_lists_what_was_asked(ecr, url):
    pull(ecr, "quay/team/app")
    (asked,) = requests.get(f"{url}pulls", params={"registry": "quay"}, timeout=60).json()["pulls"]
    (expected,) = upstream_registry("quay").pulls
    assert asked == {**vars(expected), "at": expected.at.isoformat()}


def test_expire_is_about_the_account_that_moto_mocks(in_process, url, monkeypatch):
    monkeypatch.setenv("MOTO_ACCOUNT_ID", OTHER_ACCOUNT)
    ecr = in_process.client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    pull(ecr, "quay/a/b")
    answer = requests.post(f"{url}expire", timeout=60)
    assert (answer.status_code, answer.json()) == (201, {"expired": 1})


def test_expire_makes_cached_tags_stale(ecr, url):
    old = call(url, "push", repository="team/app")["digest"]
    assert digest(pull(ecr, "quay/team/app")) == old
    new = call(url, "push", repository="team/app", layers=[])["digest"]
    assert digest(pull(ecr, "quay/team/app")) == old
    answer = requests.post(f"{url}expire", timeout=60)
    assert (answer.status_code, answer.json()) == (201, {"expired": 1})
    assert digest(pull(ecr, "quay/team/app")) == new


def test_expire_counts_the_tags_of_all_repositories(ecr, url):
    for tag in ("1", "2"):
        pull(ecr, "quay/team/app", tag)
    pull(ecr, "quay/team/other")
    assert requests.post(f"{url}expire", timeout=60).json() == {"expired": 3}


def test_expire_counts_tags_and_not_the_images_whose_referrers_were_asked_for(ecr, url):
    if not hasattr(ecr, "list_image_referrers"):
        pytest.skip("the model of an older botocore has no ListImageReferrers")
    pulled = digest(pull(ecr, "quay/team/app"))
    ecr.list_image_referrers(repositoryName="quay/team/app", subjectId={"imageDigest": pulled})
    assert requests.post(f"{url}expire", timeout=60).json() == {"expired": 1}


@pytest.mark.parametrize(
    ("scope", "stale"),
    [
        ({"repository": "quay/team/app"}, True),
        ({"account_id": ACCOUNT, "region": "us-east-1"}, True),
        ({"repository": "other/app"}, False),
        ({"region": "eu-west-1"}, False),
        ({"account_id": "210987654321"}, False),
    ],
)
def test_expire_is_about_one_registry_or_one_repository(ecr, url, scope, stale):
    pull(ecr, "quay/team/app")
    ecr.create_repository(repositoryName="other/app")
    requests.post(f"{url}expire", json=scope, timeout=60).raise_for_status()
    pull(ecr, "quay/team/app")
    assert len(upstream_registry("quay").pulls) == (2 if stale else 1)


@pytest.mark.parametrize(
    ("name", "body", "fault"),
    [
        ("push", b"", "'registry' is missing"),
        ("push", b"{'", "The body must be a JSON object"),
        ("push", b"[]", "The body must be a JSON object"),
        ("push", b"\xff", "The body must be a JSON object"),
        ("push", b'{"registry": "quay"}', "'repository' is missing"),
        ("push", b'{"registry": "nowhere", "repository": "a"}', "is not an upstream registry"),
        ("push", b'{"registry": 1}', "'registry' has the wrong type"),
        ("push", b'{"registry": "quay", "repository": "UPPER"}', "is not the name of a repository"),
        ("push", b'{"registry": "quay", "repository": "a", "layers": ["?"]}', "must be bytes in base64"),
        ("push", b'{"registry": "quay", "repository": "a", "layers": [1]}', "must be bytes in base64"),
        ("push", b'{"registry": "quay", "repository": "a", "lairs": []}', "There is no parameter 'lairs'"),
        ("push", b'{"registry": "quay", "repository": "a", "subject": "x"}', "subject must be an image or the digest"),
        ("push", b'{"registry": "quay", "repository": "a", "files": {"/a": ""}}', "'/a', which is absolute"),
        (
            "push",
            b'{"registry": "quay", "repository": "a", "files": {"a": {"base64": "?"}}}',
            "files['a'] must be bytes",
        ),
        ("push", b'{"registry": "quay", "repository": "a", "files": {"a": 1}}', "files['a'] must be bytes or text"),
        ("push", b'{"registry": "quay", "repository": "a", "files": [["a"]]}', "files must be a mapping"),
        ("push", b'{"registry": "quay", "repository": "a", "platforms": {"linux/s390x": ["?"]}}', "bytes in base64"),
        ("push", b'{"registry": "quay", "repository": "a", "media_type": "zip"}', "must be 'oci' or 'docker'"),
        ("push", b'{"registry": "quay", "repository": "a", "config": {"Env": {}}}', "config['Env'] must be a list"),
        ("push", b'{"registry": "docker-hub", "repository": "alpine"}', "did you mean 'library/alpine'?"),
        ("remove", b'{"registry": "quay", "repository": "a"}', "has no repository 'a'"),
        ("clear", b'{"registry": "quay", "repository": "a"}', "There is no parameter 'repository'"),
        ("fail", b'{"registry": "quay", "status": 500, "times": 0}', "times must be how many requests fail"),
        ("recover", b'{"registry": "quay", "repository": "A"}', "is not the name of a repository"),
        ("proxy", b'{"registry": "quay", "url": "ftp://x"}', "must be http://host"),
        ("proxy", b'{"registry": "quay", "url": "http://x", "timeout": true}', "'timeout' has the wrong type"),
        ("credentials", b'{"registry": "quay", "credentials": {}}', "credentials must be"),
        ("fail", b'{"registry": "quay"}', "exactly one of status and error"),
        ("fail", b'{"registry": "quay", "status": 200}', "is not the HTTP status of a failure"),
        ("fail", b'{"registry": "quay", "status": "500"}', "'status' has the wrong type"),
        ("fail", b'{"registry": "quay", "error": "x"}', "is not an error"),
        ("recover", b'{"registry": "quay", "repository": 1}', "'repository' has the wrong type"),
        ("expire", b'{"region": "nowhere-1"}', "There is no Region 'nowhere-1'"),
        ("expire", b'{"account_id": "1"}', "'1' is not the id of an account"),
        ("expire", b'{"repository": "quay/absent"}', "There is no repository 'quay/absent'"),
        ("expire", b'{"registry": "quay", "region": "us-east-1"}', "There is no parameter 'region'"),
        ("expire", b'{"registry": "quay", "repository": "A"}', "is not the name of a repository"),
        ("load?registry=quay&repository=a", b"no archive", "is not a tar archive"),
        ("load?registry=quay", b"", "'repository' is missing"),
        ("load?registry=quay&repository=A", b"", "is not"),
        ("fail?registry=quay", b'{"status": 500}', "not into both"),
    ],
)
def test_bad_input_is_refused_with_a_message(url, name, body, fault):
    message = refused(requests.post(url + name, data=body, timeout=60))
    assert fault in message
    assert upstream_registry("quay").credentials is None


@pytest.mark.parametrize(
    ("method", "name"), [("GET", "push"), ("PUT", "fail"), ("DELETE", "recover"), ("POST", "pulls")]
)
def test_wrong_method_is_refused(url, method, name):
    assert refused(requests.request(method, f"{url}{name}?registry=quay", timeout=60)).startswith("Use ")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_needs_no_header(server):
    url = f"{server.endpoint_url}/moto-api/static/ecr/upstream-fail"
    process = subprocess.run(
        ["curl", "-sS", "-d", '{"registry": "quay", "status": 503}', url], capture_output=True, text=True, check=False
    )
    assert (process.stdout, process.stderr) == ("{}", "")
    ecr = server.client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    assert failure_codes(pull(ecr, "quay/team/app")) == ["UpstreamUnavailable"]
