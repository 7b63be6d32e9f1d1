"""The calls that set up upstream registries: ``/moto-api/static/ecr/upstream-…``.

Each takes and returns JSON, except for ``upstream-load``, which takes an archive with images.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, cast

from moto.ecr.models import ecr_backends

from ..models import PullThroughCacheBackend
from ..upstream.archives import read_archive
from ..upstream.built_images import UpstreamImage
from ..upstream.failures import describe_failure
from ..upstream.names import check_removal, check_repository, check_tag, subject_digest
from ..upstream.proxy import DEFAULT_TIMEOUT
from ..upstream.pushed_images import describe_image
from ..upstream.registry import Upstream
from .calls import Parameters


def push(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    subject = subject_digest(parameters.take("subject", str))
    image = describe_image(
        parameters.take("repository", str, required=True),
        tag=parameters.take("tag", str) if "tag" in parameters else "latest",
        layers=_decoded(parameters.take("layers", list), "layers"),
        files=_decoded(parameters.take("files", (dict, list)), "files"),
        platforms=_decoded_platforms(parameters.take("platforms", (dict, list))),
        config=parameters.take("config", dict),
        media_type=parameters.take("media_type", str, "oci"),
        compression=parameters.take("compression", str),
        annotations=parameters.take("annotations", dict),
        artifact_type=parameters.take("artifact_type", str),
        has_subject=subject is not None,
    )
    parameters.finish()
    return {**_describe(upstream.push(image, subject)), **_warnings(upstream, image.repository)}


def load(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    repository = parameters.take("repository", str, required=True)
    check_repository(repository)
    tag = parameters.take("tag", str)
    archive = parameters.take_body()
    parameters.finish()
    images = read_archive(archive)
    if tag is not None:
        check_tag(tag)
        images = images.tagged(tag)
    loaded = upstream.load(images, repository)
    return {"images": [_describe(image) for image in loaded], **_warnings(upstream, repository)}


def images(parameters: Parameters) -> Any:
    """Return what users put into an upstream registry."""
    upstream = parameters.upstream()
    parameters.finish()
    return {
        "images": [
            {"repository": image.repository, "tag": image.tag, "digest": image.digest, "mediaType": image.media_type}
            for image in upstream.images
        ]
    }


def remove(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    repository = parameters.take("repository", str, required=True)
    tag = parameters.take("tag", str)
    parameters.finish()
    check_removal(repository, tag)
    upstream.remove(repository, tag)
    return {}


def clear(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    parameters.finish()
    upstream.clear()
    return {}


def proxy(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    url = parameters.take("url", str, required=True)
    timeout = parameters.take("timeout", (int, float), DEFAULT_TIMEOUT)
    parameters.finish()
    upstream.proxy(url, timeout)
    return {}


def credentials(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    accepted = parameters.take("credentials", dict)
    parameters.finish()
    upstream.credentials = accepted
    return {}


def fail(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    repository = parameters.take("repository", str)
    status = parameters.take("status", int)
    error = parameters.take("error", str)
    times = parameters.take("times", int)
    parameters.finish()
    upstream.fail(repository, describe_failure(repository, status=status, error=error, times=times))
    return {}


def recover(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    repository = parameters.take("repository", str)
    parameters.finish()
    if repository is not None:
        check_repository(repository)
    upstream.recover(repository)
    return {}


def accepted_credentials(parameters: Parameters) -> Any:
    """Return the credentials that an upstream registry accepts: the only call that tells them."""
    upstream = parameters.upstream()
    parameters.finish()
    return {"credentials": upstream.credentials}


def pulls(parameters: Parameters) -> Any:
    """Return the pulls from an upstream registry."""
    upstream = parameters.upstream()
    parameters.finish()
    return {"pulls": [{**vars(pull), "at": pull.at.isoformat()} for pull in upstream.pulls]}


def expire(parameters: Parameters) -> Any:
    """Make cached tags stale, since a client cannot move a server's clock.

    They are those of one registry of ECR, or those that all registries cached from one upstream.
    """
    if "registry" in parameters:
        return {"expired": _expire_upstream(parameters)}
    registry = parameters.take_registry()
    repository = parameters.take("repository", str)
    parameters.finish()
    try:
        backend = ecr_backends[registry.account_id][registry.region]
    except KeyError:
        raise ValueError(f"There is no Region '{registry.region}'") from None
    return {"expired": cast(PullThroughCacheBackend, backend).expire_cached_tags(repository)}


def _expire_upstream(parameters: Parameters) -> int:
    upstream = parameters.upstream()
    repository = parameters.take("repository", str)
    parameters.finish()
    if repository is not None:
        check_repository(repository)
    return upstream.expire(repository)


def _describe(image: UpstreamImage) -> dict[str, Any]:
    return {"digest": image.digest, "mediaType": image.media_type, "manifest": image.manifest.decode()}


def _warnings(upstream: Upstream, repository: str) -> dict[str, Any]:
    problem = upstream.explain_misplacement(repository)
    return {"warnings": [problem]} if problem else {}


def _decoded_platforms(platforms: Any) -> Any:
    if not isinstance(platforms, dict):
        return platforms
    return {name: _decoded(contents, f"platforms['{name}']") for name, contents in platforms.items()}


def _decoded(contents: Any, parameter: str) -> Any:
    """Return the layers or files that JSON describes: layers are in base64, files are texts or ``{"base64": …}``."""
    if isinstance(contents, list):
        return [_decoded_layer(layer, parameter) for layer in contents]
    return _decoded_layer(contents, parameter) if isinstance(contents, dict) else contents


def _decoded_layer(layer: Any, parameter: str) -> Any:
    if isinstance(layer, dict):
        return {path: _decoded_file(content, f"{parameter}['{path}']") for path, content in layer.items()}
    return layer if parameter == "files" else _decode(layer, f"Each of '{parameter}'")


def _decoded_file(content: Any, parameter: str) -> Any:
    if isinstance(content, dict) and set(content) == {"base64"}:
        return _decode(content["base64"], parameter)
    return content


def _decode(content: Any, parameter: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise ValueError(f"{parameter} must be bytes in base64") from None
