"""Questions about the registry endpoint: what docker, podman and other image clients meet."""

from __future__ import annotations

from tests.comparison.asked import Questions, refused
from tests.comparison.emulator import MANIFEST, Emulator, Image, digest_of, insist

ENDPOINT = Questions()


@ENDPOINT.question("The registry endpoint demands the user AWS and a token", "A")
def challenge(aws: Emulator) -> None:
    registry = aws.registry()
    anonymous = registry.ask("GET", "/v2/", auth=None)
    insist(anonymous.status_code == 401, f"without a token: HTTP {anonymous.status_code}")
    header = anonymous.headers.get("Www-Authenticate", "")
    insist(header.startswith("Basic ") and 'service="ecr.amazonaws.com"' in header, f"the challenge is {header!r}")
    answer = registry.ask("GET", "/v2/")
    insist(answer.status_code == 200, f"with a token: HTTP {answer.status_code}")


@ENDPOINT.question("An image client pulls through a rule: manifest and layer", "B")
def pull(aws: Emulator) -> None:
    image = aws.upstream_image("client/app", "client")
    aws.rule_for_upstream("client")
    registry = aws.registry()
    manifest = registry.pull("/v2/client/client/app/manifests/v1")
    insist(manifest.content == image.manifest.encode(), "the manifest is another")
    blob = registry.pull(f"/v2/client/client/app/blobs/{digest_of(image.layer)}")
    insist(blob.content == image.layer, "the layer is another")


@ENDPOINT.question("An image client pushes, and the API describes the image", "A")
def push(aws: Emulator) -> None:
    aws.ecr.create_repository(repositoryName="pushed")
    image = Image("pushed")
    answer = aws.registry().push("pushed", image, "v1")
    insist(answer.status_code == 201, f"PUT of the manifest: HTTP {answer.status_code} {answer.text[:80]!r}")
    (detail,) = aws.ecr.describe_images(repositoryName="pushed")["imageDetails"]
    insist(detail["imageDigest"] == image.digest, "the API has another digest")
    insist(detail["imageTags"] == ["v1"], "the API has other tags")


@ENDPOINT.question("HEAD of a manifest gives digest, type and length, and no body", "A")
def head(aws: Emulator) -> None:
    aws.ecr.create_repository(repositoryName="head")
    image = Image("head")
    registry = aws.registry()
    registry.push("head", image, "v1")
    answer = registry.ask("HEAD", "/v2/head/manifests/v1", headers={"Accept": MANIFEST})
    insist(answer.status_code == 200, f"HTTP {answer.status_code}")
    insist(answer.headers.get("Docker-Content-Digest") == image.digest, "the digest is missing, or another")
    insist(answer.headers.get("Content-Type") == MANIFEST, "the type is another")
    insist(answer.headers.get("Content-Length") == str(len(image.manifest)), "the length is another")


@ENDPOINT.question("The referrers of an image are listed", "B")
def referrers(aws: Emulator) -> None:
    aws.ecr.create_repository(repositoryName="referrers")
    subject = Image("subject")
    note = Image("note", subject)
    registry = aws.registry()
    registry.push("referrers", subject, "v1")
    registry.push("referrers", note, "note")
    listed = registry.pull(f"/v2/referrers/referrers/{subject.digest}").json()
    insist([found["digest"] for found in listed["manifests"]] == [note.digest], f"listed: {listed['manifests']}")


@ENDPOINT.question("PutImage does not move a tag of an immutable repository", "B")
def immutable_by_api(aws: Emulator) -> None:
    aws.ecr.create_repository(repositoryName="immutable-api", imageTagMutability="IMMUTABLE")
    aws.put(aws.ecr, "immutable-api", Image("first"), "v1")
    with refused("ImageTagAlreadyExistsException", "ImageAlreadyExistsException"):
        aws.put(aws.ecr, "immutable-api", Image("second"), "v1")


@ENDPOINT.question("An image client cannot move a tag of an immutable repository", "A")
def immutable(aws: Emulator) -> None:
    aws.ecr.create_repository(repositoryName="immutable", imageTagMutability="IMMUTABLE")
    registry = aws.registry()
    insist(registry.push("immutable", Image("first"), "v1").status_code == 201, "the first push is refused")
    answer = registry.push("immutable", Image("second"), "v1")
    insist(answer.status_code == 400, f"the second push: HTTP {answer.status_code}")
    insist("TAG_INVALID" in answer.text, f"the second push: {answer.text[:80]!r}")
