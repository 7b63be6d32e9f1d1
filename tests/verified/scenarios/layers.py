"""Layers of images that were pulled from ECR public: where they are, and how long they stay."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

from ..case import Case, digest_of
from ..pushing import push, put
from ..upstreams import OTHER_TAG, REPOSITORY, TAG
from . import scenario
from .pulls import ABSENT, cached, linux_child, manifest_of


@scenario("layer-download layer-not-found layer-available layer-of-deleted-image")
def layers_of_a_cached_image(case: Case) -> None:
    repository = cached(case)
    manifest = manifest_of(case, repository, imageDigest=linux_child(case, repository))
    for what, digest in (
        ("configuration", manifest["config"]["digest"]),
        ("layer", manifest["layers"][0]["digest"]),
    ):
        get = case.ecr.get_download_url_for_layer
        url = get(repositoryName=repository, layerDigest=digest)["downloadUrl"]
        content = case.download(url).content
        case.saw("layer-download", f"bytes of the {what}", digest, digest_of(content))
        check = case.ecr.batch_check_layer_availability
        answer = check(repositoryName=repository, layerDigests=[digest])
        availability = [layer["layerAvailability"] for layer in answer["layers"]]
        case.saw("layer-available", f"availability of the {what}", ["AVAILABLE"], availability)
    rows, code = "layer-not-found", "LayersNotFoundException"
    get = case.ecr.get_download_url_for_layer
    case.refused(rows, "absent layer", code, get, repositoryName=repository, layerDigest=ABSENT)
    own = case.repository("-own")
    push(case, own, "v1", b"layer of a deleted image")
    case.ecr.batch_delete_image(repositoryName=own, imageIds=[{"imageTag": "v1"}])
    digest = digest_of(b"layer of a deleted image")
    case.refused("layer-of-deleted-image", "its layer", code, get, repositoryName=own, layerDigest=digest)


@scenario("layer-url-signed")
def altered_download_urls(case: Case) -> None:
    repository = case.repository()
    layers = (b"one layer", b"another layer")
    push(case, repository, "v1", *layers)
    urls = []
    for layer in layers:
        get = case.ecr.get_download_url_for_layer
        urls.append(get(repositoryName=repository, layerDigest=digest_of(layer))["downloadUrl"])
    url, other = urls
    expiry = parameter(url, "expires")
    longer = str(int(expiry) + 1)
    for label, end, value, claimed in (
        ("as it is", "expires", expiry, 200),
        ("another expiry", "expires", longer, 403),
        ("the signature of another layer", "signature", parameter(other, "signature"), 403),
    ):
        case.saw("layer-url-signed", label, claimed, case.download(altered(url, end, value)).status_code)


def parameter(url: str, end: str) -> str:
    """Return the parameter of a signed URL whose name ends so: X-Amz-Signature, say."""
    return next(value for name, value in parse_qsl(urlsplit(url).query) if name.lower().endswith(end))


def altered(url: str, end: str, value: str) -> str:
    """Return a signed URL with another value of the parameter whose name ends so."""
    query = [
        (name, value if name.lower().endswith(end) else given)
        for name, given in parse_qsl(urlsplit(url).query, keep_blank_values=True)
    ]
    return urlsplit(url)._replace(query=urlencode(query)).geturl()


@scenario("pull-shared-layers")
def image_that_shares_cached_layers(case: Case) -> None:
    repository = cached(case)
    children = manifest_of(case, repository, imageTag=TAG)["manifests"]
    linux = {child["platform"]["architecture"]: child["digest"] for child in children}
    kept, gone = (manifest_of(case, repository, imageDigest=linux[name]) for name in ("amd64", "arm64"))
    for blob in (kept["config"], *kept["layers"], *gone["layers"]):
        case.ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=blob["digest"])
    reply = put(case, repository, "own", {**kept, "annotations": {"of": "a test"}})
    case.replied("pull-shared-layers", "PUT of an image with cached layers", (201,), reply)
    case.ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix=case.prefix)
    delete = case.ecr.batch_delete_image
    delete(repositoryName=repository, imageIds=[{"imageTag": TAG}])
    delete(repositoryName=repository, imageIds=[{"imageDigest": child["digest"]} for child in children])
    get = case.ecr.get_download_url_for_layer
    rows, (shared, other) = "pull-shared-layers", (manifest["layers"][0]["digest"] for manifest in (kept, gone))
    case.answered(rows, "shared layer", get, repositoryName=repository, layerDigest=shared)
    code = "LayersNotFoundException"
    case.refused(rows, "layer that no image needs", code, get, repositoryName=repository, layerDigest=other)


@scenario("through-endpoint-blob-head")
def blobs_that_no_image_here_has(case: Case) -> None:
    elsewhere = f"{case.rule('-2')}/{REPOSITORY}"
    child = manifest_of(case, elsewhere, imageTag=OTHER_TAG)["manifests"][0]["digest"]
    layer = manifest_of(case, elsewhere, imageDigest=child)["layers"][0]["digest"]
    repository = cached(case)
    for label, digest, claimed in (("blob that the upstream has", layer, 200), ("unknown blob", ABSENT, 404)):
        reply = case.http("HEAD", f"/v2/{repository}/blobs/{digest}")
        case.replied("through-endpoint-blob-head", label, (claimed,), reply)
