"""The images that users push: what they may say of one, and the image that it makes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Union

from ..images.manifests import Descriptor
from .built_images import (
    DEFAULT_PLATFORM,
    EMPTY_CONTENT,
    BuiltImage,
    Details,
    build_image,
    build_index,
    default_archive,
    is_platform,
)
from .file_layers import Files, compress, is_compressed, pack_files
from .image_config import checked_config
from .names import check_repository, check_tag

Layers = Sequence[bytes]
Platforms = Union[Sequence[str], Mapping[str, Union[Layers, Files]]]
"""The platforms of an index, alone or with the layers or files of each."""

MediaType = Literal["oci", "docker"]
Compression = Literal["gzip", "none"]

_MEDIA_TYPES = ("oci", "docker")
_COMPRESSIONS = ("gzip", "none")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][\w!#$&^.+-]{0,126}/[A-Za-z0-9][\w!#$&^.+-]{0,126}", re.ASCII)
"""Source: RFC 6838, section 4.2."""


@dataclass(frozen=True)
class PushedImage:
    """An image, or an index of images, that a user describes."""

    repository: str
    tag: str | None
    layers: tuple[bytes, ...]
    """The layers, compressed as they are stored; none of an index."""

    platforms: Mapping[str, tuple[bytes, ...]] | None
    """The layers of each image in an index."""

    details: Details

    def build(self, subject: Descriptor | None = None) -> BuiltImage:
        """Return the image. The same description always makes the same bytes.

        :param subject: what it refers to
        """
        if self.platforms is None:
            return build_image(self.layers, DEFAULT_PLATFORM, subject, self.details)
        # What describes an artifact is about the index, and what describes a program about each image in it.
        of_children = self.details._replace(annotations=None, artifact_type=None)
        children = {
            platform: build_image(layers, platform, None, of_children) for platform, layers in self.platforms.items()
        }
        return build_index(children, subject, self.details)


def describe_image(
    repository: str,
    *,
    tag: str | None = "latest",
    layers: Layers | None = None,
    files: Files | None = None,
    platforms: Platforms | None = None,
    config: Mapping[str, Any] | None = None,
    media_type: MediaType = "oci",
    compression: Compression | None = None,
    annotations: Mapping[str, str] | None = None,
    artifact_type: str | None = None,
    has_subject: bool = False,
) -> PushedImage:
    """Return the image that a user describes. The parameters are those of the public ``push``.

    :raises ValueError: one is malformed, or they contradict each other
    """
    check_repository(repository)
    if tag is not None:
        check_tag(tag)
    _check_choice("media_type", media_type, _MEDIA_TYPES)
    if compression is not None:
        _check_choice("compression", compression, _COMPRESSIONS)
    if layers is not None and files is not None:
        raise ValueError("push takes layers or files, not both")
    details = Details(
        media_type, checked_config(config), _checked_annotations(annotations), _checked_artifact_type(artifact_type)
    )
    if media_type == "docker":
        _check_docker(details, has_subject)

    def contents(platform: str) -> tuple[bytes, ...]:
        if layers is not None:
            return _given_layers(layers, "layers", compression)
        if files is not None:
            return _layers_of_files(files, "files", compression)
        return _layers_of_archives([default_archive(repository, tag, platform)], compression)

    if platforms is not None:
        for name, given in (("layers", layers), ("files", files)):
            if given is not None:
                raise ValueError(
                    f"push takes {name} or platforms, not both: "
                    "platforms can be a mapping of each to its layers or files"
                )
        return PushedImage(repository, tag, (), _of_platforms(platforms, contents, compression), details)
    if artifact_type is not None and layers is None and files is None:
        return PushedImage(repository, tag, (EMPTY_CONTENT,), None, details)
    return PushedImage(repository, tag, contents(DEFAULT_PLATFORM), None, details)


def _of_platforms(
    platforms: object, default: Callable[[str], tuple[bytes, ...]], compression: Compression | None
) -> dict[str, tuple[bytes, ...]]:
    given = platforms if isinstance(platforms, Mapping) else _items(platforms)
    if not given:
        raise ValueError(
            "platforms must be a list of platforms such as 'linux/amd64', or a mapping of each to its layers or files"
        )
    for platform in given:
        if not is_platform(platform):
            raise ValueError(f"{platform!r} is not a platform such as 'linux/amd64' or 'linux/arm/v7'")
    if len(set(given)) < len(given):
        raise ValueError("a platform is given twice")
    if not isinstance(given, Mapping):
        return {platform: default(platform) for platform in given}
    return {
        platform: _layers_or_files(contents, f"platforms[{platform!r}]", compression)
        for platform, contents in given.items()
    }


def _layers_or_files(contents: object, parameter: str, compression: Compression | None) -> tuple[bytes, ...]:
    items = _items(contents)
    if isinstance(contents, Mapping) or (items and isinstance(items[0], Mapping)):
        return _layers_of_files(contents, parameter, compression)
    if items is None or not all(isinstance(item, bytes) for item in items):
        raise ValueError(
            f"{parameter} must be a list of bytes, a mapping of paths to contents, or a list of such mappings"
        )
    return _given_layers(contents, parameter, compression)


def _given_layers(layers: object, parameter: str, compression: Compression | None) -> tuple[bytes, ...]:
    given = _items(layers)
    if given is None or not all(isinstance(layer, bytes) for layer in given):
        raise ValueError(f"{parameter} must be a list of bytes")
    if compression != "gzip":
        return tuple(given)
    return tuple(layer if is_compressed(layer) else compress(layer) for layer in given)


def _layers_of_files(files: object, parameter: str, compression: Compression | None) -> tuple[bytes, ...]:
    return _layers_of_archives(pack_files(files, parameter), compression)


def _layers_of_archives(archives: Sequence[bytes], compression: Compression | None) -> tuple[bytes, ...]:
    return tuple(archives) if compression == "none" else tuple(compress(archive) for archive in archives)


def _items(value: object) -> Sequence[Any] | None:
    """Return the items of a list; None if it is none, as text and bytes are not."""
    return value if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)) else None


def _check_choice(parameter: str, value: object, choices: Sequence[str]) -> None:
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{parameter} must be {' or '.join(map(repr, choices))}, not {value!r}")


def _check_docker(details: Details, has_subject: bool) -> None:
    for parameter, is_given in (
        ("annotations", details.annotations is not None),
        ("artifact_type", details.artifact_type is not None),
        ("subject", has_subject),
    ):
        if is_given:
            raise ValueError(f"Docker's format has no {parameter}: media_type must be 'oci' for it")


def _checked_annotations(annotations: object) -> dict[str, str] | None:
    if annotations is None:
        return None
    if not isinstance(annotations, Mapping) or not all(
        isinstance(text, str) for text in (*annotations, *annotations.values())
    ):
        raise ValueError("annotations must be a mapping of strings to strings")
    return dict(sorted(annotations.items()))


def _checked_artifact_type(artifact_type: object) -> str | None:
    if artifact_type is not None and not (isinstance(artifact_type, str) and _MEDIA_TYPE.fullmatch(artifact_type)):
        raise ValueError(f"artifact_type must be a media type such as 'application/spdx+json', not {artifact_type!r}")
    return artifact_type
