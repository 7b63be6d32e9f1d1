"""Images of the registry's own: uploads by the API, sizes, and the formats that BatchGetImage gives them out in."""

from __future__ import annotations

from ..case import Case, digest_of
from ..pushing import DOCKER_MANIFEST, OCI_MANIFEST, push
from . import scenario
from .pulls import failures, pull

LAYER = b"the layer of a test"


@scenario("layer-part-offset layer-completion layer-upload-not-found layer-part-sizes")
def uploads_by_the_api(case: Case) -> None:
    repository = case.repository()
    upload = case.ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    part = {"repositoryName": repository, "uploadId": upload, "layerPartBlob": b"1234"}
    send, complete = case.ecr.upload_layer_part, case.ecr.complete_layer_upload
    digests = [digest_of(b"12345678")]
    case.refused(
        "layer-completion",
        "no parts",
        "EmptyUploadException",
        complete,
        repositoryName=repository,
        uploadId=upload,
        layerDigests=digests,
    )
    send(**part, partFirstByte=0, partLastByte=3)
    rows, code = "layer-part-offset", "InvalidLayerPartException"
    case.refused(rows, "part that begins too early", code, send, **part, partFirstByte=3, partLastByte=6)
    case.refused(rows, "part that begins too late", code, send, **part, partFirstByte=5, partLastByte=8)
    case.refused(
        "layer-completion",
        "another digest",
        "InvalidLayerException",
        complete,
        repositoryName=repository,
        uploadId=upload,
        layerDigests=digests,
    )
    absent = {**part, "uploadId": "00000000-0000-0000-0000-000000000000"}
    code = "UploadNotFoundException"
    case.refused("layer-upload-not-found", "unknown upload", code, send, **absent, partFirstByte=0, partLastByte=3)
    odd = {**part, "uploadId": "odd"}
    case.refused("layer-upload-not-found", "odd id", code, send, **odd, partFirstByte=0, partLastByte=3)
    send(**{**part, "layerPartBlob": b"5678"}, partFirstByte=4, partLastByte=7)
    case.answered(
        "layer-part-sizes",
        "layer of two small parts",
        complete,
        repositoryName=repository,
        uploadId=upload,
        layerDigests=digests,
    )


@scenario("image-size")
def size_of_an_image(case: Case) -> None:
    repository = case.repository()
    push(case, repository, "v1", LAYER, b"another layer")
    (detail,) = case.ecr.describe_images(repositoryName=repository)["imageDetails"]
    size = len(LAYER) + len(b"another layer")
    case.saw("image-size", "size of an image of two layers", size, detail["imageSizeInBytes"])


@scenario(
    "pull-accepted-media-types pull-translation-not-stored pull-no-translation-by-digest pull-not-translatable "
    "manifest-batch-get-translates"
)
def formats_of_batch_get_image(case: Case) -> None:
    repository = case.repository()
    manifest = push(case, repository, "oci", LAYER)
    push(case, repository, "docker", LAYER, media_type=DOCKER_MANIFEST)
    rows = "pull-accepted-media-types manifest-batch-get-translates"
    for tag, accepted in (("oci", DOCKER_MANIFEST), ("docker", OCI_MANIFEST), ("oci", OCI_MANIFEST)):
        answer = pull(case, repository, {"imageTag": tag}, acceptedMediaTypes=[accepted])
        types = [found["imageManifestMediaType"] for found in answer["images"]]
        case.saw(rows, f"type of {tag} as {accepted}", [accepted], types)
    answer = pull(case, repository, {"imageTag": "oci"}, acceptedMediaTypes=[DOCKER_MANIFEST])
    digest = answer["images"][0]["imageId"]["imageDigest"]
    rows = "pull-translation-not-stored"
    case.saw(rows, "the translation has a digest of its own", True, digest != digest_of(manifest))
    case.saw(rows, "the translation is stored", False, digest in stored(case, repository))
    missing = ["ImageNotFound"]
    by_digest = {"imageDigest": digest_of(manifest)}
    answer = pull(case, repository, by_digest, acceptedMediaTypes=[DOCKER_MANIFEST])
    rows = "pull-no-translation-by-digest"
    case.saw(rows, "code by digest", missing, [code for code, _ in failures(answer)])
    answer = pull(case, repository, {"imageTag": "oci"}, acceptedMediaTypes=["application/x-none"])
    case.saw("pull-not-translatable", "code of another type", missing, [code for code, _ in failures(answer)])


def stored(case: Case, repository: str) -> list[str]:
    listed = case.ecr.list_images(repositoryName=repository)["imageIds"]
    return [image_id["imageDigest"] for image_id in listed]
