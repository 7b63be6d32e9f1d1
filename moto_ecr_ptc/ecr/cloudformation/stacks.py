"""Stacks with resources of this package: moto's, with what moto's have not, a failure path above all.

moto lets a resource's error out of CreateStack and leaves the stack half made. Here such a stack is rolled back: it
ends in ROLLBACK_COMPLETE or UPDATE_ROLLBACK_COMPLETE, and its events carry the service's message, as on AWS. Stacks
without a resource of this package stay as moto has them.

Source: CloudFormation user guide, "Stack status codes" and "Choose how to handle failures when provisioning resources".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, cast

from moto.cloudformation import models as moto_models
from moto.cloudformation import parsing
from moto.cloudformation import urls as moto_urls
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import CloudFormationBackend, cloudformation_backends
from moto.core.base_backend import backend_lock
from moto.core.common_models import CloudFormationModel
from moto.core.exceptions import ServiceException
from werkzeug.exceptions import HTTPException

from .resources import ResourceFailure, ResourceType, replaced

_Event = vars(moto_models).get("Event") or vars(moto_models)["FakeEvent"]  # its name in older versions of moto
_SECRET = "AWS::SecretsManager::Secret"
_is_nested: ContextVar[bool] = ContextVar("_is_nested", default=False)
"""Whether a stack is being made or changed: one that is made meanwhile lies within it."""


class NestedStackFailure(ServiceException):
    """A stack within a stack could not be created."""

    code = "ValidationError"


class StackResources(parsing.ResourceMap):
    """The resources of a stack, for its updates: conditions count, and so does what a property refers to."""

    _plan: dict[str, list[str]] | None = None

    def update(self, template: dict[str, Any], parameters: dict[str, Any] | None = None) -> None:
        self._plan = self._make_plan(template, parameters)
        replacements: list[tuple[ResourceType, ResourceType]] = []
        token = replaced.set(replacements)
        try:
            super().update(template, parameters)
        except Exception:
            for old, new in reversed(replacements):
                new.remove()
                self._parsed_resources[old.logical_resource_id] = old
            raise
        else:
            for old, _ in replacements:
                old.remove()
        finally:
            replaced.reset(token)
            self._plan = None

    def _delete_resource(self, parsed_resource: Any, resource_json: dict[str, Any]) -> None:
        if self._plan is None:
            super()._delete_resource(parsed_resource, resource_json)
            return
        if resource_json.get("DeletionPolicy") != "Retain":  # which moto heeds only when a stack is deleted
            super()._delete_resource(parsed_resource, resource_json)
        # Or moto would take it for one that is there.
        self._parsed_resources.pop(parsed_resource.logical_resource_id, None)

    def build_resource_diff(
        self, other_template: dict[str, Any], parameters: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        return self._plan or super().build_resource_diff(other_template, parameters)

    def _make_plan(self, template: dict[str, Any], parameters: dict[str, Any] | None) -> dict[str, list[str]]:
        conditions = parsing.ResourceMap(
            stack_id=self.stack_id,
            stack_name=self._parsed_resources["AWS::StackName"],
            parameters=parameters or self.input_parameters,
            tags=self.tags,
            region_name=self._region_name,
            account_id=self._account_id,
            template={**template, "Resources": {}, "Outputs": {}},
            cross_stack_resources=self.cross_stack_resources,
        )
        conditions.load()
        new = {
            name: resource
            for name, resource in template["Resources"].items()
            if "Condition" not in resource or conditions.lazy_condition_map[resource["Condition"]]
        }
        here = {name for name in self._resource_json_map if self._parsed_resources.get(name) is not None}
        modified = set(super().build_resource_diff(template, parameters)["Modify"])
        # What is ours knows best whether something changed, for a property may depend on another resource.
        modified |= {name for name, resource in new.items() if _is_ours(resource)}
        return {
            "Add": [name for name in new if name not in here],
            "Modify": sorted(modified & here & set(new), key=lambda name: _rank(new[name])),
            "Remove": sorted(here - set(new), key=lambda name: -_rank(self._resource_json_map[name])),
        }


class _Before(NamedTuple):
    """What a stack was before an update."""

    template: Any
    parameters: dict[str, Any]


class StackBackend(CloudFormationBackend):
    """moto's stacks of one account in one Region."""

    @property
    def _url_module(self) -> Any:
        return moto_urls  # moto looks for one beside this module

    def create_stack(self, *arguments: Any, **options: Any) -> Any:
        """Create a stack. What its resources' services refuse is rolled back. (CreateStack)

        :raises NestedStackFailure: the stack lies within another, and was rolled back and deleted
        """
        name = str(options["name"] if "name" in options else arguments[0])
        before = set(self.stacks)
        nested = _is_nested.get() or name.startswith("StackSet:")
        try:
            with _as_outer_stack():
                return super().create_stack(*arguments, **options)
        except Exception as error:
            stacks = [stack for key, stack in list(self.stacks.items()) if key not in before]
            stack = next((stack for stack in stacks if stack.name == name), None)
            if stack is None or not (_concerns(stack.template_dict) or _is_failure(error)):
                raise
            self._roll_back_creation(stack, error)
            if nested or not _is_failure(error):
                self.delete_stack(stack.stack_id)
                raise _refusal(stack, error) from error
            return stack

    def create_change_set(self, *arguments: Any, **options: Any) -> tuple[str, str]:
        """Create a change set, for a stack that can be changed. (CreateChangeSet)

        :raises ValidationError: the stack's creation was rolled back
        """
        if options.get("change_set_type") == "UPDATE":
            stack = self.get_stack(options["stack_name"])
            if stack.status == "ROLLBACK_COMPLETE":
                raise ValidationError(
                    stack.stack_id,
                    message=f"Stack:{stack.stack_id} is in ROLLBACK_COMPLETE state and can not be updated.",
                )
        return super().create_change_set(*arguments, **options)

    def execute_change_set(self, change_set_name: str, stack_name: str | None = None) -> None:
        """Make the changes of a change set. What is refused is rolled back. (ExecuteChangeSet)"""
        change_set = self._find_change_set(change_set_name, stack_name)
        if change_set is None:
            with _as_outer_stack():
                super().execute_change_set(change_set_name, stack_name)
            return
        stack = self.stacks[change_set.stack_id]
        before = _Before(stack.template, dict(stack.parameters))
        creates = change_set.change_set_type == "CREATE"

        def execute() -> None:
            super(StackBackend, self).execute_change_set(change_set.change_set_id, stack_name)
            # moto leaves these as they were.
            stack._parse_template()
            stack.parameters = change_set.parameters or stack.parameters
            stack.output_map = stack._create_output_map()
            self._export(stack)

        stack.resource_map.__class__ = StackResources
        failure = self._attempt(execute)
        if failure is None:
            return
        change_set.execution_status = "EXECUTE_FAILED"
        if creates:
            stack.template = change_set.template
            self._roll_back_creation(stack, failure)
        else:
            self._roll_back_update(stack, before, failure)
        if not _is_failure(failure):
            if creates:
                self.delete_stack(stack.stack_id)
            raise _refusal(stack, failure) from failure

    def update_stack(self, *arguments: Any, **options: Any) -> Any:
        """Update a stack. What its resources' services refuse is rolled back. (UpdateStack)"""
        stack = self.get_stack(str(options["name"] if "name" in options else arguments[0]))
        template = options["template"] if "template" in options else arguments[1]
        before = _Before(stack.template, dict(stack.parameters))

        def update() -> None:
            super(StackBackend, self).update_stack(*arguments, **options)
            self._export(stack)

        if not (_concerns(_parse(stack, template)) or _concerns(stack.template_dict)):
            with _as_outer_stack():
                return super().update_stack(*arguments, **options)
        stack.resource_map.__class__ = StackResources
        failure = self._attempt(update)
        if failure is not None:
            self._roll_back_update(stack, before, failure)
            if not _is_failure(failure):
                raise _refusal(stack, failure) from failure
        return stack

    def delete_stack(self, name_or_stack_id: str) -> None:
        """Delete a stack. (DeleteStack)"""
        stack = self.stacks.get(name_or_stack_id)
        super().delete_stack(name_or_stack_id)
        if stack is not None and _concerns(stack.template_dict):
            # A look at its outputs would make the resources anew.
            _empty(stack)

    # -----------------------------------------------------------------------------------------------------------------

    def _find_change_set(self, name: str, stack_name: str | None) -> Any:
        """Return a change set of a stack with a resource of this package; None if there is none such.

        moto takes the newest of the name, whatever its stack; but the CDK gives all its change sets one name.
        """
        for change_set in reversed(list(self.change_sets.values())):
            stack = self.stacks.get(change_set.stack_id)
            if stack is None or name not in (change_set.change_set_id, change_set.change_set_name):
                continue
            if stack_name not in (None, stack.name, stack.stack_id):
                continue
            return change_set if _concerns(change_set.template_dict) or _concerns(stack.template_dict) else None
        return None

    def _attempt(self, act: Callable[[], None]) -> Exception | None:
        """Do something to a stack, and return what went wrong."""
        try:
            with _as_outer_stack():
                act()
        except Exception as error:
            return error
        return None

    def _roll_back_creation(self, stack: Any, error: Exception) -> None:
        if not stack.events:  # an export of the resource that failed comes before the first event
            stack._add_stack_event("CREATE_IN_PROGRESS", resource_status_reason="User Initiated")
        reason = _report(stack, error, "CREATE_FAILED")
        stack._add_stack_event("ROLLBACK_IN_PROGRESS", resource_status_reason=reason)
        status = "ROLLBACK_COMPLETE"
        resources = stack.resource_map
        # Without what is none: moto's deletion fails on it.
        resources._resource_json_map = {
            name: resource for name, resource in resources._resource_json_map.items() if isinstance(resource, dict)
        }
        try:
            resources.delete()
        except Exception as fault:  # pragma: no cover (of what a stack just made, moto deletes all)
            status, reason = "ROLLBACK_FAILED", str(fault)
        self._withdraw(stack)
        _empty(stack)
        _end(stack, status, reason)

    def _roll_back_update(self, stack: Any, before: _Before, error: Exception) -> None:
        reason = _report(stack, error, "UPDATE_FAILED")
        stack._add_stack_event("UPDATE_ROLLBACK_IN_PROGRESS", resource_status_reason=reason)
        status = "UPDATE_ROLLBACK_COMPLETE"
        template = _parse(stack, before.template)
        stack.template = before.template
        stack.template_dict = template
        stack.parameters = before.parameters
        resources = stack.resource_map
        resources.__class__ = StackResources
        try:
            resources.update(template, _with_defaults(template, before.parameters))
        except Exception as fault:
            status, reason = "UPDATE_ROLLBACK_FAILED", str(fault)
        stack.output_map = stack._create_output_map()
        self._export(stack)
        _end(stack, status, reason)

    def _export(self, stack: Any) -> None:
        """Have the exports be those of the stack as it is now."""
        self._withdraw(stack)
        for export in stack.exports:
            self.exports[export.name] = export

    def _withdraw(self, stack: Any) -> None:
        for name in [name for name, export in self.exports.items() if export.exporting_stack_id == stack.stack_id]:
            del self.exports[name]


@contextmanager
def _as_outer_stack() -> Iterator[None]:
    """Have stacks that are made meanwhile be nested ones: their failure is that of the stack around them."""
    token = _is_nested.set(True)
    try:
        yield
    finally:
        _is_nested.reset(token)


def register() -> None:
    """Make moto's CloudFormation know the resource types, and use this backend."""
    _register_secret()
    for known in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
        known.cache_clear()
    with backend_lock:
        cloudformation_backends.backend = StackBackend
        for account in cloudformation_backends.values():
            account.backend = StackBackend
            for backend in account.values():
                backend.__class__ = StackBackend


def _register_secret() -> None:
    if any(model.cloudformation_type() == _SECRET for model in CloudFormationModel.__subclasses__()):
        return  # moto has one
    from . import secret  # noqa: F401 (it is registered by being there)


def _is_ours(resource: Any) -> bool:
    """Return whether a resource of a template is of a type of this package."""
    if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
        return False
    return issubclass(parsing.get_model_map().get(resource["Type"], object), ResourceType)


def _concerns(template: Any) -> bool:
    """Return whether a template has a resource of this package."""
    resources = template.get("Resources") if isinstance(template, dict) else None
    return isinstance(resources, dict) and any(map(_is_ours, resources.values()))


def _is_failure(error: Exception) -> bool:
    """Return whether it is a resource that failed, and not the template."""
    return isinstance(error, (ResourceFailure, NestedStackFailure))


def _rank(resource: dict[str, Any]) -> int:
    """Return the place of a resource in an update: rules and templates come after what they may refer to."""
    if not _is_ours(resource):
        return 0
    return 1 if resource["Type"] == _SECRET else 2


def _parse(stack: Any, template: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", stack.parse_template(template) if isinstance(template, str) else template)


def _with_defaults(template: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    slots = template.get("Parameters", {}).items()
    return {**{name: slot["Default"] for name, slot in slots if "Default" in slot}, **parameters}


def _report(stack: Any, error: Exception, status: str) -> str:
    """Add the event of the resource that failed, and return the reason for the rollback."""
    if not isinstance(error, ResourceFailure):
        return str(getattr(error, "message", None) or error)
    resource = error.resource
    event = _Event(
        stack_id=stack.stack_id,
        stack_name=stack.name,
        logical_resource_id=resource.logical_resource_id,
        physical_resource_id=resource.physical_resource_id,
        resource_type=resource.cloudformation_type(),
        resource_status=status,
        resource_status_reason=error.message,
        resource_properties=json.dumps(
            {name: "****" if name == "SecretString" else value for name, value in resource.properties.items()}
        ),
    )
    event.sendToSns(stack.account_id, stack.region_name, stack.notification_arns)
    stack.events.append(event)
    verb = "create" if status.startswith("CREATE") else "update"
    return f"The following resource(s) failed to {verb}: [{resource.logical_resource_id}]."


def _refusal(stack: Any, error: Exception) -> Exception:
    """Return what a call fails with when a stack could not be made."""
    if _is_failure(error):
        return NestedStackFailure(
            f"Embedded stack {stack.stack_id} was not successfully created: {getattr(error, 'message', error)}"
        )
    if isinstance(error, (ServiceException, HTTPException)):
        return error
    # moto fails so on templates that it does not check.
    return ValidationError(stack.stack_id, message=f"Template error: {error!r}")


def _end(stack: Any, status: str, reason: str) -> None:
    stack.status = status
    stack.stack_status_reason = reason
    stack._add_stack_event(status, resource_status_reason=None)


def _empty(stack: Any) -> None:
    """Have a stack consist of nothing any more."""
    resources = stack.resource_map
    for name in resources._resource_json_map:
        resources._parsed_resources.pop(name, None)
    resources._resource_json_map = {}
    stack.output_map = parsing.OutputMap(resources, {}, stack.stack_id)
