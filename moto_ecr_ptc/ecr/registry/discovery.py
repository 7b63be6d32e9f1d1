"""What a registry has: the tags of a repository, its repositories, and the referrers of an image.

Source: observed answers of Amazon ECR; OCI distribution specification 1.1, "Content Discovery".
"""

from __future__ import annotations

import re
from urllib.parse import urlencode

from moto.core.base_backend import backend_lock
from moto.ecr.exceptions import InvalidParameterException

from ..exceptions import InvalidNextToken
from ..images.manifests import OCI_INDEX
from ..images.referrers import ImageReferrer
from .auth import Access
from .listings import listing_of
from .messages import Answer, Request, json_answer
from .paths import Path
from .repositories import check, find


def tags(request: Request, path: Path, access: Access) -> Answer:
    """Return a page of a repository's tags, as they are stored. (ListImages)"""
    with backend_lock:
        repository = find(access, path.name, "ecr:ListImages")
        names = [tag for image in repository.images for tag in image.image_tags]
        page, token = listing_of(repository).page(names, _page_size(request), request.query.get("last"))
    document = {"name": path.name, "tags": page}
    return json_answer(document, "text/plain; charset=utf-8", **_link(request, token))


def catalog(request: Request, path: Path, access: Access) -> Answer:
    """Return a page of the repositories. (DescribeRepositories)

    A ``last`` that is a repository's name, as in the specification, is ignored.
    """
    access.require_registry("ecr:DescribeRepositories")
    with backend_lock:
        names, size, last = list(access.backend.repositories), _page_size(request), request.query.get("last")
        listing = listing_of(access.backend)
        try:
            page, token = listing.page(names, size, last)
        except InvalidNextToken:
            page, token = listing.page(names, size, None)
    return json_answer({"repositories": page}, **_link(request, token))


def referrers(request: Request, path: Path, access: Access) -> Answer:
    """Return the images that refer to one, pulled through the cache if that is due. (ListImageReferrers)"""
    access.require("ecr:ListImageReferrers", path.name)
    artifact_type = request.query.get("artifactType")
    found: list[ImageReferrer] = []
    token: str | None = None
    while True:
        page, token = access.backend.referrer_pulls.list_referrers(
            repository_name=path.name,
            digest=path.reference,
            artifact_types=[artifact_type] if artifact_type else None,
            next_token=token,
            caller=access.caller,
            asked_by=access.arn,
        )
        found += page
        if not token:
            break
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [_describe(referrer) for referrer in found]}
    filtered = {"OCI-Filters-Applied": "artifactType"} if artifact_type else {}
    return json_answer(document, OCI_INDEX, **filtered)


def _describe(referrer: ImageReferrer) -> dict[str, object]:
    descriptor: dict[str, object] = {
        "mediaType": referrer.media_type,
        "digest": referrer.digest,
        "size": referrer.size,
    }
    if referrer.artifact_type:
        descriptor["artifactType"] = referrer.artifact_type
    if referrer.annotations:
        descriptor["annotations"] = referrer.annotations
    return descriptor


def _page_size(request: Request) -> int | None:
    """Return how many names a page is to have; None if the request does not say.

    :raises InvalidParameterException: it is no number from 1 to 1000
    """
    number = request.query.get("n")
    if number is None:
        return None
    if not re.fullmatch("-?[0-9]{1,18}", number):
        raise InvalidParameterException(
            "Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must be an integer'"
        )
    size = int(number)
    check("maxResults", size, "MaxResults")
    return size


def _link(request: Request, token: str | None) -> dict[str, str]:
    if token is None:
        return {}
    size = {"n": request.query["n"]} if "n" in request.query else {}
    query = urlencode({**size, "last": token})
    return {"Link": f'<{request.base_url}{request.path}?{query}>; rel="next"'}
