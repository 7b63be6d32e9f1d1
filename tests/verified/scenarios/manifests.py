"""Manifests at the registry endpoint: what comes back, and which pushes are refused."""

from __future__ import annotations

import hashlib
import json

from ..case import Case, digest_of
from ..pushing import CONFIG, DOCKER_MANIFEST, OCI_MANIFEST, image, index, push, push_blob, put
from . import MODEL, has_member, scenario

HAS_FILTERS = has_member("CreateRepositoryRequest", "imageTagMutabilityExclusionFilters")
LAYER = b"the layer of a test"
ABSENT = "sha256:" + "0" * 64
UNSUPPORTED = (405, "UNSUPPORTED")
VERSION = "Docker-Distribution-Api-Version"


@scenario("manifest-get manifest-head manifest-unknown manifest-malformed-reference endpoint-head-fails")
def manifests_that_are_returned(case: Case) -> None:
    repository = case.repository()
    manifest = push(case, repository, "v1", LAYER)
    digest = digest_of(manifest)
    headers = ("Docker-Content-Digest", "Content-Length", "Content-Type", "Sizes", VERSION)
    for what, reference in (("tag", "v1"), ("digest", digest)):
        path = f"/v2/{repository}/manifests/{reference}"
        reply = case.http("GET", path, Accept=OCI_MANIFEST)
        case.replied("manifest-get", f"GET by {what}", (200,), reply, *headers)
        case.saw("manifest-get", f"bytes by {what}", True, reply.content == manifest)
        case.replied("manifest-head", f"HEAD by {what}", (200,), case.http("HEAD", path, Accept=OCI_MANIFEST), *headers)
    unknown = (404, "MANIFEST_UNKNOWN")
    for what, reference in (("unknown tag", "v2"), ("unknown digest", ABSENT)):
        path = f"/v2/{repository}/manifests/{reference}"
        case.replied("manifest-unknown", f"GET of an {what}", unknown, case.http("GET", path))
        reply = case.http("HEAD", path)
        case.replied("endpoint-head-fails", f"HEAD of an {what}", (404,), reply)
        case.saw("endpoint-head-fails", f"its body: {what}", "", reply.text)
    path = f"/v2/{repository}/manifests/-v1"
    case.replied("manifest-malformed-reference", "GET of a malformed tag", (400,), case.http("GET", path))
    case.replied("manifest-malformed-reference", "HEAD of a malformed tag", (400,), case.http("HEAD", path))


@scenario("manifest-formats manifest-accept-wildcard manifest-translation-not-stored")
def formats_of_manifests(case: Case) -> None:
    repository = case.repository()
    digest = digest_of(push(case, repository, "v1", LAYER))
    for rows, accept, wanted in (
        ("manifest-formats", OCI_MANIFEST, OCI_MANIFEST),
        ("manifest-formats", f"{DOCKER_MANIFEST}, {OCI_MANIFEST}", OCI_MANIFEST),
        ("manifest-formats", DOCKER_MANIFEST, DOCKER_MANIFEST),
        ("manifest-accept-wildcard", "*/*", OCI_MANIFEST),
        ("manifest-accept-wildcard", "application/*", OCI_MANIFEST),
        ("manifest-accept-wildcard", f"{OCI_MANIFEST};q=0, */*", DOCKER_MANIFEST),
    ):
        reply = case.http("GET", f"/v2/{repository}/manifests/v1", Accept=accept)
        case.replied(rows, f"Accept: {accept}", (200,), reply)
        case.saw(rows, f"type for {accept}", wanted, reply.headers.get("Content-Type"))
    listed = case.ecr.list_images(repositoryName=repository)["imageIds"]
    case.saw("manifest-translation-not-stored", "images that are stored", 1, len(listed))
    for label, reference, accept in (
        ("tag in a format that there is none of", "v1", "application/x-none"),
        ("digest in another format", digest, DOCKER_MANIFEST),
    ):
        reply = case.http("GET", f"/v2/{repository}/manifests/{reference}", Accept=accept)
        case.replied("manifest-formats", label, (404, "MANIFEST_UNKNOWN"), reply)


@scenario("manifest-put manifest-same-image manifest-tag-moves manifest-delete manifest-layers-go manifest-empty-index")
def pushes_and_deletions(case: Case) -> None:
    repository = case.repository()
    for blob in (CONFIG, LAYER, b"another"):
        push_blob(case, repository, blob)
    first, second = image(LAYER), image(LAYER, b"another")
    headers = ("Location", "Docker-Content-Digest", "OCI-Subject")
    case.replied("manifest-put", "PUT", (201,), put(case, repository, "v1", first), *headers)
    case.replied("manifest-same-image", "PUT again", (201,), put(case, repository, "v1", first))
    case.replied("manifest-tag-moves", "PUT of another image", (201,), put(case, repository, "v1", second))
    digest = digest_of(json.dumps(first).encode())
    reply = case.http("GET", f"/v2/{repository}/manifests/{digest}", Accept=OCI_MANIFEST)
    case.replied("manifest-tag-moves", "image that lost its tag", (200,), reply)
    subject = {"mediaType": OCI_MANIFEST, "digest": digest, "size": len(json.dumps(first))}
    reply = put(case, repository, "artifact", image(LAYER, subject=subject))
    case.replied("manifest-put", "PUT with a subject", (201,), reply, *headers)
    case.replied("manifest-empty-index", "index without images", (201,), put(case, repository, "none", index()))
    path = f"/v2/{repository}/manifests/v1"
    case.replied("manifest-delete", "DELETE of a tag", (202,), case.http("DELETE", path))
    gone = digest_of(json.dumps(second).encode())
    reply = case.http("GET", f"/v2/{repository}/manifests/{gone}")
    case.replied("manifest-delete", "image without its last tag", (404, "MANIFEST_UNKNOWN"), reply)
    reply = case.http("HEAD", f"/v2/{repository}/blobs/{digest_of(b'another')}")
    case.replied("manifest-layers-go", "its layer", (404,), reply)
    for tag in ("a", "b"):
        put(case, repository, tag, first)
    case.replied(
        "manifest-delete", "DELETE of a digest", (202,), case.http("DELETE", f"/v2/{repository}/manifests/{digest}")
    )
    reply = case.http("GET", f"/v2/{repository}/manifests/a")
    case.replied("manifest-delete", "tag of the deleted image", (404, "MANIFEST_UNKNOWN"), reply)


@scenario(
    "manifest-not-json manifest-malformed-tag manifest-without-layers manifest-content-type manifest-wrong-digest "
    "manifest-other-algorithm manifest-too-large"
)
def manifests_that_are_malformed(case: Case) -> None:
    repository = case.repository()
    for blob in (CONFIG, LAYER):
        push_blob(case, repository, blob)
    document = image(LAYER)
    content = json.dumps(document).encode()
    for label, body in (("empty", b""), ("cut off", b"{"), ("array", b"[]"), ("text", b"no JSON")):
        reply = put(case, repository, "v1", body, Content_Type=OCI_MANIFEST)
        case.replied("manifest-not-json", label, UNSUPPORTED, reply)
    reply = put(case, repository, "v1", document, Content_Type=f"{OCI_MANIFEST}; charset=utf-8")
    case.replied("manifest-not-json", "media type with a parameter", UNSUPPORTED, reply)
    case.replied("manifest-malformed-tag", "tag", UNSUPPORTED, put(case, repository, "-v1", document))
    case.replied("manifest-without-layers", "no layers", UNSUPPORTED, put(case, repository, "v1", image()))
    for label, content_type in (("another type", DOCKER_MANIFEST), ("JSON", "application/json")):
        reply = put(case, repository, "v1", document, Content_Type=content_type)
        case.replied("manifest-content-type", label, UNSUPPORTED, reply)
    invalid = (400, "MANIFEST_INVALID")
    case.replied("manifest-wrong-digest", "another digest", invalid, put(case, repository, ABSENT, document))
    sha512 = f"sha512:{hashlib.sha512(content).hexdigest()}"
    case.replied("manifest-other-algorithm", "sha512", invalid, put(case, repository, sha512, document))
    large = content.ljust(4 * 1024 * 1024 + 1)
    reply = put(case, repository, "v1", large, Content_Type=OCI_MANIFEST)
    case.replied("manifest-too-large", "4 MiB and a byte", UNSUPPORTED, reply)


@scenario("manifest-no-content-type")
def manifest_without_a_content_type(case: Case) -> None:
    repository = case.repository()
    for blob in (CONFIG, LAYER):
        push_blob(case, repository, blob)
    reply = put(case, repository, "v1", json.dumps(image(LAYER)).encode())
    case.replied("manifest-no-content-type", "PUT", (201,), reply)


@scenario("manifest-layers-missing manifest-children-missing manifest-foreign-layers manifest-no-repository")
def images_whose_parts_are_missing(case: Case) -> None:
    repository = case.repository()
    push_blob(case, repository, CONFIG)
    unknown = (404, "BLOB_UPLOAD_UNKNOWN")
    case.replied("manifest-layers-missing", "layers", unknown, put(case, repository, "v1", image(b"one", b"two")))
    child = json.dumps(image(b"one")).encode()
    reply = put(case, repository, "v1", index(child))
    case.replied("manifest-children-missing", "image of an index", (404, "MANIFEST_BLOB_UNKNOWN"), reply)
    foreign = image(b"one")
    foreign["layers"][0]["mediaType"] = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    case.replied(
        "manifest-foreign-layers", "layer that is not distributed", (201,), put(case, repository, "v2", foreign)
    )
    reply = put(case, case.name("/absent"), "v1", image(b"one"))
    case.replied("manifest-no-repository", "PUT", (404, "NAME_UNKNOWN"), reply)


@scenario("manifest-refused-creates-nothing", needs=lambda: "CREATE_ON_PUSH" in MODEL.shape_for("RCTAppliedFor").enum)
def refused_pushes_to_no_repository(case: Case) -> None:
    repository = f"{case.template(applied_for=['CREATE_ON_PUSH'])}/app"
    uploads = f"/v2/{repository}/blobs/uploads/"
    rows = "manifest-refused-creates-nothing"
    case.replied(rows, "manifest without its layers", (404,), put(case, repository, "v1", image(LAYER)))
    case.replied(rows, "blob with another digest", (400,), case.http("POST", f"{uploads}?digest={ABSENT}", LAYER))
    case.replied(rows, "malformed digest", (405,), case.http("POST", f"{uploads}?digest=sha256:x", LAYER))
    code = "RepositoryNotFoundException"
    case.refused(rows, "the repository", code, case.ecr.describe_repositories, repositoryNames=[repository])


@scenario("manifest-exclusion-filters", needs=HAS_FILTERS)
def immutable_tags_with_exclusions(case: Case) -> None:
    filters = [{"filterType": "WILDCARD", "filter": "dev-*"}]
    settings = {"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION", "imageTagMutabilityExclusionFilters": filters}
    repository = case.repository(**settings)
    push(case, repository, "dev-1", LAYER)
    push(case, repository, "v1", LAYER)
    push_blob(case, repository, b"another")
    rows = "manifest-exclusion-filters"
    case.replied(rows, "tag that is excluded", (201,), put(case, repository, "dev-1", image(b"another")))
    case.replied(rows, "any other tag", (400, "TAG_INVALID"), put(case, repository, "v1", image(b"another")))


@scenario("manifest-immutable-tag")
def immutable_tags(case: Case) -> None:
    repository = case.repository(imageTagMutability="IMMUTABLE")
    push(case, repository, "v1", LAYER)
    invalid = (400, "TAG_INVALID")
    case.replied("manifest-immutable-tag", "the same image", invalid, put(case, repository, "v1", image(LAYER)))
    push_blob(case, repository, b"another")
    reply = put(case, repository, "v1", image(b"another"))
    case.replied("manifest-immutable-tag", "another image", invalid, reply)
