"""How a stack or a call fails: the events of what failed, and the error that a call comes back with."""

from __future__ import annotations

import json
from typing import Any

from moto.cloudformation import models as moto_models
from moto.cloudformation.exceptions import MissingParameterError, ValidationError
from moto.core.exceptions import ServiceException
from werkzeug.exceptions import HTTPException

from .masking import Mask
from .resources import ResourceFailure
from .stack_resources import StackResources

_Event = vars(moto_models).get("Event") or vars(moto_models)["FakeEvent"]  # its name in older versions of moto


class NestedStackFailure(ServiceException):
    """A stack within a stack could not be created or updated."""

    code = "ValidationError"


class InvalidChangeSetStatus(ServiceException):
    """A change set cannot be executed, or not once more."""

    code = "InvalidChangeSetStatus"

    def __init__(self, change_set_id: str, status: str) -> None:
        super().__init__(
            f"ChangeSet [{change_set_id}] cannot be executed in its current execution status of [{status}]"
        )


def is_failure(error: Exception) -> bool:
    """Return whether it is a resource that failed, and not the template."""
    return isinstance(error, (ResourceFailure, NestedStackFailure))


def report(stack: Any, error: Exception, resources: StackResources, verb: str) -> str:
    """Add the event of the resource that failed, and return the reason for the rollback.

    :param resources: what the stack was to become
    :param verb: CREATE or UPDATE, of the stack
    """
    mask = resources.mask()
    if not isinstance(error, ResourceFailure):
        return explain(error, mask)
    resource = error.resource
    name = resource.logical_resource_id
    resource.teach(mask, resources.template_of(name).get("Properties"))
    is_new = name not in stack.resource_map.present() if verb == "UPDATE" else True
    add_event(
        stack,
        name,
        resource,
        "CREATE_FAILED" if is_new else "UPDATE_FAILED",
        error.reason(mask),
        json.dumps(resource.masked_properties(mask), default=str),
    )
    found = f"The following resource(s) failed to {'create' if is_new else 'update'}: [{name}]. "
    return f"{found}Rollback requested by user." if verb == "CREATE" else found


def add_event(stack: Any, name: str, resource: Any, status: str, reason: str, properties: str | None = None) -> None:
    """Add an event of a resource to a stack's."""
    event = _Event(
        stack_id=stack.stack_id,
        stack_name=stack.name,
        logical_resource_id=name,
        physical_resource_id=getattr(resource, "physical_resource_id", ""),
        resource_type=getattr(resource, "cf_resource_type", None) or getattr(resource, "type", ""),
        resource_status=status,
        resource_status_reason=reason,
        resource_properties=properties,
    )
    event.sendToSns(stack.account_id, stack.region_name, stack.notification_arns)
    stack.events.append(event)


def refusal(error: Exception, mask: Mask, stack_id: str = "", done: str = "created") -> Exception:
    """Return what a call fails with when a stack could not be made.

    :param stack_id: the stack that failed, where another lies around it
    :param done: what it was not, created or updated
    """
    if isinstance(error, ResourceFailure):
        error.resource.teach(mask, None)
    text = explain(error, mask)
    if is_failure(error):
        return NestedStackFailure(f"Embedded stack {stack_id} was not successfully {done}: {text}")
    if not isinstance(error, (ServiceException, HTTPException)):
        # moto fails so on templates that it does not check.
        return ValidationError(message=f"Template error: {mask.text(repr(error))}")
    if text == _message(error) and not isinstance(error, MissingParameterError):  # of another code in older moto
        return error
    return ValidationError(message=text)


def explain(error: Exception, mask: Mask) -> str:
    """Return what an error says, without what must not be shown."""
    return error.reason(mask) if isinstance(error, ResourceFailure) else mask.text(_message(error))


def _message(error: Exception) -> str:
    return str(getattr(error, "message", None) or error)
