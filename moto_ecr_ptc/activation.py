"""Makes moto use this package's ECR, at the moment when moto loads its own.

Nothing here imports moto, boto3 or botocore: a process that never uses ECR pays only for one entry in
``sys.meta_path``.
"""

from __future__ import annotations

import gc
import importlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any
from weakref import WeakSet

OLDEST_MOTO = (5, 1, 2)
"""The first with ``ActionResult`` and ``ServiceException``."""

FIRST_UNSUPPORTED_MOTO = (6,)
"""The next major version of moto may change anything."""

_BACKEND = "moto.ecr.models"
_MOCK = "moto.core.models"
_CLOUDFORMATION = "moto.cloudformation.models"
_MOTO_API = "moto.moto_api._internal.urls"
_SERVER = "moto.moto_server.werkzeug_app"
_THREADED_SERVER = "moto.moto_server.threaded_moto_server"

_SEAMS = {
    _MOCK: ("responses_mock",),
    "moto.core.exceptions": ("AccessDeniedError", "ServiceException", "SignatureDoesNotMatchError"),
    "moto.core.responses": ("ActionResult",),
}
"""What modules that are imported after the backend need of moto: checked before anything changes."""

_servers: WeakSet[Any] = WeakSet()
"""The applications of the moto servers that run in this process."""


class UnsupportedMotoError(RuntimeError):
    """This package does not support the installed moto. Nothing was activated."""


def activate() -> None:
    """Make moto's ECR this package's, now if moto has loaded its ECR, or else as soon as it does.

    Calling it again changes nothing.

    :raises UnsupportedMotoError: moto has loaded its ECR, and it is a version that this package does not support; if
        moto loads its ECR later, that import raises it
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        # A second copy of this module, in a process that imports the package anew, takes the first one's place.
        sys.meta_path[:] = [_Finder(), *(finder for finder in sys.meta_path if not _is_finder_of_a_copy(finder))]
        if _SERVER in sys.modules:
            _servers.update(_find_running_servers())
    for module, act in _TRIGGERS.items():
        if module in sys.modules:
            act()


def server_is_running() -> bool:
    """Return whether a moto server runs in this process."""
    return bool(_servers)


def _load_backend() -> None:
    moto_version = sys.modules["moto"].__version__
    if not _is_supported(moto_version):
        raise _unsupported(moto_version, "a version out of range")
    _forget_backend_of_another_moto()
    try:
        for module, names in _SEAMS.items():
            for name in names:
                if not hasattr(sys.modules[module], name):
                    raise ImportError(f"cannot import name '{name}' from '{module}'")
        # The response class too, so that something missing in moto is found before anything changes.
        importlib.import_module("moto_ecr_ptc.ecr.urls")
        models = importlib.import_module("moto_ecr_ptc.ecr.models")
    except (ImportError, AttributeError) as error:
        raise _unsupported(moto_version, str(error)) from error
    models.register()


def _answer_for_registries() -> None:
    """Lead the requests to the hosts of registries to this package, in process."""
    responses_mock = getattr(sys.modules[_MOCK], "responses_mock", None)
    if responses_mock is None:
        return  # the import of moto's ECR raises the error
    importlib.import_module("moto_ecr_ptc.registry_hosts").register(responses_mock)


def _extend_cloudformation() -> None:
    """Add the resource types to moto's CloudFormation."""
    moto_version = sys.modules["moto"].__version__
    if not _is_supported(moto_version):
        return  # the import of moto's ECR raises the error
    try:
        stacks = importlib.import_module("moto_ecr_ptc.ecr.cloudformation.stacks")
        stacks.register()
    except (ImportError, AttributeError) as error:
        raise _unsupported(moto_version, str(error)) from error


def _extend_moto_api() -> None:
    """Add the calls, the page and the models of this package to moto's own API."""
    if _is_supported(sys.modules["moto"].__version__):
        urls = importlib.import_module("moto_ecr_ptc.ecr.static.urls")
        sys.modules[_MOTO_API].url_paths.update(urls.url_paths)
        importlib.import_module("moto_ecr_ptc.ecr.static.dashboard").register()


def _find_running_servers() -> Iterator[Any]:
    """Yield the applications of the moto servers that were started before the activation."""
    application = sys.modules[_SERVER].DomainDispatcherApplication
    server = importlib.import_module("werkzeug.serving").BaseWSGIServer
    for candidate in gc.get_objects():
        # By type(), since isinstance asks proxy objects for their class, and they may fail.
        if not issubclass(type(candidate), server) or not isinstance(getattr(candidate, "app", None), application):
            continue
        if candidate.socket.fileno() != -1:  # it is closed when the server stops
            yield candidate.app


def _watch_servers() -> None:
    """Register the moto servers that are started from now on, and lead image clients to the registry endpoint."""

    def note(self: Any) -> None:
        _servers.add(self)

    application = sys.modules[_SERVER].DomainDispatcherApplication
    _extend(application, "__init__", note)
    if _is_supported(sys.modules["moto"].__version__):
        importlib.import_module("moto_ecr_ptc.registry_server").register(application)


def _watch_threaded_servers() -> None:
    """Unregister the moto servers that are stopped from now on."""

    def forget(self: Any) -> None:
        _servers.discard(self._server.app)

    _extend(sys.modules[_THREADED_SERVER].ThreadedMotoServer, "stop", forget)


def _extend(owner: type, name: str, act: Callable[[Any], None]) -> None:
    """Call ``act`` after a method of moto's."""
    method = getattr(owner, name)
    if getattr(method, "__module__", None) == __name__:
        if method.__globals__ is globals():
            return
        method = method.__wrapped__  # extended by a copy of this module that the process has dropped

    @wraps(method, assigned=("__doc__", "__name__", "__qualname__"))
    def extended(self: Any, *arguments: Any, **options: Any) -> None:
        method(self, *arguments, **options)
        act(self)

    setattr(owner, name, extended)


_TRIGGERS = {
    _BACKEND: _load_backend,
    _MOCK: _answer_for_registries,
    _CLOUDFORMATION: _extend_cloudformation,
    _MOTO_API: _extend_moto_api,
    _SERVER: _watch_servers,
    _THREADED_SERVER: _watch_threaded_servers,
}
"""The modules of moto that are watched, and what to do as soon as one is loaded."""


def _is_supported(moto_version: str) -> bool:
    numbers = tuple(int(number) for number in re.findall(r"\d+", moto_version)[:3])
    return OLDEST_MOTO <= numbers < FIRST_UNSUPPORTED_MOTO


def _is_finder_of_a_copy(finder: object) -> bool:
    return (type(finder).__module__, type(finder).__qualname__) == (__name__, _Finder.__qualname__)


def _forget_backend_of_another_moto() -> None:
    """Drop this package's modules if they belong to a moto that the process has since imported again."""
    backend = sys.modules.get("moto_ecr_ptc.ecr.models")
    if backend and backend.ecr_backends is not sys.modules[_BACKEND].ecr_backends:
        for name in [name for name in sys.modules if name.startswith("moto_ecr_ptc.ecr")]:
            del sys.modules[name]


def _unsupported(moto_version: str, reason: str) -> UnsupportedMotoError:
    from . import __version__

    oldest, beyond = (".".join(map(str, numbers)) for numbers in (OLDEST_MOTO, FIRST_UNSUPPORTED_MOTO))
    return UnsupportedMotoError(
        f"moto_ecr_ptc {__version__} does not work with the installed moto {moto_version} ({reason}). "
        f"Install a moto >= {oldest}, < {beyond}, or run pytest with '-p no:moto_ecr_ptc'."
    )


class _Finder(MetaPathFinder):
    """Lets other finders load the watched modules, and acts once they are loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _TRIGGERS:
            return None
        # Finders from before Python 3.4 have no find_spec, and do not find moto's modules.
        others = (finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec"))
        spec = next(filter(None, (finder.find_spec(fullname, path, target) for finder in others)), None)
        if spec and spec.loader:  # pragma: no branch (every moto so far has this module)
            spec.loader = _ActivatingLoader(spec.loader, _TRIGGERS[fullname])
        return spec


class _ActivatingLoader(Loader):
    def __init__(self, loader: Loader, act: Callable[[], None]) -> None:
        self._loader = loader
        self._act = act

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # From here on the module looks as if its own loader had loaded it directly.
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._act()
