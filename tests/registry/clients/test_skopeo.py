"""skopeo: pushes, pulls, copies between repositories, and what it is told when it may not."""

from __future__ import annotations

import json

import pytest

from conftest import MODEL
from moto_ecr_ptc.ecr.upstream.built_images import build_image
from tests.registry.clients.images import AMD64, ARM64, INDEX, describe, make_layer, stored_blobs, tagged_digests
from tests.upstream.layouts import write_layout


def test_pushed_image_is_pulled_as_it_was(endpoint, programs, single, tmp_path):
    app = endpoint.create("team/app")
    programs.copy(f"oci:{single}:v1", f"docker://{app}:v1")
    programs.copy(f"docker://{app}:v1", f"oci:{tmp_path}/pulled:v1")
    assert stored_blobs(tmp_path / "pulled") == stored_blobs(single)


def test_pushed_index_is_pulled_as_it_was(endpoint, programs, multi, tmp_path):
    app = endpoint.create("team/app")
    programs.copy(f"oci:{multi}:v1", f"docker://{app}:v1", "--all")
    programs.copy(f"docker://{app}:v1", f"oci:{tmp_path}/pulled:v1", "--all")
    assert stored_blobs(tmp_path / "pulled") == stored_blobs(multi)


def test_child_of_an_index_is_pulled_by_its_platform(endpoint, programs, multi, tmp_path):
    app = endpoint.create("team/app")
    programs.copy(f"oci:{multi}:v1", f"docker://{app}:v1", "--all")
    programs.run(
        *("skopeo", "--override-arch", "arm64", "copy", "--src-tls-verify=false"),
        *(f"docker://{app}:v1", f"oci:{tmp_path}/pulled:v1"),
    )
    assert tagged_digests(tmp_path / "pulled") == {"v1": ARM64.manifest.digest}


def test_index_that_is_copied_to_another_repository_is_the_same_there(endpoint, programs, multi, tmp_path):
    app, copy = endpoint.create("team/app"), endpoint.create("team/copy")
    programs.copy(f"oci:{multi}:v1", f"docker://{app}:v1", "--all")
    programs.copy(f"docker://{app}:v1", f"docker://{copy}:v1", "--all")
    assert endpoint.images("team/copy") == endpoint.images("team/app")
    programs.copy(f"docker://{copy}:v1", f"oci:{tmp_path}/pulled:v1", "--all")
    assert stored_blobs(tmp_path / "pulled") == stored_blobs(multi)


def test_image_that_is_copied_where_blobs_may_be_mounted_is_the_same_there(endpoint, programs, single, tmp_path):
    endpoint.ecr.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    app, copy = endpoint.create("team/app"), endpoint.create("team/copy")
    programs.copy(f"oci:{single}:v1", f"docker://{app}:v1")
    programs.copy(f"docker://{app}:v1", f"docker://{copy}:v1")
    programs.copy(f"docker://{copy}:v1", f"oci:{tmp_path}/pulled:v1")
    assert stored_blobs(tmp_path / "pulled") == stored_blobs(single)


def test_image_in_docker_format_is_pulled_in_oci_format(endpoint, programs, single, tmp_path):
    app = endpoint.create("team/app")
    programs.copy(f"oci:{single}:v1", f"docker://{app}:v1", "--format=v2s2")
    raw = json.loads(programs.run("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{app}:v1"))
    assert raw["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json"
    programs.copy(f"docker://{app}:v1", f"oci:{tmp_path}/pulled:v1")
    assert set(stored_blobs(tmp_path / "pulled")) > {layer.digest for layer in AMD64.manifest.layers}


def test_pushed_signature_is_found_by_the_index_that_it_signs(endpoint, programs, multi, tmp_path):
    app = endpoint.create("team/app")
    programs.copy(f"oci:{multi}:v1", f"docker://{app}:v1", "--all")
    signature = build_image([make_layer("signature", b"signed")], "linux/amd64", describe(INDEX))
    write_layout(tmp_path / "signature", "v1", signature)
    programs.copy(f"oci:{tmp_path}/signature:v1", f"docker://{app}:v1.sig")
    index = endpoint.get(f"team/app/referrers/{INDEX.manifest.digest}").json()
    assert [referrer["digest"] for referrer in index["manifests"]] == [signature.manifest.digest]


def test_inspect_shows_the_image(endpoint, programs, single):
    app = endpoint.create("team/app")
    programs.copy(f"oci:{single}:v1", f"docker://{app}:v1")
    shown = json.loads(programs.run("skopeo", "inspect", "--tls-verify=false", f"docker://{app}:v1"))
    assert shown["Name"] == app
    assert shown["Digest"] == AMD64.manifest.digest
    assert shown["RepoTags"] == ["v1"]
    assert shown["Layers"] == [layer.digest for layer in AMD64.manifest.layers]


def test_inspect_shows_the_bytes_of_an_index(endpoint, programs, multi):
    app = endpoint.create("team/app")
    programs.copy(f"oci:{multi}:v1", f"docker://{app}:v1", "--all")
    raw = programs.run("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{app}:v1")
    assert raw.encode() == INDEX.manifest.content


def test_list_tags_shows_the_tags_of_all_pages(endpoint, programs, single):
    app = endpoint.create("team/app")
    programs.copy(f"oci:{single}:v1", f"docker://{app}:v0")
    manifest = AMD64.manifest.content.decode()
    for number in range(1, 120):
        endpoint.ecr.put_image(repositoryName="team/app", imageManifest=manifest, imageTag=f"v{number}")
    shown = json.loads(programs.run("skopeo", "list-tags", "--tls-verify=false", f"docker://{app}"))
    assert sorted(shown["Tags"]) == sorted(f"v{number}" for number in range(120))


def test_delete_removes_the_image(endpoint, programs, single):
    app = endpoint.create("team/app")
    programs.copy(f"oci:{single}:v1", f"docker://{app}:v1")
    programs.run("skopeo", "delete", "--tls-verify=false", f"docker://{app}:v1")
    assert endpoint.images("team/app") == {}


def test_sync_takes_all_tags_of_a_repository_to_another(endpoint, programs, single, multi, tmp_path):
    app = endpoint.create("team/app")
    endpoint.create("copies/app")
    programs.copy(f"oci:{single}:v1", f"docker://{app}:single")
    programs.copy(f"oci:{multi}:v1", f"docker://{app}:multi", "--all")
    directory = str(tmp_path / "synced")
    sync = ("skopeo", "sync", "--all", "--src-tls-verify=false", "--dest-tls-verify=false")
    programs.run(*sync, "--src", "docker", "--dest", "dir", app, directory)
    programs.run(*sync, "--src", "dir", "--dest", "docker", directory, f"{endpoint.host}/copies")
    assert endpoint.images("copies/app") == endpoint.images("team/app")


def test_password_of_the_aws_cli_logs_in(endpoint, strangers, cli, single):
    status, password, error = cli("ecr", "get-login-password")
    assert (status, error) == (0, "")
    logging_in = ("skopeo", "login", "--tls-verify=false", "--username", "AWS", "--password-stdin", endpoint.host)
    assert "Login Succeeded!" in strangers.run(*logging_in, stdin=password)
    app = endpoint.create("team/app")
    strangers.copy(f"oci:{single}:v1", f"docker://{app}:v1")
    assert endpoint.images("team/app") == {AMD64.manifest.digest: ["v1"]}


@pytest.mark.skipif(
    "CREATE_ON_PUSH" not in MODEL.shape_for("RCTAppliedFor").metadata["enum"],
    reason="the model of an older botocore has no CREATE_ON_PUSH",
)
def test_push_makes_the_repository_that_a_template_says(endpoint, programs, single):
    endpoint.ecr.create_repository_creation_template(
        prefix="team", appliedFor=["CREATE_ON_PUSH"], imageTagMutability="IMMUTABLE"
    )
    programs.copy(f"oci:{single}:v1", f"docker://{endpoint.host}/team/app:v1")
    (repository,) = endpoint.ecr.describe_repositories()["repositories"]
    assert (repository["repositoryName"], repository["imageTagMutability"]) == ("team/app", "IMMUTABLE")
    assert endpoint.images("team/app") == {AMD64.manifest.digest: ["v1"]}


# --- what is refused -------------------------------------------------------------------------------------------------


def test_wrong_password_does_not_log_in(endpoint, strangers):
    credentials = ("--username", "AWS", "--password", "wrong")
    error = strangers.fail("skopeo", "login", "--tls-verify=false", *credentials, endpoint.host)
    assert "invalid username/password" in error


@pytest.mark.parametrize("options", [("--dest-no-creds",), ("--dest-creds", "AWS:wrong")], ids=["none", "wrong"])
def test_push_without_the_right_credentials_stores_nothing(endpoint, programs, single, options):
    app = endpoint.create("team/app")
    error = programs.fail_to_copy(f"oci:{single}:v1", f"docker://{app}:v1", *options)
    assert "unauthorized: authentication required" in error
    assert endpoint.images("team/app") == {}


def test_push_without_a_repository_is_told_its_name(endpoint, programs, single):
    error = programs.fail_to_copy(f"oci:{single}:v1", f"docker://{endpoint.host}/team/app:v1")
    assert (
        "name unknown: The repository with name 'team/app' does not exist in the registry with id '123456789012'"
        in error
    )
    assert endpoint.ecr.describe_repositories()["repositories"] == []


def test_push_of_an_immutable_tag_is_told_so(endpoint, programs, single, tmp_path):
    app = endpoint.create("team/app", imageTagMutability="IMMUTABLE")
    programs.copy(f"oci:{single}:v1", f"docker://{app}:v1")
    write_layout(tmp_path / "other", "v1", ARM64)
    error = programs.fail_to_copy(f"oci:{tmp_path}/other:v1", f"docker://{app}:v1")
    assert (
        "The image tag 'v1' already exists in the 'team/app' repository and cannot be overwritten because the tag is"
        " immutable." in error
    )
    assert endpoint.images("team/app") == {AMD64.manifest.digest: ["v1"]}


def test_pull_of_an_absent_tag_is_told_so(endpoint, programs, tmp_path):
    app = endpoint.create("team/app")
    error = programs.fail_to_copy(f"docker://{app}:absent", f"oci:{tmp_path}/pulled:v1")
    assert "manifest unknown: Requested image not found" in error
