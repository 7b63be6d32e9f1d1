"""Files that declare upstream registries: what each holds, which credentials it accepts, how it fails.

A file is read and tried out as a whole before anything is changed by it. What it says is done by the public handle, so
that the handle's checks are the file's.

Nothing here imports a parser until a file is loaded: importing this package must stay cheap.
"""

from __future__ import annotations

import base64
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .upstream_handle import UpstreamRegistry, upstream_registry

if TYPE_CHECKING:
    from .declaration_files import Value
    from .ecr.upstream.registry import Upstream

_LOG = logging.getLogger("moto_ecr_ptc")

_REGISTRY = ("credentials", "failures", "images", "layouts", "proxy", "strict")
_PARAMETERS = {
    "annotations": dict,
    "artifact_type": str,
    "compression": str,
    "config": dict,
    "media_type": str,
    "subject": str,
}
"""The keys of an image that are parameters of ``push`` as they stand."""

_IMAGE = ("repository", "tag", "tags", "files", "layers", "platforms", *_PARAMETERS)
_CONTENT = ("file", "base64")


@dataclass(frozen=True)
class _Step:
    """One of the calls that a declaration stands for."""

    declared: Value
    call: Callable[[Any], object]
    """Makes the call, given the handle of an upstream registry."""

    def perform(self, handle: UpstreamRegistry) -> None:
        """Make the call.

        :raises ValueError: the handle refuses it; the message names the file, the line and the key
        """
        try:
            self.call(handle)
        except ValueError as error:
            raise self.declared.fault(str(error)) from None


@dataclass(frozen=True)
class Declaration:
    """The upstream registries of one file."""

    steps: Mapping[str, Sequence[_Step]]
    """What is done with each registry, by its URL."""

    def perform(self, handle_of: Callable[[str], UpstreamRegistry]) -> None:
        """Set up the registries.

        :param handle_of: returns the handle of the registry with a URL
        :raises ValueError: a handle refuses something
        """
        for url, steps in self.steps.items():
            handle = handle_of(url)
            for step in steps:
                step.perform(handle)


def load_upstreams(path: str | os.PathLike[str], *, endpoint_url: str | None = None) -> None:
    """Set up upstream registries as a file declares them, in addition to what they hold already.

    :param path: a TOML file (``.toml``) or a JSON file (``.json``), as docs/upstream-registries.md describes it
    :param endpoint_url: of a moto server; by default it is the moto of this process, or, with TEST_SERVER_MODE, the
        server of TEST_SERVER_MODE_ENDPOINT
    :raises ValueError: there is no such file, or it is malformed; the message names the file, the line and the key, and
        nothing was changed
    :raises RuntimeError: neither a mock nor a server runs in this process
    """
    declaration = read_declaration(path)
    rehearse([declaration])
    options = {} if endpoint_url is None else {"endpoint_url": endpoint_url}
    declaration.perform(partial(upstream_registry, **options))


def declare_at_each_reset(paths: Iterable[str]) -> None:
    """Have this process's moto hold what files declare: from now on, and again after each reset.

    :raises ValueError: a file is missing or malformed, or one contradicts another
    """
    from .ecr.upstream.registry import declared_contents

    declarations = [read_declaration(path) for path in paths]
    rehearse(declarations)
    declared_contents.extend(partial(_perform_or_log, declaration) for declaration in declarations)


def _perform_or_log(declaration: Declaration, find: Callable[[str], Upstream]) -> None:
    try:
        declaration.perform(lambda url: _HandleOf(find(url)))
    except ValueError as error:  # an OCI image layout that has changed since the start: a reset must not fail
        _LOG.error("The declared upstream registries are incomplete: %s", error)


def rehearse(declarations: Iterable[Declaration]) -> None:
    """Try declarations out, one after the other, without changing any moto.

    :raises ValueError: a handle refuses something
    """
    from .ecr.upstream.registry import Upstream

    handles: dict[str, UpstreamRegistry] = {}
    for declaration in declarations:
        declaration.perform(lambda url: handles.setdefault(url, _HandleOf(Upstream(url))))


class _HandleOf(UpstreamRegistry):
    """The handle of one object, instead of that in moto's state."""

    def __init__(self, upstream: Upstream) -> None:
        super().__init__(upstream.url)
        self._object = upstream

    def _upstream(self) -> Upstream:
        return self._object


def read_declaration(path: str | os.PathLike[str]) -> Declaration:
    """Read a file.

    :raises ValueError: it is missing or malformed
    """
    from .declaration_files import read_document
    from .ecr.configuration.upstream_registries import registry_url

    if not isinstance(path, (str, os.PathLike)):
        raise ValueError(f"path must be that of a TOML or JSON file, not {path!r}")
    steps: dict[str, list[_Step]] = {}
    for name, registry in read_document(Path(path)).members().items():
        try:
            url = registry_url(name)
        except ValueError as error:
            raise registry.fault(str(error)) from None
        if url in steps:
            raise registry.fault(f"the registry '{url}' is declared above already, by its other name")
        steps[url] = list(_steps_of(registry.members(_REGISTRY)))
    return Declaration(steps)


def _steps_of(registry: Mapping[str, Value]) -> Iterator[_Step]:
    """Yield the calls for a registry, in the order in which they are made."""
    for other in ("images", "layouts", "strict"):
        if "proxy" in registry and other in registry:
            raise registry[other].fault("a proxy holds no images: declare either this or 'proxy'")
    if "strict" in registry and registry["strict"].check(bool):
        yield _Step(registry["strict"], lambda handle: handle.clear())
    if "credentials" in registry:
        yield _credentials(registry["credentials"])
    for image in _elements(registry, "images"):
        yield from _pushes(image)
    for layout in _elements(registry, "layouts"):
        yield _load(layout)
    if "proxy" in registry:
        yield _proxy(registry["proxy"])
    for failure in _elements(registry, "failures"):
        yield _failure(failure)


def _elements(members: Mapping[str, Value], name: str) -> list[Value]:
    return members[name].elements() if name in members else []


def _credentials(declared: Value) -> _Step:
    credentials = declared.check(dict)

    def accept(handle: UpstreamRegistry) -> None:
        handle.credentials = credentials

    return _Step(declared, accept)


def _pushes(image: Value) -> Iterator[_Step]:
    """Yield a push for each tag of an image."""
    members = image.members(_IMAGE, required=["repository"])
    repository = members["repository"].check(str)
    arguments = {name: members[name].check(kind) for name, kind in _PARAMETERS.items() if name in members}
    arguments.update(_contents(members))
    if "platforms" in members:
        arguments["platforms"] = _platforms(members["platforms"])
    for tag in _tags(members):
        yield _Step(image, partial(_push, repository, {"tag": tag, **arguments}))


def _push(repository: str, arguments: Mapping[str, Any], handle: Any) -> None:
    handle.push(repository, **arguments)


def _tags(image: Mapping[str, Value]) -> list[str | None]:
    if "tags" not in image:
        return [image["tag"].check(str) if "tag" in image else "latest"]
    if "tag" in image:
        raise image["tags"].fault("an image has 'tag' or 'tags', not both")
    # Without any, the image is reachable by its digest.
    return [tag.check(str) for tag in image["tags"].elements()] or [None]


def _platforms(platforms: Value) -> Any:
    """Return the names of platforms, or what the image of each holds."""
    if isinstance(platforms.content, list):
        return [platform.check(str) for platform in platforms.elements()]
    return {name: _contents_of_platform(platform) for name, platform in platforms.members().items()}


def _contents_of_platform(platform: Value) -> Any:
    members = platform.members(("files", "layers"))
    if len(members) != 1:
        raise platform.fault("a platform has either 'files' or 'layers'")
    (contents,) = _contents(members).values()
    return contents


def _contents(members: Mapping[str, Value]) -> dict[str, Any]:
    """Return the layers and the files of an image, or of its image for one platform."""
    contents: dict[str, Any] = {}
    if "layers" in members:
        contents["layers"] = [_bytes(layer) for layer in members["layers"].elements()]
    if "files" in members:
        contents["files"] = _files(members["files"])
    return contents


def _files(files: Value) -> Any:
    """Return the files of one layer, or of each of several."""
    if isinstance(files.content, list):
        return [_files_of_layer(layer) for layer in files.elements()]
    return _files_of_layer(files)


def _files_of_layer(files: Value) -> dict[str, bytes]:
    return {name: _bytes(content) for name, content in files.members().items()}


def _bytes(content: Value) -> bytes:
    """Return what a string stands for, or a table with the name of a file or with base64."""
    if isinstance(content.check(str, dict), str):
        try:
            return str(content.content).encode()
        except UnicodeEncodeError:  # half of a surrogate pair, which JSON can express
            raise content.fault("it is text that UTF-8 cannot express") from None
    members = content.members(_CONTENT)
    if len(members) != 1:
        raise content.fault("it must have either 'file' or 'base64'")
    if "file" in members:
        return members["file"].read_file()
    try:
        return base64.b64decode(members["base64"].check(str), validate=True)
    except ValueError:
        raise members["base64"].fault("it is not base64") from None


def _load(layout: Value) -> _Step:
    members = layout.members(("path", "repository", "tag"), required=["path", "repository"])
    path, repository = members["path"].path_of_file(), members["repository"].check(str)
    options = {"tag": members["tag"].check(str)} if "tag" in members else {}
    return _Step(layout, lambda handle: handle.load(path, repository, **options))


def _proxy(proxy: Value) -> _Step:
    if isinstance(proxy.content, str):
        return _Step(proxy, lambda handle: handle.proxy(proxy.content))
    proxy.check(str, dict)
    members = proxy.members(("url", "timeout"), required=["url"])
    url = members["url"].check(str)
    options = {"timeout": members["timeout"].check(int, float)} if "timeout" in members else {}
    return _Step(proxy, lambda handle: handle.proxy(url, **options))


def _failure(failure: Value) -> _Step:
    kinds = {"repository": str, "status": int, "error": str, "times": int}
    arguments = {name: value.check(kinds[name]) for name, value in failure.members(tuple(kinds)).items()}
    return _Step(failure, lambda handle: handle.fail(**arguments))
