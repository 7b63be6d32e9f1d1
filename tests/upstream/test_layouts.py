"""``hub.load``: OCI image layouts as the source of an upstream's images."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from conftest import Aws, digest, pull, refusal
from moto_ecr_ptc.ecr.images.manifests import OCI_MANIFEST, Descriptor, sha256
from moto_ecr_ptc.ecr.upstream.built_images import BuiltImage, build_image, build_index
from moto_ecr_ptc.ecr.upstream.registry import get_upstream

AMD64 = build_image([b"layer of amd64"], "linux/amd64")
ARM64 = build_image([b"layer of arm64"], "linux/arm64")
INDEX = build_index({"linux/amd64": AMD64, "linux/arm64": ARM64})
SIGNATURE = build_image(
    [b"signature"], "linux/amd64", Descriptor(OCI_MANIFEST, AMD64.manifest.digest, len(AMD64.manifest.content))
)


@pytest.fixture
def ecr(in_process: Aws) -> Any:
    return in_process.client("ecr")


def write_blob(path: Path, name: str, content: bytes) -> None:
    blob = path / "blobs" / name.replace(":", "/")
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(content)


def write(path: Path, images: list[tuple[str | None, BuiltImage]]) -> Path:
    """Write a layout with images under their names; None is an image without one."""

    def store(image: BuiltImage) -> None:
        for name, content in {**image.blobs, image.manifest.digest: image.manifest.content}.items():
            write_blob(path, name, content)
        for child in image.children:
            store(child)

    entries = []
    for name, image in images:
        store(image)
        entry = {
            "mediaType": image.manifest.media_type,
            "digest": image.manifest.digest,
            "size": len(image.manifest.content),
        }
        if name:
            entry["annotations"] = {"org.opencontainers.image.ref.name": name}
        entries.append(entry)
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
    return path


def pack(path: Path, prefix: str = ".") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(path, arcname=prefix)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("1.0", "1.0"),
        ("docker.io/library/app:1.0", "1.0"),
        ("localhost:5000/app:latest", "latest"),
        (f"example.com/app:1.0@{AMD64.manifest.digest}", "1.0"),
    ],
)
def test_load_takes_the_tag_from_the_name(ecr, quay, tmp_path, name, tag):
    (image,) = quay.load(write(tmp_path, [(name, AMD64)]), "team/app")
    assert (image.manifest, image.layers) == (AMD64.manifest.content, (b"layer of amd64",))
    assert digest(pull(ecr, "quay/team/app", tag)) == image.digest


def test_image_whose_name_has_a_digest_alone_has_no_tag(quay, tmp_path):
    assert quay.load(write(tmp_path, [(f"example.com/app@{AMD64.manifest.digest}", AMD64)]), "team/app") == ()
    assert [(image.tag, image.digest) for image in quay.images] == [(None, AMD64.manifest.digest)]


def test_load_brings_every_tag_and_the_children(ecr, quay, tmp_path):
    loaded = quay.load(str(write(tmp_path, [("multi", INDEX), ("single", ARM64)])), "team/app")
    assert [image.digest for image in loaded] == [INDEX.manifest.digest, ARM64.manifest.digest]
    assert loaded[0].layers == ()
    pull(ecr, "quay/team/app", "multi", "single")
    assert len(ecr.list_images(repositoryName="quay/team/app")["imageIds"]) == 3


def test_load_brings_what_has_no_tag_by_digest(ecr, quay, tmp_path):
    loaded = quay.load(write(tmp_path, [("single", AMD64), (None, SIGNATURE)]), "team/app")
    assert [image.digest for image in loaded] == [AMD64.manifest.digest]
    fetched = get_upstream("quay.io").get_manifest("team/app", SIGNATURE.manifest.digest, None)
    assert fetched.manifest.content == SIGNATURE.manifest.content


@pytest.mark.parametrize("prefix", [".", ""])
def test_load_reads_an_archive(ecr, quay, tmp_path, prefix):
    archive = tmp_path / "layout.tar"
    archive.write_bytes(pack(write(tmp_path / "layout", [("1", AMD64)]), prefix))
    quay.load(archive, "team/app")
    assert digest(pull(ecr, "quay/team/app", "1")) == AMD64.manifest.digest


def test_load_reads_a_compressed_archive(ecr, quay, tmp_path):
    archive = tmp_path / "layout.tar.gz"
    archive.write_bytes(gzip.compress(pack(write(tmp_path / "layout", [("1", AMD64)]))))
    quay.load(archive, "team/app")
    assert digest(pull(ecr, "quay/team/app", "1")) == AMD64.manifest.digest


def test_load_of_indexes_deep_in_one_another_is_a_value_error(quay, tmp_path):
    nested = INDEX
    for _ in range(20):
        nested = build_index({"linux/amd64": nested})
    with pytest.raises(ValueError, match="deep in one another"):
        quay.load(write(tmp_path, [("1", nested)]), "team/app")


def test_load_makes_the_upstream_exact(ecr, quay, tmp_path):
    quay.load(write(tmp_path, [("1", AMD64)]), "team/app")
    assert refusal(pull, ecr=ecr, repository="quay/team/other").code == "RepositoryNotFoundException"


# --- malformed layouts -----------------------------------------------------------------------------------------------


def change(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


def blob(image: BuiltImage) -> str:
    return f"blobs/{image.manifest.digest.replace(':', '/')}"


def entry(**members: Any) -> bytes:
    described = {"mediaType": OCI_MANIFEST, "digest": AMD64.manifest.digest, "size": len(AMD64.manifest.content)}
    return json.dumps({"manifests": [{**described, **members}]}).encode()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("index.json", None),
        ("index.json", b"{'"),
        ("index.json", b"[]"),
        ("index.json", b"{}"),
        ("index.json", b'{"manifests": {}}'),
        ("index.json", b'{"manifests": [1]}'),
        ("index.json", entry(digest="sha256:../../x")),
        ("index.json", entry(digest="md5:0")),
        ("index.json", entry(size=-1)),
        ("index.json", entry(size=1)),
        ("index.json", entry(size="1")),
        ("index.json", entry(mediaType="text/plain")),
        ("index.json", entry(mediaType=None)),
        ("index.json", entry(annotations={"org.opencontainers.image.ref.name": "no tag"})),
        (blob(AMD64), None),
        (blob(AMD64), b"{}"),
        (f"blobs/{AMD64.manifest.layers[0].digest.replace(':', '/')}", None),
        (f"blobs/{AMD64.manifest.layers[0].digest.replace(':', '/')}", b"other bytes"),
    ],
)
@pytest.mark.parametrize("form", ["directory", "archive"])
def test_load_of_a_malformed_layout_is_a_value_error_and_changes_nothing(ecr, quay, tmp_path, file, content, form):
    path = write(tmp_path / "layout", [("1", AMD64)])
    change(path / file, content)
    if form == "archive":
        (tmp_path / "layout.tar").write_bytes(pack(path))
        path = tmp_path / "layout.tar"
    with pytest.raises(ValueError, match="OCI image layout"):
        quay.load(path, "team/app")
    assert digest(pull(ecr, "quay/any/name"))


@pytest.mark.parametrize("document", ["[]", '{"layers": 1}', '{"config": {}, "layers": []}', "{}", '{"layers": [{}]}'])
def test_load_of_a_malformed_manifest_is_a_value_error(quay, tmp_path, document):
    path = write(tmp_path, [("1", AMD64)])
    content = document.encode()
    write_blob(path, sha256(content), content)
    (path / "index.json").write_bytes(entry(digest=sha256(content), size=len(content)))
    with pytest.raises(ValueError, match="The OCI image layout has"):
        quay.load(path, "team/app")


@pytest.mark.parametrize("content", [b"", b"no archive", pack(Path(__file__).parents[1] / "moto_answers.py")[:700]])
def test_load_of_no_archive_is_a_value_error(quay, tmp_path, content):
    (tmp_path / "layout.tar").write_bytes(content)
    with pytest.raises(ValueError, match="OCI image layout"):
        quay.load(tmp_path / "layout.tar", "team/app")


def test_load_of_nothing_is_a_value_error(quay, tmp_path):
    with pytest.raises(ValueError, match="is no OCI image layout"):
        quay.load(tmp_path / "absent", "team/app")


def test_load_into_a_malformed_name_is_a_value_error(quay, tmp_path):
    with pytest.raises(ValueError, match="is not the name of a repository"):
        quay.load(write(tmp_path, [("1", AMD64)]), "UPPER")


def test_load_reads_nothing_outside_the_layout(quay, tmp_path):
    path = write(tmp_path / "layout", [("1", AMD64)])
    write_blob(tmp_path, AMD64.manifest.digest, AMD64.manifest.content)
    change(path / blob(AMD64), None)
    (path / blob(AMD64)).symlink_to(tmp_path / blob(AMD64))
    (tmp_path / "layout.tar").write_bytes(pack(path))
    with pytest.raises(ValueError, match="OCI image layout"):
        quay.load(tmp_path / "layout.tar", "team/app")
