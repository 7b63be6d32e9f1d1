"""``hub.push``: what an image is made of, and in which format."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from typing import Any

import pytest

from conftest import ACCOUNT, REGION, Aws, digest, pull, refusal
from moto_ecr_ptc import UpstreamImage, upstream_registry
from moto_ecr_ptc.ecr.images.manifests import Descriptor, sha256
from moto_ecr_ptc.ecr.upstream.built_images import BuiltImage
from moto_ecr_ptc.ecr.upstream.pushed_images import PushedImage, describe_image
from moto_ecr_ptc.ecr.upstream.registry import get_upstream

LONG_NAME = "\u00fc" * 128
DIGEST_OF_NONE = f"sha256:{'0' * 64}"


@pytest.fixture
def ecr(in_process: Aws) -> Any:
    return in_process.client("ecr")


def files_of(layer: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}


def blob(repository: str, name: str) -> bytes:
    return get_upstream("quay.io").get_blob(repository, name, None).read()


def config_of(image: UpstreamImage, repository: str = "a/b") -> dict[str, Any]:
    return json.loads(blob(repository, json.loads(image.manifest)["config"]["digest"]))


def children_of(image: UpstreamImage, repository: str = "a/b") -> list[dict[str, Any]]:
    """Return the manifests of an index."""
    upstream = get_upstream("quay.io")
    entries = json.loads(image.manifest)["manifests"]
    return [upstream.get_manifest(repository, entry["digest"], None).manifest.document for entry in entries]


# --- the same bytes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "b39a2066acd711340d9863f9fbbd3b1341ea7467347987ce91e0491d31b7c7d8"),
        ({"tag": None}, "b9e0b7558181a5353a1617214849ec90a4101df8a5583c0676c437b37faa2d2c"),
        ({"layers": []}, "c5c3090c78a69c23565353b874b43eda3ad7c4cfcb855e839f3908ac5a11a9e6"),
        (
            {"layers": [b"one", b"\x1f\x8bbroken", bytes.fromhex("1f8b0800000000000203ab00008316dc8c01000000")]},
            "b531c12e9e1f8ff342eebce0900a7d8a858793ef75340f423c6759d684291eba",
        ),
        (
            {"platforms": ["linux/amd64", "linux/arm/v7"]},
            "ffdfb1a6eb5acebd44d7f7abb08413d1363ff3eb8509166975b52f6b4c89a4e1",
        ),
    ],
)
def test_image_has_the_digest_that_it_always_had(quay, arguments, expected):
    assert quay.push("team/app", **arguments).digest == f"sha256:{expected}"


def test_artifact_that_refers_to_an_image_has_the_digest_that_it_always_had(quay):
    image = quay.push("team/app")
    signature = quay.push("team/app", tag=None, layers=[b"signature"], subject=image)
    assert signature.digest == "sha256:3b58fe18ced05f22a1b97aab0e27ad95bfd728aa74164290251740b994c11eee"


def test_image_of_files_is_the_same_on_every_machine(quay):
    image = quay.push(
        "team/app", files={"etc/app.conf": "é", "bin/app": b"#!/bin/sh\n", f"{'ü' * 60}/{'x' * 120}": b""}
    )
    assert image.digest == "sha256:c2350b2aef9776dd409da9ea03e62472cd819722d8078ffd709a9253d2bff258"


def test_order_of_files_and_members_makes_no_difference(quay):
    one = quay.push(
        "a/b",
        files={"a/x": "1", "b": "2"},
        config={"User": "1", "Labels": {"a": "1", "b": "2"}},
        annotations={"a": "1", "b": "2"},
    )
    other = quay.push(
        "a/b",
        files={"b": b"2", "./a/x": b"1"},
        config={"Labels": {"b": "2", "a": "1"}, "User": "1"},
        annotations={"b": "2", "a": "1"},
    )
    assert one == other


# --- files -----------------------------------------------------------------------------------------------------------


def test_files_are_a_layer_of_executable_files_that_belong_to_root(quay):
    (layer,) = quay.push("a/b", files={"usr/bin/app": b"#!/bin/sh\n", "etc/app.conf": "gr\u00fc\u00dfe"}).layers
    with tarfile.open(fileobj=io.BytesIO(layer), mode="r:gz") as archive:
        members = archive.getmembers()
    assert [(member.name, member.isdir()) for member in members] == [
        ("etc", True),
        ("etc/app.conf", False),
        ("usr", True),
        ("usr/bin", True),
        ("usr/bin/app", False),
    ]
    assert {(member.mode, member.uid, member.gid, member.mtime) for member in members} == {(0o755, 0, 0, 0)}
    assert files_of(layer) == {"usr/bin/app": b"#!/bin/sh\n", "etc/app.conf": "gr\u00fc\u00dfe".encode()}


def test_several_mappings_of_files_are_several_layers(quay):
    image = quay.push("a/b", files=[{"a": "1"}, {"a": "2", ".wh.b": ""}])
    assert list(map(files_of, image.layers)) == [{"a": b"1"}, {"a": b"2", ".wh.b": b""}]
    assert len(config_of(image)["rootfs"]["diff_ids"]) == 2


def test_configuration_has_the_digests_of_the_uncompressed_layers(quay):
    image = quay.push("a/b", files={"a": b"x" * 200_000})
    (layer,) = image.layers
    assert config_of(image)["rootfs"]["diff_ids"] == [sha256(gzip.decompress(layer))]


@pytest.mark.parametrize(
    "name", ["a" * 99, "a" * 101, "d/" * 150 + "file", "\u00fc" * 120, "\u65e5\u672c/\U0001f40b", "a b"]
)
def test_file_may_have_a_long_name_in_any_script(quay, name):
    (layer,) = quay.push("a/b", files={name: b"content"}).layers
    assert files_of(layer) == {name: b"content"}


def test_no_files_are_an_empty_layer_and_no_mappings_are_none(quay):
    (layer,) = quay.push("a/b", files={}).layers
    assert files_of(layer) == {}
    assert quay.push("a/b", files=[]).layers == ()


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({"/etc/passwd": b""}, "files has the path '/etc/passwd', which is absolute"),
        (
            {f"a/{LONG_NAME}": b""},
            f"files has the path 'a/{LONG_NAME}', in which a name is longer than 255 bytes",
        ),
        ({"../x": b""}, "files has the path '../x', which leads out"),
        ({"a/../../x": b""}, "files has the path 'a/../../x', which leads out"),
        ({"": b""}, "files has the path '', which has an empty name"),
        ({".": b""}, "files has the path '.', which has an empty name"),
        ({"a//b": b""}, "files has the path 'a//b', which has an empty name"),
        ({"a/": b""}, "files has the path 'a/', which has an empty name"),
        ({"etc\\app": b""}, r"files has the path 'etc\\app': in an image paths are relative, with '/'"),
        ({"C:/app": b""}, "files has the path 'C:/app': in an image paths are relative, with '/'"),
        ({"a\0": b""}, r"files has the path 'a\x00', which has a character that no path may have"),
        ({"\ud800": b""}, r"files has the path '\ud800', which has a character that no path may have"),
        ({b"a": b""}, "files has the path b'a', which is no string"),
        ({"a": b"", "a/b": b""}, "files has 'a' as a file and as a directory"),
        ({"a": b"", "./a": b""}, "files has the path 'a' twice"),
        ({"a": 1}, "files['a'] must be bytes or text, not int"),
        ({"a": None}, "files['a'] must be bytes or text, not NoneType"),
        ({"a": "\ud800"}, "files['a'] is text that UTF-8 cannot express"),
        (b"x", "files must be a mapping of paths to contents, or a list of such mappings"),
        ("x", "files must be a mapping of paths to contents, or a list of such mappings"),
        (1, "files must be a mapping of paths to contents, or a list of such mappings"),
        ([{"a": b""}, b"x"], "files must be a mapping of paths to contents, or a list of such mappings"),
    ],
)
def test_malformed_files_are_a_value_error_that_names_the_path(ecr, quay, files, fault):
    with pytest.raises(ValueError, match=r"^files") as caught:
        quay.push("a/b", files=files)
    assert str(caught.value).startswith(fault)
    assert digest(pull(ecr, "quay/any/name"))  # it holds no image yet


# --- platforms -------------------------------------------------------------------------------------------------------


def test_platforms_have_layers_or_files_of_their_own(quay):
    image = quay.push(
        "a/b",
        platforms={
            "linux/amd64": {"arch": "amd64"},
            "linux/arm/v7": [b"layer"],
            "linux/arm64": [{"a": "1"}, {"b": "2"}],
        },
    )
    index = json.loads(image.manifest)
    assert [entry["platform"] for entry in index["manifests"]] == [
        {"os": "linux", "architecture": "amd64"},
        {"os": "linux", "architecture": "arm", "variant": "v7"},
        {"os": "linux", "architecture": "arm64"},
    ]
    layers = [[blob("a/b", layer["digest"]) for layer in child["layers"]] for child in children_of(image)]
    assert layers[1] == [b"layer"]
    assert [files_of(layer) for layer in (*layers[0], *layers[2])] == [{"arch": b"amd64"}, {"a": b"1"}, {"b": b"2"}]
    configs = [json.loads(blob("a/b", child["config"]["digest"])) for child in children_of(image)]
    assert [config["architecture"] for config in configs] == ["amd64", "arm", "arm64"]


def test_configuration_is_that_of_every_platform(quay):
    image = quay.push("a/b", platforms=["linux/amd64", "linux/arm64"], config={"User": "me"})
    configs = [json.loads(blob("a/b", child["config"]["digest"]))["config"] for child in children_of(image)]
    assert configs == [{"User": "me"}, {"User": "me"}]


def test_annotations_and_artifact_type_are_those_of_the_index(quay):
    image = quay.push("a/b", platforms=["linux/amd64"], annotations={"made": "yes"}, artifact_type="application/x-t")
    index = json.loads(image.manifest)
    assert (index["annotations"], index["artifactType"]) == ({"made": "yes"}, "application/x-t")
    (child,) = children_of(image)
    assert not {"annotations", "artifactType"} & set(child)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"layers": [b"x"], "files": {}}, "push takes layers or files, not both"),
        ({"layers": [b"x"], "platforms": ["linux/amd64"]}, "push takes layers or platforms, not both"),
        ({"files": {"a": "b"}, "platforms": ["linux/amd64"]}, "push takes files or platforms, not both"),
        ({"platforms": {}}, "platforms must be a list of platforms"),
        ({"platforms": 7}, "platforms must be a list of platforms"),
        ({"platforms": [1]}, "1 is not a platform"),
        ({"platforms": [["linux/amd64"]]}, "['linux/amd64'] is not a platform"),
        ({"platforms": {"linux": {}}}, "'linux' is not a platform"),
        ({"platforms": {"linux/amd64": b"x"}}, "platforms['linux/amd64'] must be a list of bytes, a mapping"),
        ({"platforms": {"linux/amd64": ["x"]}}, "platforms['linux/amd64'] must be a list of bytes, a mapping"),
        ({"platforms": {"linux/amd64": [b"x", {}]}}, "platforms['linux/amd64'] must be a list of bytes, a mapping"),
        ({"platforms": {"linux/amd64": [{}, b"x"]}}, "platforms['linux/amd64'] must be a mapping of paths"),
        ({"platforms": {"linux/amd64": {"/a": b"x"}}}, "platforms['linux/amd64'] has the path '/a'"),
        ({"platforms": {"linux/amd64": None}}, "platforms['linux/amd64'] must be a list of bytes, a mapping"),
    ],
)
def test_contradictory_contents_are_a_value_error(quay, arguments, fault):
    with pytest.raises(ValueError, match=r"push|platform") as caught:
        quay.push("a/b", **arguments)
    assert str(caught.value).startswith(fault)


# --- compression -----------------------------------------------------------------------------------------------------


def is_compressed(layers: tuple[bytes, ...]) -> list[bool]:
    return [layer.startswith(b"\x1f\x8b") for layer in layers]


@pytest.mark.parametrize(
    ("compression", "of_files", "of_layers"),
    [(None, [True], [False, True]), ("gzip", [True], [True, True]), ("none", [False], [False, True])],
)
def test_compression_is_that_of_files_and_layers(quay, compression, of_files, of_layers):
    given = [b"raw", gzip.compress(b"raw", mtime=0)]
    files = quay.push("a/b", files={"a": "b"}, compression=compression)
    layers = quay.push("a/b", layers=given, compression=compression)
    assert (is_compressed(files.layers), is_compressed(layers.layers)) == (of_files, of_layers)
    assert layers.layers[1] == given[1]
    types = [layer["mediaType"] for image in (files, layers) for layer in json.loads(image.manifest)["layers"]]
    assert [type_.endswith("+gzip") for type_ in types] == of_files + of_layers
    assert config_of(layers)["rootfs"]["diff_ids"] == [sha256(b"raw")] * 2


def test_compressed_layer_without_content_is_a_gzip_stream(quay):
    (layer,) = quay.push("a/b", layers=[b""], compression="gzip").layers
    assert gzip.decompress(layer) == b""


# --- Docker's format -------------------------------------------------------------------------------------------------

DOCKER = "application/vnd.docker"


def test_dockers_format_is_used_throughout(quay):
    image = quay.push("a/b", media_type="docker", platforms={"linux/amd64": {"a": "b"}, "linux/arm64": [b"raw"]})
    assert image.media_type == f"{DOCKER}.distribution.manifest.list.v2+json"
    compressed, plain = children_of(image)
    for child in (compressed, plain):
        assert child["mediaType"] == f"{DOCKER}.distribution.manifest.v2+json"
        assert child["config"]["mediaType"] == f"{DOCKER}.container.image.v1+json"
    assert compressed["layers"][0]["mediaType"] == f"{DOCKER}.image.rootfs.diff.tar.gzip"
    assert plain["layers"][0]["mediaType"] == f"{DOCKER}.image.rootfs.diff.tar"


def test_image_in_dockers_format_is_pulled(ecr, quay):
    image = quay.push("a/b", media_type="docker")
    (pulled,) = pull(ecr, "quay/a/b")["images"]
    assert (pulled["imageManifestMediaType"], pulled["imageManifest"]) == (image.media_type, image.manifest.decode())


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("annotations", {"a": "b"}), ("annotations", {}), ("artifact_type", "a/b"), ("subject", DIGEST_OF_NONE)],
)
def test_dockers_format_has_neither_annotations_nor_artifacts(quay, parameter, value):
    with pytest.raises(ValueError, match=f"Docker's format has no {parameter}"):
        quay.push("a/b", media_type="docker", **{parameter: value})


# --- config, annotations, artifacts ----------------------------------------------------------------------------------


def test_config_is_what_the_configuration_says_of_the_program(quay):
    config = {"Env": ["A=b"], "Entrypoint": ("/app",), "Labels": {"a": "b"}, "Volumes": {"/x": {}}, "Cmd": None}
    image = quay.push("a/b", config=config)
    assert config_of(image)["config"] == {**config, "Entrypoint": ["/app"]}
    assert config_of(quay.push("a/b"))["config"] == {}


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ([], "config must be a mapping such as"),
        ({"Env": {"A": "b"}}, "config['Env'] must be a list of strings such as 'NAME=value'"),
        ({"Env": ["A"]}, "config['Env'] must be a list of strings such as 'NAME=value'"),
        ({"Entrypoint": "/app"}, "config['Entrypoint'] must be a list of strings"),
        ({"Cmd": [1]}, "config['Cmd'] must be a list of strings"),
        ({"Labels": {"a": 1}}, "config['Labels'] must be a mapping of strings to strings"),
        ({"Labels": ["a"]}, "config['Labels'] must be a mapping of strings to strings"),
        ({"User": 0}, "config['User'] must be a string"),
        ({"ExposedPorts": ["80"]}, "config['ExposedPorts'] must be a mapping such as {'80/tcp': {}}"),
        ({"X": {"y": b"z"}}, "config['X']['y'] must be a value that JSON has, not b'z'"),
        ({"X": [float("nan")]}, "config['X'][0] must be a value that JSON has, not nan"),
        ({"X": {1, 2}}, "config['X'] must be a value that JSON has"),
        ({"X": {1: 2}}, "config['X'] has the name 1, which is no string"),
    ],
)
def test_malformed_config_is_a_value_error_that_names_the_member(quay, config, fault):
    with pytest.raises(ValueError, match=r"^config") as caught:
        quay.push("a/b", config=config)
    assert str(caught.value).startswith(fault)


def test_config_that_contains_itself_is_a_value_error(quay):
    config: dict[str, Any] = {}
    config["X"] = config
    with pytest.raises(ValueError, match="config is nested too deep"):
        quay.push("a/b", config=config)


def test_artifact_has_its_type_and_nothing_else_that_it_needs_not(quay):
    image = quay.push("a/b", artifact_type="application/spdx+json")
    manifest = json.loads(image.manifest)
    empty = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": sha256(b"{}"), "size": 2}
    assert (manifest["artifactType"], manifest["config"], manifest["layers"]) == (
        "application/spdx+json",
        empty,
        [empty],
    )
    assert image.layers == (b"{}",)


def test_artifact_with_layers_and_a_config_keeps_them(quay):
    image = quay.push("a/b", artifact_type="application/spdx+json", layers=[b"sbom"], config={"User": "me"})
    assert config_of(image)["config"] == {"User": "me"}
    assert image.layers == (b"sbom",)


def test_annotations_are_those_of_the_manifest(quay):
    image = quay.push("a/b", annotations={"org.opencontainers.image.source": "here"})
    assert json.loads(image.manifest)["annotations"] == {"org.opencontainers.image.source": "here"}
    assert quay.push("a/b", annotations={}) == quay.push("a/b")


def test_subject_is_an_image_or_its_digest(quay):
    image = quay.push("a/b")
    assert quay.push("a/b", tag=None, subject=image.digest) == quay.push("a/b", tag=None, subject=image)


def test_subject_that_is_removed_while_an_image_is_built_is_refused(quay):
    class Slow(PushedImage):
        def build(self, subject: Descriptor | None = None) -> BuiltImage:
            quay.clear()  # as another thread may
            return super().build(subject)

    subject = quay.push("a/b").digest
    slow = Slow(**vars(describe_image("a/b", tag="signature", layers=[b"signature"], has_subject=True)))
    with pytest.raises(ValueError, match=f"The repository 'a/b' holds no image with the digest {subject}"):
        get_upstream("quay.io").push(slow, subject)
    assert quay.images == ()


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"media_type": "zip"}, "media_type must be 'oci' or 'docker', not 'zip'"),
        ({"media_type": None}, "media_type must be 'oci' or 'docker', not None"),
        ({"media_type": []}, r"media_type must be 'oci' or 'docker', not \[\]"),
        ({"compression": "zstd"}, "compression must be 'gzip' or 'none', not 'zstd'"),
        ({"compression": True}, "compression must be 'gzip' or 'none', not True"),
        ({"annotations": {"a": 1}}, "annotations must be a mapping of strings to strings"),
        ({"annotations": {1: "a"}}, "annotations must be a mapping of strings to strings"),
        ({"annotations": [("a", "b")]}, "annotations must be a mapping of strings to strings"),
        ({"artifact_type": "sbom"}, "artifact_type must be a media type such as 'application/spdx.json', not 'sbom'"),
        ({"artifact_type": 1}, "artifact_type must be a media type"),
        ({"subject": "latest"}, "subject must be an image or the digest of one .*, not 'latest'"),
        ({"subject": 1}, "subject must be an image or the digest of one .*, not 1"),
        ({"subject": DIGEST_OF_NONE}, "The repository 'a/b' holds no image with the digest sha256:000"),
        ({"layers": [bytearray(b"x")]}, "layers must be a list of bytes"),
        ({"layers": 5}, "layers must be a list of bytes"),
        ({"tag": 5}, "5 is not a tag"),
    ],
)
def test_malformed_parameter_is_a_value_error_that_names_it(quay, arguments, fault):
    with pytest.raises(ValueError, match=fault):
        quay.push("a/b", **arguments)


# --- names that are a mistake ----------------------------------------------------------------------------------------


def test_name_on_docker_hub_without_a_slash_is_a_value_error_that_says_what_was_meant(in_process):
    with pytest.raises(ValueError, match=r"^Docker Hub has no repository 'alpine': did you mean 'library/alpine'\?$"):
        upstream_registry("docker-hub").push("alpine")
    assert upstream_registry("docker-hub").images == ()


def test_name_of_ecr_is_warned_of_with_the_name_that_was_meant(ecr, quay, caplog):
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="mine", upstreamRegistryUrl="quay.io")
    quay.push("mine/team/app")
    (logged,) = [record for record in caplog.records if record.name == "moto_ecr_ptc"]
    assert logged.levelname == "WARNING"
    assert logged.getMessage() == (
        "The image is in 'mine/team/app' of quay.io, but by the rule 'mine' a pull of 'mine/team/app' from ECR asks "
        "there for 'team/app': did you mean 'team/app'?"
    )


@pytest.mark.parametrize(
    ("upstream_prefix", "repository"), [("mine", "mine/team/app"), ("ROOT", "minefield/app"), ("ROOT", "team/app")]
)
def test_name_that_the_upstream_has_too_is_not_warned_of(ecr, quay, caplog, upstream_prefix, repository):
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="mine", upstreamRegistryUrl="quay.io", upstreamRepositoryPrefix=upstream_prefix
    )
    quay.push(repository)
    assert [record.getMessage() for record in caplog.records if record.name == "moto_ecr_ptc"] == []


def test_rule_for_another_upstream_warns_of_nothing(ecr, quay, caplog):
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="mine", upstreamRegistryUrl="registry.k8s.io")
    quay.push("mine/team/app")
    assert [record.getMessage() for record in caplog.records if record.name == "moto_ecr_ptc"] == []


def test_files_that_were_pushed_are_downloaded_from_ecr(ecr, quay):
    quay.push("a/b", files={"etc/app.conf": "content"})
    (pulled,) = pull(ecr, "quay/a/b")["images"]
    (layer,) = json.loads(pulled["imageManifest"])["layers"]
    from moto.ecr.models import ecr_backends

    held = ecr_backends[ACCOUNT][REGION].held_layer("quay/a/b", layer["digest"])
    assert files_of(held.read()) == {"etc/app.conf": b"content"}
    assert refusal(pull, ecr=ecr, repository="quay/a/c").code == "RepositoryNotFoundException"
