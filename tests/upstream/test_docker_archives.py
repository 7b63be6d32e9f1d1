"""``hub.load``: docker archives, and a tag for an image that has none."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

from conftest import Aws, digest, pull
from moto_ecr_ptc.ecr.images.manifests import sha256
from moto_ecr_ptc.ecr.upstream.built_images import build_image
from moto_ecr_ptc.ecr.upstream.registry import get_upstream
from tests.upstream.layouts import write_layout

LAYERS = [b"the lower layer", b"the upper layer"]
CONFIG = json.dumps(
    {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["A=b"]},
        "rootfs": {"type": "layers", "diff_ids": [sha256(layer) for layer in LAYERS]},
    }
).encode()
NAMES = ["lower/layer.tar", "upper/layer.tar"]
ENTRY = {"Config": "config.json", "RepoTags": ["example.com:5000/team/app:1.0"], "Layers": NAMES}
FILES = {"config.json": CONFIG, **dict(zip(NAMES, LAYERS))}


@pytest.fixture
def ecr(in_process: Aws) -> Any:
    return in_process.client("ecr")


def write(path: Path, files: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    """Write a tar archive with files and symbolic links."""
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return path


def write_archive(path: Path, *entries: dict[str, Any], files: dict[str, bytes] = FILES, **links: Any) -> Path:
    """Write a docker archive; without entries one with one image."""
    content = json.dumps(list(entries or [ENTRY])).encode()
    return write(path, {"manifest.json": content, **files}, **links)


def test_load_gives_the_images_of_a_docker_archive_manifests_of_dockers(ecr, quay, tmp_path):
    (image,) = quay.load(write_archive(tmp_path / "image.tar"), "team/app")
    assert image.media_type == "application/vnd.docker.distribution.manifest.v2+json"
    manifest = json.loads(image.manifest)
    assert manifest["config"] == {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "size": len(CONFIG),
        "digest": sha256(CONFIG),
    }
    assert {layer["mediaType"] for layer in manifest["layers"]} == {"application/vnd.docker.image.rootfs.diff.tar"}
    assert image.layers == tuple(LAYERS)
    assert digest(pull(ecr, "quay/team/app", "1.0")) == image.digest


def test_load_reads_a_compressed_docker_archive(quay, tmp_path):
    (plain,) = quay.load(write_archive(tmp_path / "image.tar"), "team/app")
    (tmp_path / "image.tar.gz").write_bytes(gzip.compress((tmp_path / "image.tar").read_bytes()))
    assert quay.load(tmp_path / "image.tar.gz", "team/app") == (plain,)


def test_load_keeps_compressed_layers_in_a_docker_archive(quay, tmp_path):
    compressed = gzip.compress(LAYERS[0])
    files = {**FILES, NAMES[0]: compressed}
    (image,) = quay.load(write_archive(tmp_path / "image.tar", files=files), "team/app")
    types = [layer["mediaType"].rpartition("diff.")[2] for layer in json.loads(image.manifest)["layers"]]
    assert (types, image.layers) == (["tar.gzip", "tar"], (compressed, LAYERS[1]))


def test_load_follows_the_links_between_the_layers_of_a_docker_archive(quay, tmp_path):
    files = {"config.json": CONFIG, "shared/one.tar": LAYERS[0], "upper/layer.tar": LAYERS[1]}
    path = write_archive(tmp_path / "image.tar", files=files, links={"lower/layer.tar": "../shared/one.tar"})
    (image,) = quay.load(path, "team/app")
    assert image.layers == tuple(LAYERS)


def test_load_brings_every_image_and_every_tag_of_a_docker_archive(quay, tmp_path):
    other = json.dumps({"rootfs": {"diff_ids": [sha256(LAYERS[0])]}}).encode()
    entries = (
        {**ENTRY, "RepoTags": ["app:1", "app:2"]},
        {"Config": "other.json", "RepoTags": ["other:3"], "Layers": NAMES[:1]},
    )
    loaded = quay.load(write_archive(tmp_path / "x.tar", *entries, files={**FILES, "other.json": other}), "team/app")
    assert [image.tag for image in quay.images] == ["1", "2", "3"]
    assert len(loaded) == 3
    assert loaded[0] == loaded[1] != loaded[2]


def test_load_prefers_the_layout_in_a_docker_archive(quay, tmp_path):
    expected = write_layout(tmp_path / "layout", "1.0")
    files = {path.relative_to(tmp_path / "layout").as_posix(): path for path in (tmp_path / "layout").rglob("*")}
    contents = {name: path.read_bytes() for name, path in files.items() if path.is_file()}
    (image,) = quay.load(write_archive(tmp_path / "x.tar", files={**FILES, **contents}), "team/app")
    assert image.digest == expected


def test_load_reads_the_images_of_docker_where_its_layout_lacks_other_platforms(quay, tmp_path):
    index = {
        "schemaVersion": 2,
        "manifests": [{"mediaType": "application/vnd.oci.image.index.v1+json", "digest": sha256(b""), "size": 2}],
    }
    files = {**FILES, "index.json": json.dumps(index).encode()}
    (image,) = quay.load(write_archive(tmp_path / "x.tar", files=files), "team/app")
    assert image.layers == tuple(LAYERS)


@pytest.mark.parametrize(
    ("entries", "files", "fault"),
    [
        ([{}], FILES, "is not a list of images"),
        ([{**ENTRY, "RepoTags": "app:1"}], FILES, "is not a list of images"),
        ([{**ENTRY, "Layers": [1]}], FILES, "is not a list of images"),
        ([{**ENTRY, "RepoTags": ["app:-"]}], FILES, "has an image with the name 'app:-', which ends in no tag"),
        ([ENTRY], {}, "lacks the file 'config.json'"),
        ([ENTRY], {"config.json": CONFIG}, "lacks the file 'lower/layer.tar'"),
        ([{**ENTRY, "Config": "../../etc/passwd"}], FILES, "lacks the file '../../etc/passwd'"),
        ([{**ENTRY, "Layers": NAMES[:1]}], FILES, "another number of layers than its configuration"),
        ([ENTRY], {**FILES, NAMES[0]: b"others"}, "has other bytes in 'lower/layer.tar'"),
        ([ENTRY], {**FILES, "config.json": b"{}"}, "has a configuration without the digests of its layers"),
        ([ENTRY], {**FILES, "config.json": b"\xff"}, "has a configuration without the digests of its layers"),
        ([ENTRY], {**FILES, "config.json": b"[]"}, "has a configuration without the digests of its layers"),
        ([ENTRY], {**FILES, "config.json": b" " * (4 * 1024 * 1024 + 1)}, "larger than 4194304 bytes"),
    ],
)
def test_load_of_a_malformed_docker_archive_is_a_value_error_and_changes_nothing(
    ecr, quay, tmp_path, entries, files, fault
):
    path = write_archive(tmp_path / "image.tar", *entries, files=files)
    with pytest.raises(ValueError, match=r"docker archive|larger than") as caught:
        quay.load(path, "team/app")
    assert fault in str(caught.value)
    assert digest(pull(ecr, "quay/any/name"))


@pytest.mark.parametrize("content", [b"{'", b"{}", b"[1]", b"\xff"])
def test_load_of_a_docker_archive_with_a_malformed_list_is_a_value_error(quay, tmp_path, content):
    with pytest.raises(ValueError, match=r"The manifest\.json of the docker archive is not"):
        quay.load(write(tmp_path / "image.tar", {**FILES, "manifest.json": content}), "team/app")


def test_load_of_images_with_one_tag_in_several_repositories_is_a_value_error(quay, tmp_path):
    other = json.dumps({"rootfs": {"diff_ids": []}}).encode()
    entries = (ENTRY, {"Config": "other.json", "RepoTags": ["other:1.0"], "Layers": []})
    path = write_archive(tmp_path / "x.tar", *entries, files={**FILES, "other.json": other})
    with pytest.raises(ValueError, match=r"has several images with the tag '1\.0', of other repositories"):
        quay.load(path, "team/app")


@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc/passwd", "layer.tar", "elsewhere"])
def test_load_follows_no_link_out_of_the_archive(quay, tmp_path, target):
    files = {"config.json": CONFIG, NAMES[1]: LAYERS[1]}
    path = write_archive(tmp_path / "image.tar", files=files, links={NAMES[0]: target})
    with pytest.raises(ValueError, match="The docker archive lacks the file"):
        quay.load(path, "team/app")


def test_load_of_an_archive_without_images_says_what_is_missing(quay, tmp_path):
    with pytest.raises(ValueError, match=r"neither the index\.json of an OCI image layout nor the manifest\.json of a"):
        quay.load(write(tmp_path / "x.tar", {"a": b"b"}), "team/app")


@pytest.mark.parametrize("path", [None, 1, b"bytes"])
def test_load_of_no_path_is_a_value_error(quay, path):
    with pytest.raises(ValueError, match="path must be that of a directory or a tar archive"):
        quay.load(path, "team/app")


@pytest.mark.parametrize("path", ["a\0b", "a\ud800"])
def test_load_of_a_path_that_no_file_can_have_says_so(quay, path):
    with pytest.raises(
        ValueError, match=rf"^{re.escape(repr(path))} is no OCI image layout: no file can have this name$"
    ):
        quay.load(path, "team/app")


def test_load_of_an_archive_with_a_malformed_header_says_that_it_is_none(quay, tmp_path):
    with tarfile.open(tmp_path / "image.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("manifest.json")
        member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "1"}
        member.size = 512
        archive.addfile(member, io.BytesIO(b"no number\n".ljust(512, b"\0")))
    with pytest.raises(ValueError, match="it is not a tar archive"):
        quay.load(tmp_path / "image.tar", "team/app")


def test_load_for_docker_hub_needs_a_slash_too(in_process, tmp_path):
    from moto_ecr_ptc import upstream_registry

    with pytest.raises(ValueError, match="did you mean 'library/alpine'"):
        upstream_registry("docker-hub").load(write_archive(tmp_path / "x.tar"), "alpine")


def test_load_under_a_name_of_ecr_is_warned_of(quay, tmp_path, caplog):
    quay.load(write_archive(tmp_path / "x.tar"), "quay/team/app")
    assert "did you mean 'team/app'?" in caplog.text


# --- a tag -----------------------------------------------------------------------------------------------------------


def test_load_tags_an_image_that_has_no_tag(ecr, quay, tmp_path):
    expected = write_layout(tmp_path / "layout", None)
    assert quay.load(tmp_path / "layout", "a/b") == ()
    (image,) = quay.load(tmp_path / "layout", "a/c", tag="mine")
    assert image.digest == expected == digest(pull(ecr, "quay/a/c", "mine"))


def test_load_tags_an_index_but_not_its_children(quay, tmp_path):
    from tests.upstream.test_layouts import INDEX

    write_layout(tmp_path / "layout", None, INDEX)
    quay.load(tmp_path / "layout", "a/b", tag="mine")
    assert [(image.tag, image.digest) for image in quay.images] == [("mine", INDEX.manifest.digest)]


def test_load_tags_an_image_of_a_docker_archive_that_has_none(quay, tmp_path):
    quay.load(write_archive(tmp_path / "x.tar", {**ENTRY, "RepoTags": None}), "a/b", tag="mine")
    assert [image.tag for image in quay.images] == ["mine"]


def test_tag_for_an_image_that_has_one_is_a_value_error_that_names_it(quay, tmp_path):
    write_layout(tmp_path / "layout", "1.0")
    with pytest.raises(
        ValueError, match=r"^A tag is for an image that has none, but there are images with .*: '1\.0'$"
    ):
        quay.load(tmp_path / "layout", "a/b", tag="mine")
    assert quay.images == ()


def test_tag_for_several_images_is_a_value_error_that_lists_them(quay, tmp_path):
    from tests.upstream.test_layouts import AMD64, ARM64
    from tests.upstream.test_layouts import write as write_images

    write_images(tmp_path, [(None, AMD64), (None, ARM64)])
    with pytest.raises(ValueError, match=r"^A tag is for a single image, but there are these: 'sha256:.*', 'sha256:"):
        quay.load(tmp_path, "a/b", tag="mine")


def test_malformed_tag_for_load_is_a_value_error(quay, tmp_path):
    with pytest.raises(ValueError, match="'-' is not a tag"):
        quay.load(tmp_path, "a/b", tag="-")


def test_blob_of_a_loaded_image_is_there(quay, tmp_path):
    image = build_image([b"x" * 3_000_000], "linux/amd64")
    write_layout(tmp_path / "layout", None, image)
    quay.load(tmp_path / "layout", "a/b", tag="1")
    held = get_upstream("quay.io").get_blob("a/b", image.manifest.layers[0].digest, None)
    assert held.read() == image.layers[0]
