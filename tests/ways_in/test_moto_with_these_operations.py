"""The day when moto has operations of this package itself: nothing changes for users, and maintainers are told.

moto's classes are given methods of these names, before this package is imported, each time in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap

from moto.core.utils import camelcase_to_underscores, get_service_model
from moto.ecr.models import ECRBackend
from moto.ecr.responses import ECRResponse

from moto_ecr_ptc.ecr.models import PullThroughCacheBackend
from moto_ecr_ptc.ecr.responses import OPERATIONS, PullThroughCacheResponse
from tests.strict import STRICT

IN_SOME_MOTO = {
    "BatchCheckLayerAvailability",
    "CompleteLayerUpload",
    "GetDownloadUrlForLayer",
    "InitiateLayerUpload",
    "UploadLayerPart",
}
"""Those that supported versions of moto have, some as methods that only raise NotImplementedError."""

FUTURE_MOTO = """
import json

import boto3
from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores
from moto.ecr.models import ECRBackend
from moto.ecr.responses import ECRResponse

OURS = {operations!r}

def of_moto(self, *arguments, **options):
    raise AssertionError("moto was asked")

for operation in OURS:
    for owner in (ECRBackend, ECRResponse):
        setattr(owner, camelcase_to_underscores(operation), of_moto)
"""


def run_with_future_moto(code):
    script = FUTURE_MOTO.format(operations=sorted(OPERATIONS)) + textwrap.dedent(code)
    process = subprocess.run(
        [sys.executable, *STRICT, "-c", script], capture_output=True, text=True, timeout=300, check=False
    )
    assert process.returncode == 0, process.stderr
    return process


def operations_of(response):
    """Return the operations of ECR for which a response class has a method."""
    return {
        name for name in get_service_model("ecr").operation_names if hasattr(response, camelcase_to_underscores(name))
    }


def test_moto_with_all_these_operations_is_not_asked_for_any_of_them():
    run_with_future_moto("""
        import requests
        import moto_ecr_ptc
        from moto import mock_aws

        with mock_aws():
            ecr = boto3.client("ecr", "us-east-1")
            ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
            assert ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="quay")["isValid"]
            ecr.create_repository_creation_template(
                prefix="quay", appliedFor=["PULL_THROUGH_CACHE"], imageTagMutability="IMMUTABLE"
            )
            ecr.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
            image = moto_ecr_ptc.upstream_registry("quay").push("team/app")
            answer = ecr.batch_get_image(repositoryName="quay/team/app", imageIds=[{"imageTag": "latest"}])
            assert answer["images"][0]["imageId"]["imageDigest"] == image.digest
            (made,) = ecr.describe_repositories()["repositories"]
            assert (made["repositoryName"], made["imageTagMutability"]) == ("quay/team/app", "IMMUTABLE")
            (layer,) = json.loads(answer["images"][0]["imageManifest"])["layers"]
            found = ecr.get_download_url_for_layer(repositoryName="quay/team/app", layerDigest=layer["digest"])
            assert requests.get(found["downloadUrl"]).status_code == 200
            assert len(ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]) == 1
            ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")
            assert ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"] == []
    """)


def test_moto_with_another_signature_of_batch_get_image_still_pulls():
    run_with_future_moto("""
        def batch_get_image_of_a_backend(self, repository_name, image_ids, registry_id, accepted_media_types, pull):
            raise AssertionError("moto was asked")

        ECRBackend.batch_get_image = batch_get_image_of_a_backend
        ECRResponse.batch_get_image = of_moto

        import moto_ecr_ptc
        from moto import mock_aws

        with mock_aws():
            ecr = boto3.client("ecr", "us-east-1")
            ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
            answer = ecr.batch_get_image(repositoryName="quay/team/app", imageIds=[{"imageTag": "latest"}])
            assert len(answer["images"]) == 1
    """)


def test_moto_that_keeps_state_in_attributes_of_the_same_names_does_not_take_this_packages_away():
    run_with_future_moto("""
        create = ECRBackend.__init__

        def create_with_state(self, *arguments, **options):
            create(self, *arguments, **options)
            for name in ("rules", "templates", "account_settings", "layers", "uploads", "cache"):
                setattr(self, name, {})

        ECRBackend.__init__ = create_with_state

        import moto_ecr_ptc
        from moto import mock_aws

        with mock_aws():
            ecr = boto3.client("ecr", "us-east-1")
            ecr.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
            ecr.create_repository_creation_template(prefix="quay", appliedFor=["PULL_THROUGH_CACHE"])
            ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
            answer = ecr.batch_get_image(repositoryName="quay/team/app", imageIds=[{"imageTag": "latest"}])
            assert len(answer["images"]) == 1
            ecr.delete_repository(repositoryName="quay/team/app", force=True)
        with mock_aws():
            assert ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"] == []
    """)


def test_operation_in_a_query_string_does_not_reach_motos_own():
    run_with_future_moto("""
        import requests
        import moto_ecr_ptc
        from moto import mock_aws

        with mock_aws():
            boto3.client("ecr", "us-east-1")
            url = "https://api.ecr.us-east-1.amazonaws.com/?Action=CreatePullThroughCacheRule"
            answer = requests.post(url, data=b"{}")
            assert answer.status_code == 400, answer.text
            assert "UnknownOperationException" in answer.text
    """)


def test_installed_moto_has_no_operation_that_only_this_package_answers():
    taken = (operations_of(ECRResponse) & OPERATIONS) - IN_SOME_MOTO
    assert taken == set(), (
        f"moto has {', '.join(sorted(taken))} itself now. docs/architecture.md says what to do, under "
        '"The day when moto has these operations itself".'
    )


def test_backend_redefines_only_those_methods_of_motos_that_it_extends():
    assert redefined(PullThroughCacheBackend, ECRBackend) == {
        "_validate_registry_policy_action",
        "batch_delete_image",
        "delete_repository",
        "put_image",
        "reset",
    }


def test_response_redefines_only_those_methods_of_motos_that_it_extends():
    of_newer_motos = {"determine_response_protocol"}
    assert redefined(PullThroughCacheResponse, ECRResponse) - of_newer_motos == {
        "_get_action",
        "batch_delete_image",
        "batch_get_image",
        "call_action",
        "create_repository",
        "delete_repository",
        "describe_images",
        "describe_repositories",
        "dispatch",
        "get_authorization_token",
        "list_images",
        "put_image",
        "setup_class",
    }


def redefined(owner, moto):
    """Return the names in a class that a class of moto's has too, but for what every class has."""
    return {name for name in vars(owner) if hasattr(moto, name) and not name.startswith("__")}
