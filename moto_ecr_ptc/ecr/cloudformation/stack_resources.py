"""The resources of one stack with a resource of this package, as one template says.

moto's resource map makes a resource when something asks for it first. An update has a map of its own, which takes over
what stays; until it has succeeded the stack keeps the map that it had.
"""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError
from typing import Any, NamedTuple

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError

from .masking import Mask, no_echo_parameters
from .template_format import order


class Fault(NamedTuple):
    """A resource that could not be deleted."""

    logical_id: str
    resource: Any
    error: Exception


class StackResources(parsing.ResourceMap):
    """moto's resource map, which knows what it made and deletes in order."""

    created: list[str]
    """The logical names of what was made here, in order."""

    def __init__(self, stack: Any, template: dict[str, Any], parameters: dict[str, Any], exports: Any) -> None:
        super().__init__(
            stack_id=stack.stack_id,
            stack_name=stack.name,
            parameters=parameters,
            tags=stack.tags,
            region_name=stack.region_name,
            account_id=stack.account_id,
            template=template,
            cross_stack_resources=exports,
        )
        self.created = []
        self.load()

    @classmethod
    def adopt(cls, resources: Any) -> StackResources:
        """Make a map of moto's, which may have made resources already, one of these."""
        if not isinstance(resources, StackResources):
            resources.__class__ = cls
            resources.created = list(resources.present())
            resources.no_echo_parameter_keys = no_echo_parameters(resources.template())
        adopted: StackResources = resources
        return adopted

    def __getitem__(self, key: str) -> Any:
        known = key in self._parsed_resources
        resource = super().__getitem__(key)
        if not known and resource is not None:
            self.created.append(key)
        return resource

    def load_parameters(self) -> None:
        super().load_parameters()
        # moto passes over defaults, and takes the text "false" for true.
        self.no_echo_parameter_keys = no_echo_parameters(self._template)

    def template(self) -> dict[str, Any]:
        return self._template

    def template_of(self, name: str) -> dict[str, Any]:
        """Return a resource as the template has it."""
        return self._resource_json_map[name]  # type: ignore[no-any-return]  # moto has no types here

    def mask(self) -> Mask:
        """Return what hides the secret values of this template."""
        return Mask(self._template, self.resolved_parameters)

    def wanted(self) -> list[str]:
        """Return the names of those resources that the conditions admit."""
        return [
            name
            for name, resource in self._resource_json_map.items()
            if "Condition" not in resource or self.lazy_condition_map[resource["Condition"]]
        ]

    def present(self) -> dict[str, Any]:
        """Return the resources that there are."""
        found = {name: self._parsed_resources.get(name) for name in self._resource_json_map}
        return {name: resource for name, resource in found.items() if resource is not None}

    def put(self, name: str, resource: Any) -> None:
        """Have a logical name stand for this resource."""
        self._parsed_resources[name] = resource

    def properties(self, name: str) -> Any:
        """Return what a resource's properties come to now."""
        return parsing.clean_json(self.template_of(name).get("Properties", {}), self)

    def modify(self, name: str) -> Any:
        """Have moto change one of its resources as this map says; return the resource that there is then."""
        resource = self[name]
        changed = parsing.parse_and_update_resource(
            name, self.template_of(name), self, account_id=self._account_id, region_name=self._region_name
        )
        if changed is not None:  # there is no update of this type
            self.put(name, changed)
            resource = changed
        return resource

    def gives_name(self, name: str) -> bool:
        """Return whether the template names a resource, so that there can be but one."""
        template = self.template_of(name)
        return parsing.resource_name_property_from_type(template["Type"]) in template.get("Properties", {})

    def make(self, name: str) -> None:
        """Have moto make a resource as the template says, whether there was one or not."""
        resource: Any = parsing.parse_and_create_resource(
            name, self.template_of(name), self, account_id=self._account_id, region_name=self._region_name
        )
        self.put(name, resource)

    def delete(self) -> None:
        """Delete the resources, but those that outlive their stack.

        :raises Exception: one could not be deleted, for the reason that its service gave
        """
        faults = self.remove(name for name in self.present() if not self.is_retained(name))
        if faults:
            raise faults[0].error

    def is_retained(self, name: str) -> bool:
        """Return whether a resource stays when it is taken out of the stack, or the stack deleted."""
        return self.template_of(name).get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate")

    def is_retained_when_rolled_back(self, name: str) -> bool:
        """Return whether a resource stays when its creation is rolled back."""
        return self.template_of(name).get("DeletionPolicy") == "Retain"

    def remove(self, names: Iterable[str]) -> list[Fault]:
        """Delete resources, each before those that it depends on; return those that could not be."""
        present = self.present()
        remaining = self._deletion_order(list(names))
        while True:
            faults = [fault for name in remaining for fault in self.discard(name, present[name])]
            left = [fault.logical_id for fault in faults]
            if not left or left == remaining:
                return faults
            remaining = left  # once more: what could not be deleted may have been in use by what is gone now

    def _deletion_order(self, names: list[str]) -> list[str]:
        try:
            return order(self._resource_json_map, names, ())[::-1]
        except (ValidationError, CycleError):  # a template that moto made a stack of when it had nothing of ours
            return names

    def clear(self) -> None:
        """Forget all resources: a look at one would make it anew."""
        for name in self._resource_json_map:
            self._parsed_resources.pop(name, None)
        self._resource_json_map = {}

    def discard(self, name: str, resource: Any) -> list[Fault]:
        """Delete a resource; return the fault if it could not be."""
        try:
            self._delete_resource(resource, self.template_of(name))
        except Exception as error:
            return [Fault(name, resource, error)]
        if self._parsed_resources.get(name) is resource:
            del self._parsed_resources[name]
        return []
