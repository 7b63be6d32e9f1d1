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

_STAND_INS: dict[str, dict[str, Any]] = {
    "fail": {},
    "load": {"path": os.devnull, "repository": "a/b"},
    "proxy": {"url": "http://127.0.0.1:1"},
    "push": {"repository": "a/b"},
}
"""Arguments for the required parameters of methods, with which another argument is tried by itself."""

_INNERMOST = 10
"""How many keys and positions lead to the innermost part that a message names: to a file of a platform, 8 do."""


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
class _MethodStep:
    """A call of a method whose arguments are declared one by one."""

    declared: Value
    method: str
    arguments: Mapping[str, Any]
    places: Mapping[str, Value]
    """Where each argument is declared."""

    def perform(self, handle: UpstreamRegistry) -> None:
        """Make the call.

        :raises ValueError: the handle refuses it; the message names the file, the line and the key
        """
        try:
            getattr(handle, self.method)(**self.arguments)
        except ValueError as error:
            raise self._culprit(str(error)).fault(str(error)) from None

    def _culprit(self, message: str) -> Value:
        """Return what a registry refuses by itself, with this message: the call if it takes several arguments."""
        for name, argument in self.arguments.items():
            is_refused = partial(self._is_refused, message, name)
            if is_refused(argument):
                return _culprit_in(self.places[name], argument, is_refused)
        return self.declared

    def _is_refused(self, message: str, name: str, argument: object) -> bool:
        from .ecr.configuration.upstream_registries import registry_url
        from .ecr.upstream.registry import Upstream

        handle = _HandleOf(Upstream(registry_url(str(self.declared.path[0]))))
        try:
            getattr(handle, self.method)(**{**_STAND_INS[self.method], name: argument})
        except ValueError as error:
            return str(error) == message
        return False


def _culprit_in(value: Value, content: object, is_refused: Callable[[Any], bool]) -> Value:
    """Return the innermost part of a value that is refused by itself.

    :param content: what stands for the value in the call
    """
    if len(value.path) == _INNERMOST:
        return value
    if isinstance(content, dict):
        for name, member in content.items():
            if is_refused({name: member}):
                return _culprit_in(_part(value, name), member, partial(_is_refused_in_mapping, is_refused, name))
    if isinstance(content, list):
        for index, element in enumerate(content):
            if is_refused([element]):
                return _culprit_in(value.part(index), element, partial(_is_refused_in_list, is_refused))
    return value


def _part(value: Value, name: str) -> Value:
    """Return what stands for a member of a mapping: for a platform, the files or the layers in its table."""
    part = value.part(name)
    if value.path[3:] != ("platforms",):
        return part
    (contents,) = part.members().values()
    return contents


def _is_refused_in_mapping(is_refused: Callable[[Any], bool], name: str, member: object) -> bool:
    return is_refused({name: member})


def _is_refused_in_list(is_refused: Callable[[Any], bool], element: object) -> bool:
    return is_refused([element])


@dataclass(frozen=True)
class Declaration:
    """The upstream registries of one file."""

    steps: Mapping[str, Sequence[_Step | _MethodStep]]
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
    steps: dict[str, list[_Step | _MethodStep]] = {}
    for name, registry in read_document(Path(path)).members().items():
        try:
            url = registry_url(name)
        except ValueError as error:
            raise registry.fault(str(error)) from None
        if url in steps:
            raise registry.fault(f"the registry '{url}' is declared above already, by its other name")
        steps[url] = list(_steps_of(registry.members(_REGISTRY)))
    return Declaration(steps)


def _steps_of(registry: Mapping[str, Value]) -> Iterator[_Step | _MethodStep]:
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


def _pushes(image: Value) -> Iterator[_MethodStep]:
    """Yield a push for each tag of an image."""
    members = image.members(_IMAGE, required=["repository"])
    arguments = {"repository": members["repository"].check(str)}
    arguments.update({name: members[name].check(kind) for name, kind in _PARAMETERS.items() if name in members})
    arguments.update(_contents(members))
    if "platforms" in members:
        arguments["platforms"] = _platforms(members["platforms"])
    if not {"tag", "tags"} & members.keys():
        yield _MethodStep(image, "push", arguments, members)
    elif "tags" in members and not members["tags"].elements():  # reachable by its digest
        yield _MethodStep(image, "push", {**arguments, "tag": None}, members)
    for tag in _tags(members):
        yield _MethodStep(image, "push", {**arguments, "tag": tag.check(str)}, {**members, "tag": tag})


def _tags(image: Mapping[str, Value]) -> list[Value]:
    if "tag" in image and "tags" in image:
        raise image["tags"].fault("an image has 'tag' or 'tags', not both")
    return [image["tag"]] if "tag" in image else _elements(image, "tags")


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


def _load(layout: Value) -> _MethodStep:
    members = layout.members(("path", "repository", "tag"), required=["path", "repository"])
    arguments = {name: value.check(str) for name, value in members.items()}
    return _MethodStep(layout, "load", {**arguments, "path": members["path"].path_of_file()}, members)


def _proxy(proxy: Value) -> _MethodStep:
    if isinstance(proxy.check(str, dict), str):
        return _MethodStep(proxy, "proxy", {"url": proxy.content}, {"url": proxy})
    members = proxy.members(("url", "timeout"), required=["url"])
    arguments = {"url": members["url"].check(str)}
    if "timeout" in members:
        arguments["timeout"] = members["timeout"].check(int, float)
    return _MethodStep(proxy, "proxy", arguments, members)


def _failure(failure: Value) -> _MethodStep:
    kinds = {"repository": str, "status": int, "error": str, "times": int}
    members = failure.members(tuple(kinds))
    arguments = {name: value.check(kinds[name]) for name, value in members.items()}
    return _MethodStep(failure, "fail", arguments, members)
