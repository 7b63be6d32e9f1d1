"""A stack with a resource of this package, and the changes of its status.

Source: CloudFormation user guide, "Stack status codes".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import cloudformation_backends

from .masking import mask_parameters
from .stack_resources import StackResources
from .template_format import MotoStack


class Stack(MotoStack):  # type: ignore[misc]  # its name differs between versions of moto
    """A stack with a resource of this package."""

    @property
    def parameter_list(self) -> list[dict[str, Any]]:
        """The parameters, with NoEcho masked. (moto mistakes the values of parameters for their names)"""
        shown = mask_parameters(self.template_dict, self.resource_map.resolved_parameters)
        return [{"ParameterKey": name, "ParameterValue": value} for name, value in shown.items()]


class ShownChangeSet:
    """A change set with masked parameters. (moto would track a copy of its own class until a reset)"""

    def __init__(self, change_set: Any, parameters: dict[str, Any]) -> None:
        self._change_set = change_set
        self.parameters = parameters

    def __getattr__(self, name: str) -> Any:
        return getattr(self._change_set, name)


def tracked_stacks() -> list[Any]:
    """Return all stacks that moto tracks, including those of stack sets, which are in no backend."""
    stacks = vars(MotoStack)
    return list(stacks["instances_tracked"] if "instances_tracked" in stacks else stacks["instances"])


def adopt(stack: Any) -> None:
    """Convert one of moto's stacks to a stack with a resource of this package."""
    stack.__class__ = Stack
    StackResources.adopt(stack.resource_map)


def check_updatable(stack: Any) -> None:
    if not stack.status.endswith("_COMPLETE") or stack.status in ("ROLLBACK_COMPLETE", "DELETE_COMPLETE"):
        raise ValidationError(message=f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")


def check_creatable(stacks: Iterable[Any], name: str, change_set_name: str) -> None:
    """Check that a change set can create a stack.

    :raises ValidationError: a stack of this name exists, and not only in review
    """
    if any(stack.name == name and stack.status != "REVIEW_IN_PROGRESS" for stack in stacks):
        raise ValidationError(
            message=f"Stack [{name}] already exists and cannot be created with the changeSet [{change_set_name}]."
        )


def check_outputs(resources: Any, template: dict[str, Any], stack_id: str, exports: Mapping[str, Any]) -> None:
    """Check that outputs and the names of exports are strings, and that no other stack has an export of the same name.

    :param exports: those of all stacks
    :raises ValidationError: an output is not a string, or an export's name is not one or is taken
    """
    # In a separate map, since moto keeps what it found: an attribute of a custom resource may not be known yet.
    outputs = parsing.OutputMap(resources, template, stack_id)
    for output in outputs.values():
        if output and isinstance(output.value, (dict, list)):
            raise ValidationError(message=f"Template format error: the value of output {output.key} must be a string")
    names = [export.name for export in outputs.exports]
    if not all(isinstance(name, str) for name in names):
        raise ValidationError(message="Template format error: the name of an export must be a string")
    if any(name in exports and exports[name].exporting_stack_id != stack_id for name in names):
        raise ValidationError(message="Export names must be unique across a given region")  # moto's message


def roll_back(stack: Any, verb: str, faults: list[str], reason: str) -> None:
    """Set the status and events of a stack that was rolled back.

    :param verb: what was rolled back: CREATE or UPDATE
    :param faults: what could not be undone
    """
    prefix = "" if verb == "CREATE" else "UPDATE_"
    stack._add_stack_event(f"{prefix}ROLLBACK_IN_PROGRESS", resource_status_reason=reason)
    if verb == "CREATE":
        empty(stack)
    end(stack, f"{prefix}ROLLBACK_{'FAILED' if faults else 'COMPLETE'}", faults[0] if faults else reason)


def end(stack: Any, status: str, reason: str | None) -> None:
    stack.status = status
    stack.stack_status_reason = reason
    stack._add_stack_event(status)


def empty(stack: Any) -> None:
    """Remove all resources and outputs from a stack, without deleting what they stand for."""
    stack.resource_map.clear()
    stack.output_map = parsing.OutputMap(stack.resource_map, {}, stack.stack_id)


def delete_instance(stack: Any) -> None:
    """Delete the stack of a stack instance that could not be created."""
    backend = cloudformation_backends[stack.account_id][stack.region_name]
    if stack.stack_id in backend.stacks:
        backend.delete_stack(stack.stack_id)
    elif stack.status != "DELETE_COMPLETE":
        resources = StackResources.adopt(stack.resource_map)
        resources.remove(name for name in resources.present() if not resources.is_retained_when_rolled_back(name))
        empty(stack)
