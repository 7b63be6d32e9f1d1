"""What the tests of uploads share: the requests of clients that upload a blob, and what refusals say."""

from __future__ import annotations

from typing import Any

import requests

from conftest import ACCOUNT
from tests.registry.endpoint import Endpoint

MIB = 1024 * 1024
UPLOADS = "/v2/app/blobs/uploads/"
ABSENT = "00000000-0000-0000-0000-000000000000"
OTHER_DIGEST = "None of the provided layer digests match the calculated layer digest"


def start(endpoint: Endpoint, repository: str = "app") -> str:
    """Start an upload, and return its URL."""
    answer = endpoint("POST", f"/v2/{repository}/blobs/uploads/")
    assert answer.status_code == 202, answer.text
    return endpoint.local(answer.headers["Location"])


def add(endpoint: Endpoint, upload: str, content: Any, first: int | None = None, **options: Any) -> requests.Response:
    """Send a part: with its range if ``first`` says where it begins."""
    headers = options.pop("headers", {})
    if first is not None:
        headers = {"Content-Range": f"{first}-{first + len(content) - 1}", **headers}
    return endpoint("PATCH", upload, content, headers=headers, **options)


def close(endpoint: Endpoint, upload: str, digest: str, content: Any = None, **options: Any) -> requests.Response:
    return endpoint("PUT", upload, content, params={"digest": digest}, **options)


def received(endpoint: Endpoint, upload: str) -> str:
    """Return the range of what an upload has received."""
    answer = endpoint("GET", upload)
    assert answer.status_code == 204, answer.text
    return answer.headers["Range"]


def upload_id(upload: str) -> str:
    return upload.rpartition("/")[2]


def not_found(upload: str, repository: str = "app") -> tuple[int, str, str]:
    """Return the refusal of a request to an upload that there is none of."""
    return (
        404,
        "BLOB_UPLOAD_UNKNOWN",
        (
            f"The upload with id '{upload_id(upload)}' in the repository with name '{repository}' "
            f"in the registry with id '{ACCOUNT}' does not exist"
        ),
    )


def no_repository(name: str) -> tuple[int, str, str]:
    return (
        404,
        "NAME_UNKNOWN",
        f"The repository with name '{name}' does not exist in the registry with id '{ACCOUNT}'",
    )


def no_blob(digest: str, repository: str = "app") -> tuple[int, str, str]:
    return (
        404,
        "BLOB_UNKNOWN",
        (
            f"The layer with digest {digest} does not exist within the repository with name '{repository}' "
            f"in the registry with id '{ACCOUNT}'"
        ),
    )


def malformed_digest(value: str) -> tuple[int, str, str]:
    constraint = "Member must satisfy regular expression pattern: [a-zA-Z0-9-_+.]+:[a-fA-F0-9]+"
    return 405, "UNSUPPORTED", f"Invalid parameter at 'layerDigest' failed to satisfy constraint: '{constraint}'"


def is_held(endpoint: Endpoint, digest: str, repository: str = "app") -> bool:
    return endpoint("HEAD", f"/v2/{repository}/blobs/{digest}").status_code == 200
