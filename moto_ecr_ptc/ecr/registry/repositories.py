"""Repositories at the registry endpoint: their names, and those that a push creates.

Source: Amazon ECR user guide, "Creating a repository on push".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from moto.core.base_backend import backend_lock
from moto.core.utils import get_service_model
from moto.ecr.exceptions import InvalidParameterException, RepositoryNotFoundException
from moto.ecr.models import Repository

from ..images.repositories import CREATE_ON_PUSH
from ..validation import find_violation_of
from .auth import Access
from .errors import RepositoryNotCreated


def check(member: str, value: object, shape: str) -> None:
    """Check a value as the API checks the member of its requests.

    :param shape: the member's shape in ECR's service model
    :raises InvalidParameterException: it violates the shape's constraints
    """
    violation = find_violation_of(value, get_service_model("ecr").shape_for(shape), member)
    if violation:
        raise InvalidParameterException(violation)


def find(access: Access, name: str, action: str) -> Repository:
    """Return a repository on which the caller may take an action.

    :raises ActionNotAllowed: the caller may not
    :raises RepositoryNotFoundException: it does not exist
    """
    with backend_lock:
        access.require(action, name)
        return access.backend._get_repository(name)  # noqa: SLF001 (moto's check)


def check_target(access: Access, name: str, action: str) -> None:
    """Check that the caller may push into a repository: one that exists, or that a template creates on push.

    The caller needs the right to create it, and to tag it if the template has tags.

    :raises ActionNotAllowed: the caller may not push, or may not create the repository
    :raises RepositoryNotFoundException: it does not exist, and no template creates it
    """
    with backend_lock:
        access.require(action, name)
        backend = access.backend
        if name in backend.repositories:
            return
        template = backend.new_repositories.find_template(name, CREATE_ON_PUSH)
        if template is None:
            raise RepositoryNotFoundException(name, backend.account_id)
        for right in ("ecr:CreateRepository", "ecr:TagResource")[: 2 if template.resource_tags else 1]:
            access.require(right, name)
        obstacle = backend.new_repositories.find_obstacle(name, CREATE_ON_PUSH, enforced=access.caller is not None)
        if obstacle:
            raise RepositoryNotCreated(name, backend.registry, obstacle)


@contextmanager
def target(access: Access, name: str, action: str) -> Iterator[Repository]:
    """Yield the repository to push into, created if a template says so, with moto's lock held.

    If the body of ``with`` fails, a repository that was created for it goes again. The errors are those of
    ``check_target``.
    """
    with backend_lock:
        check_target(access, name, action)
        backend = access.backend
        existing = backend.repositories.get(name)
        repository = existing or backend.new_repositories.create(name, CREATE_ON_PUSH)
        try:
            yield repository
        except BaseException:
            if existing is None:
                backend.delete_repository(name, force=True)
            raise
