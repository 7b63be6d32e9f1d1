"""Stacks with resources of this package: moto's stacks, extended with rollbacks above all.

In moto, the error of a resource comes out of CreateStack and leaves an incomplete stack. Here such a stack is rolled
back: it ends in ROLLBACK_COMPLETE or UPDATE_ROLLBACK_COMPLETE, and its events carry the service's message, as on AWS. A
call that fails changes nothing. moto handles stacks without a resource of this package as it always does.

Source: CloudFormation user guide, "Stack status codes" and "Choose how to handle failures when provisioning resources".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any, NamedTuple

from moto.cloudformation import parsing
from moto.cloudformation import urls as moto_urls
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import CloudFormationBackend, cloudformation_backends
from moto.cloudformation.utils import get_stack_from_s3_url
from moto.core.base_backend import backend_lock
from moto.core.common_models import CloudFormationModel

from .failures import InvalidChangeSetStatus, add_event, call_error, explain, is_failure, report_failure
from .masking import Mask, mask_parameters
from .stack import (
    ShownChangeSet,
    adopt,
    check_creatable,
    check_outputs,
    check_updatable,
    delete_instance,
    empty,
    end,
    roll_back,
    tracked_stacks,
)
from .stack_resources import StackResources
from .template_format import check_template, check_types, has_own_resource, parse_template
from .update import Update

_SECRET = "AWS::SecretsManager::Secret"
_is_nested: ContextVar[bool] = ContextVar("_is_nested", default=False)
"""Whether a stack is being created or updated: a stack that is created in the process is nested in it."""


class _Plan(NamedTuple):
    """The state that a stack is to reach."""

    body: Any
    template: dict[str, Any]
    parameters: dict[str, Any]
    resources: StackResources


class StackBackend(CloudFormationBackend):
    """moto's stacks of one account in one Region."""

    @property
    def _url_module(self) -> Any:
        return moto_urls  # moto looks for one beside this module

    def create_stack(
        self, name: str, template: Any, parameters: dict[str, Any], *arguments: Any, **options: Any
    ) -> Any:
        """Create a stack, or roll it back if a service refuses a resource. (CreateStack)

        :raises ValidationError: the template is malformed
        :raises NestedStackFailure: the stack is nested in another, and was rolled back and deleted
        """
        document = _read(template)
        ours = has_own_resource(document)
        if ours:
            check_template(document)
        before = set(self.stacks)
        nested = _is_nested.get() or name.startswith("StackSet:")
        try:
            with _as_outer_stack():
                stack = super().create_stack(name, template, parameters, *arguments, **options)
                if ours:
                    check_outputs(stack.resource_map, document, stack.stack_id, self.exports)
        except Exception as error:
            made = [made for key, made in list(self.stacks.items()) if key not in before and made.name == name]
            if not made and ours:
                raise call_error(error, _mask(document, parameters)) from None
            if not made or not (ours or is_failure(error)):
                raise
            mask = self._roll_back_creation(made[0], error)
            if nested or not is_failure(error):
                self.delete_stack(made[0].stack_id)
                raise call_error(error, mask, made[0].stack_id) from None
            return made[0]
        if ours:
            adopt(stack)
        return stack

    def create_change_set(
        self,
        stack_name: str,
        change_set_name: str,
        template: Any,
        parameters: dict[str, Any],
        description: str,
        change_set_type: str,
        *arguments: Any,
        **options: Any,
    ) -> tuple[str, str]:
        """Create a change set, if its stack can be created or updated. (CreateChangeSet)

        :raises ValidationError: the template is malformed, the stack's status does not allow the change, or the change
            set imports resources
        """
        stack = self.get_stack(stack_name) if change_set_type == "UPDATE" else None
        if has_own_resource(_read(template)) or (stack and has_own_resource(stack.template_dict)):
            if change_set_type not in ("CREATE", "UPDATE"):
                raise ValidationError(
                    message=f"ChangeSetType {change_set_type} is not supported for stacks with resources of the types "
                    "AWS::ECR::PullThroughCacheRule, AWS::ECR::RepositoryCreationTemplate, AWS::SecretsManager::Secret"
                )
            if stack:
                check_updatable(stack)
            else:
                check_creatable(self.stacks.values(), stack_name, change_set_name)
            # To check the template: the plan is made again when the change set is executed.
            self._plan(stack or self._placeholder_stack(stack_name), template, parameters)
        return super().create_change_set(
            stack_name, change_set_name, template, parameters, description, change_set_type, *arguments, **options
        )

    def describe_change_set(self, change_set_name: str) -> Any:
        """Return a change set; parameters with NoEcho are masked. (DescribeChangeSet)"""
        change_set = super().describe_change_set(change_set_name)
        if change_set is None or not has_own_resource(change_set.template_dict):
            return change_set
        shown = mask_parameters(change_set.template_dict, change_set.parameters)
        return ShownChangeSet(change_set, shown)

    def execute_change_set(self, change_set_name: str, stack_name: str | None = None) -> None:
        """Execute a change set, or roll it back if a service refuses a resource. (ExecuteChangeSet)

        :raises ValidationError: the stack has changed so that the template no longer fits it
        :raises InvalidChangeSetStatus: the change set was executed already, or changes nothing
        """
        change_set = self._find_change_set(change_set_name, stack_name)
        if change_set is None:
            with _as_outer_stack():
                super().execute_change_set(change_set_name, stack_name)
            return
        if change_set.execution_status != "AVAILABLE":
            raise InvalidChangeSetStatus(change_set.change_set_id, change_set.execution_status)
        stack = self.stacks[change_set.stack_id]
        creates = change_set.change_set_type == "CREATE"
        if not creates:
            check_updatable(stack)
        plan = self._plan(stack, change_set.template, change_set.parameters or stack.parameters)
        try:
            succeeded = self._deploy(stack, plan, "CREATE" if creates else "UPDATE")
        except Exception:
            if creates:
                self.delete_stack(stack.stack_id)
            raise
        change_set.execution_status = "EXECUTE_COMPLETE" if succeeded else "EXECUTE_FAILED"

    def update_stack(
        self,
        name: str,
        template: Any,
        role_arn: str | None,
        parameters: list[dict[str, Any]],
        tags: dict[str, str] | None,
    ) -> Any:
        """Update a stack, or roll the update back if a service refuses a resource. (UpdateStack)

        :raises ValidationError: the template is malformed, a parameter is missing, a resource changes its type, or the
            stack's status does not allow an update
        """
        stack = self.get_stack(name)
        if not (has_own_resource(_read(template)) or has_own_resource(stack.template_dict)):
            with _as_outer_stack():
                return super().update_stack(name, template, role_arn, parameters, tags)
        check_updatable(stack)
        plan = self._plan(stack, template, self._resolve(stack, parameters) or stack.parameters)
        if self._deploy(stack, plan, "UPDATE"):
            stack.role_arn = role_arn
            stack.tags = stack.tags if tags is None else tags
        return stack

    def delete_stack(self, name_or_stack_id: str) -> None:
        """Delete a stack. (DeleteStack)"""
        stack = self.stacks.get(name_or_stack_id)
        ours = stack is not None and has_own_resource(stack.template_dict)
        if ours:
            adopt(stack)
        super().delete_stack(name_or_stack_id)
        if ours:
            empty(stack)

    def create_stack_instances(self, stackset_name: str, *arguments: Any, **options: Any) -> Any:
        """Create the stacks of a stack set: all of them, or none if one fails. (CreateStackInstances)

        :raises ValidationError: the template is malformed, or one of the stacks failed
        """
        stack_set = self.describe_stack_set(stackset_name)
        document = _read(stack_set.template)
        if not has_own_resource(document):
            return super().create_stack_instances(stackset_name, *arguments, **options)
        check_template(document)
        before = tracked_stacks()
        try:
            with _as_outer_stack():
                operation = super().create_stack_instances(stackset_name, *arguments, **options)
        except Exception as error:
            for stack in [stack for stack in tracked_stacks() if stack not in before]:
                if stack.name in (stack_set.name, f"StackSet:{stack_set.name}"):
                    delete_instance(stack)
            raise call_error(error, _mask(document, stack_set.parameters), stack_set.id) from None
        for instance in stack_set.stack_instances:
            adopt(instance.stack)
        return operation

    # -----------------------------------------------------------------------------------------------------------------

    def update_nested(self, stack: Any, properties: dict[str, Any]) -> tuple[Update, Callable[[], None]] | None:
        """Create and change the resources of a nested stack, while the stack around it is updated.

        :returns: the update, which can be undone, and what completes it; None if the stack has moto's resources only
        :raises NestedStackFailure: a service refused a resource; the nested stack is as before
        """
        body = get_stack_from_s3_url(properties["TemplateURL"], account_id=self.account_id, partition=self.partition)
        if stack.stack_id not in self.stacks or not any(map(has_own_resource, (_read(body), stack.template_dict))):
            return None
        plan = self._plan(stack, body, properties.get("Parameters", {}))
        update = Update(StackResources.adopt(stack.resource_map), plan.resources)
        try:
            update.make()
            check_outputs(plan.resources, plan.template, stack.stack_id, self.exports)
        except Exception as error:
            update.undo()
            raise call_error(error, plan.resources.mask(), stack.stack_id, "updated") from None

        def complete() -> None:
            stack._add_stack_event("UPDATE_IN_PROGRESS", resource_status_reason="User Initiated")
            self._complete(stack, plan, update, "UPDATE")

        return update, complete

    def _placeholder_stack(self, name: str) -> Any:
        return SimpleNamespace(
            name=name, stack_id="", tags={}, region_name=self.region_name, account_id=self.account_id, template_dict={}
        )

    def _find_change_set(self, name: str, stack_name: str | None) -> Any:
        """Return a change set of a stack with a resource of this package; None if there is none.

        moto takes the newest of the name, whatever its stack; but the CDK gives all its change sets the same name.
        """
        for change_set in reversed(list(self.change_sets.values())):
            stack = self.stacks.get(change_set.stack_id)
            if stack is None or name not in (change_set.change_set_id, change_set.change_set_name):
                continue
            if stack_name not in (None, stack.name, stack.stack_id):
                continue
            templates = (change_set.template_dict, stack.template_dict)
            return change_set if any(map(has_own_resource, templates)) else None
        return None

    def _resolve(self, stack: Any, parameters: list[dict[str, Any]]) -> dict[str, Any]:
        slots = stack.template_dict.get("Parameters", {}).items()
        defaults = {name: slot["Default"] for name, slot in slots if "Default" in slot}
        previous: Any = SimpleNamespace(parameters={**defaults, **stack.parameters})
        try:
            return self._resolve_update_parameters(instance=previous, incoming_params=parameters)
        except KeyError as error:
            raise ValidationError(message=f"Parameter {error} has no previous value") from None

    def _plan(self, stack: Any, body: Any, parameters: dict[str, Any]) -> _Plan:
        """Return the state that a stack is to reach, without creating anything.

        :raises ValidationError: the template is malformed, a parameter is missing, or a resource changes its type
        """
        template = parse_template(body)
        check_template(template)
        check_types(stack.template_dict, template)
        try:
            resources = StackResources(stack, template, parameters, self.exports)
        except Exception as error:
            raise call_error(error, _mask(template, parameters)) from None
        return _Plan(body, template, parameters, resources)

    def _deploy(self, stack: Any, plan: _Plan, verb: str) -> bool:
        """Create or update a stack, or roll it back; return whether it succeeded.

        :param verb: CREATE or UPDATE
        :raises ValidationError: something other than a resource of this package failed; the stack is as before
        """
        events = list(stack.events)
        stack._add_stack_event(f"{verb}_IN_PROGRESS", resource_status_reason="User Initiated")
        update = Update(StackResources.adopt(stack.resource_map), plan.resources)
        try:
            with _as_outer_stack():
                update.make()
                check_outputs(plan.resources, plan.template, stack.stack_id, self.exports)
        except Exception as error:
            faults = update.undo()
            mask = plan.resources.mask()
            if is_failure(error) or faults:
                reason = report_failure(stack, error, plan.resources, verb)
                roll_back(stack, verb, [explain(fault, mask) for fault in faults], reason)
                if verb == "CREATE":
                    stack.template, stack.template_dict = plan.body, plan.template
            else:
                stack.events[:] = events
            if is_failure(error):
                return False
            raise call_error(error, mask) from None
        self._complete(stack, plan, update, verb)
        return True

    def _complete(self, stack: Any, plan: _Plan, update: Update, verb: str) -> None:
        stack.template, stack.template_dict, stack.parameters = plan.body, plan.template, plan.parameters
        stack.description = plan.template.get("Description")
        stack.resource_map = plan.resources
        stack.output_map = stack._create_output_map()
        adopt(stack)
        self._replace_exports(stack)
        if verb == "UPDATE":
            stack._add_stack_event("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        for fault in update.clean_up():
            reason = explain(fault.error, plan.resources.mask())
            add_event(stack, fault.logical_id, fault.resource, "DELETE_FAILED", reason)
        end(stack, f"{verb}_COMPLETE", None)

    def _roll_back_creation(self, stack: Any, error: Exception) -> Mask:
        adopt(stack)
        resources: StackResources = stack.resource_map
        if not stack.events:  # an export of the resource that failed comes before the first event
            stack._add_stack_event("CREATE_IN_PROGRESS", resource_status_reason="User Initiated")
        reason = report_failure(stack, error, resources, "CREATE")
        faults = resources.remove(
            name for name in resources.present() if not resources.is_retained_when_rolled_back(name)
        )
        self._remove_exports(stack)
        mask = resources.mask()
        roll_back(stack, "CREATE", [explain(fault.error, mask) for fault in faults], reason)
        return mask

    def _replace_exports(self, stack: Any) -> None:
        """Replace a stack's exports with its current ones."""
        self._remove_exports(stack)
        for export in stack.exports:
            self.exports[export.name] = export

    def _remove_exports(self, stack: Any) -> None:
        for name in [name for name, export in self.exports.items() if export.exporting_stack_id == stack.stack_id]:
            del self.exports[name]


@contextmanager
def _as_outer_stack() -> Iterator[None]:
    """Treat stacks that are created in the body of ``with`` as nested: their failure fails the stack around them."""
    token = _is_nested.set(True)
    try:
        yield
    finally:
        _is_nested.reset(token)


def register() -> None:
    """Add the resource types to moto's CloudFormation, and make it use this backend."""
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
    from . import secret  # noqa: F401 (importing it registers the type)


def _read(body: Any) -> Any:
    """Return a template's document; None if it is malformed."""
    try:
        return parse_template(body)
    except ValidationError:
        return None


def _mask(template: dict[str, Any], parameters: Any) -> Mask:
    slots = template.get("Parameters", {}).items()
    defaults = {name: slot.get("Default") for name, slot in slots}
    return Mask(template, {**defaults, **dict(parameters or {})})
