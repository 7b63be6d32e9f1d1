"""How a stack or a call fails: the events of a stack, and the errors of a call."""

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
    """A nested stack could not be created or updated."""

    code = "ValidationError"


class InvalidChangeSetStatus(ServiceException):
    """A change set cannot be executed, or was executed already."""

    code = "InvalidChangeSetStatus"

    def __init__(self, change_set_id: str, status: str) -> None:
        super().__init__(
            f"ChangeSet [{change_set_id}] cannot be executed in its current execution status of [{status}]"
        )


def is_failure(error: Exception) -> bool:
    """Return whether a resource or nested stack failed, rather than the template."""
    return isinstance(error, (ResourceFailure, NestedStackFailure))


def report_failure(stack: Any, error: Exception, resources: StackResources, verb: str) -> str:
    """Add the event of the resource that failed, and return the reason for the rollback.

    :param resources: those that the stack was to have
    :param verb: what was done to the stack: CREATE or UPDATE
    """
    mask = resources.mask()
    if not isinstance(error, ResourceFailure):
        return explain(error, mask)
    resource = error.resource
    name = resource.logical_resource_id
    resource.add_secrets(mask, resources.template_of(name).get("Properties"))
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
    """Add an event about a resource to a stack's events."""
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


def call_error(error: Exception, mask: Mask, stack_id: str = "", done: str = "created") -> Exception:
    """Return the error of a call whose stack could not be created or updated.

    :param stack_id: the stack that failed, if it is nested
    :param done: what was attempted: created or updated
    """
    if isinstance(error, ResourceFailure):
        error.resource.add_secrets(mask, None)
    text = explain(error, mask)
    if is_failure(error):
        return NestedStackFailure(f"Embedded stack {stack_id} was not successfully {done}: {text}")
    if not isinstance(error, (ServiceException, HTTPException)):
        # moto does not check templates, and fails with such errors on malformed ones.
        return ValidationError(message=f"Template error: {mask.text(repr(error))}")
    if text == _message(error) and not isinstance(error, MissingParameterError):  # of another code in older moto
        return error
    return ValidationError(message=text)


def explain(error: Exception, mask: Mask) -> str:
    """Return the message of an error, with secret values masked."""
    return error.reason(mask) if isinstance(error, ResourceFailure) else mask.text(_message(error))


def _message(error: Exception) -> str:
    return str(getattr(error, "message", None) or error)
