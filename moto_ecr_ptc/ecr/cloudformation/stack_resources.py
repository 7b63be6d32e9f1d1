"""The resources of a stack that has a resource of this package.

moto's resource map creates a resource when it is first looked up. An update has a map of its own, which takes over the
resources that stay; the stack keeps its old map until the update has succeeded.
"""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError
from typing import Any, NamedTuple

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError

from .masking import Mask, no_echo_parameters
from .template_format import order


class DeletionFailure(NamedTuple):
    """A resource that could not be deleted."""

    logical_id: str
    resource: Any
    error: Exception


class StackResources(parsing.ResourceMap):
    """moto's resource map, which also records what it created, and deletes resources in order."""

    created: list[str]
    """The logical IDs of the resources that this map created, in order."""

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
        """Convert one of moto's maps, which may have created resources already."""
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
        # moto ignores defaults, and takes the string "false" for true.
        self.no_echo_parameter_keys = no_echo_parameters(self._template)

    def template(self) -> dict[str, Any]:
        return self._template

    def template_of(self, name: str) -> dict[str, Any]:
        """Return the definition of a resource in the template."""
        return self._resource_json_map[name]  # type: ignore[no-any-return]  # moto has no types here

    def mask(self) -> Mask:
        """Return a mask of this template's secret parameters."""
        return Mask(self._template, self.resolved_parameters)

    def wanted(self) -> list[str]:
        """Return the logical IDs of the resources whose conditions are true."""
        return [
            name
            for name, resource in self._resource_json_map.items()
            if "Condition" not in resource or self.lazy_condition_map[resource["Condition"]]
        ]

    def present(self) -> dict[str, Any]:
        """Return the resources that exist, by logical ID."""
        found = {name: self._parsed_resources.get(name) for name in self._resource_json_map}
        return {name: resource for name, resource in found.items() if resource is not None}

    def put(self, name: str, resource: Any) -> None:
        """Set the resource of a logical ID."""
        self._parsed_resources[name] = resource

    def properties(self, name: str) -> Any:
        """Return a resource's properties with their functions resolved."""
        return parsing.clean_json(self.template_of(name).get("Properties", {}), self)

    def modify(self, name: str) -> Any:
        """Let moto update one of its resources to this template; return the resource, or its replacement."""
        resource = self[name]
        changed = parsing.parse_and_update_resource(
            name, self.template_of(name), self, account_id=self._account_id, region_name=self._region_name
        )
        if changed is not None:  # None if moto cannot update this type
            self.put(name, changed)
            resource = changed
        return resource

    def has_custom_name(self, name: str) -> bool:
        """Return whether the template gives a resource a custom name, so that no second one can exist."""
        template = self.template_of(name)
        return parsing.resource_name_property_from_type(template["Type"]) in template.get("Properties", {})

    def make(self, name: str) -> None:
        """Let moto create a resource, even if there was one already."""
        resource: Any = parsing.parse_and_create_resource(
            name, self.template_of(name), self, account_id=self._account_id, region_name=self._region_name
        )
        self.put(name, resource)

    def delete(self) -> None:
        """Delete the resources, except those that the template retains.

        :raises Exception: one could not be deleted, for the reason that its service gave
        """
        faults = self.remove(name for name in self.present() if not self.is_retained(name))
        if faults:
            raise faults[0].error

    def is_retained(self, name: str) -> bool:
        """Return whether a resource is kept when it is removed from the stack, or the stack is deleted."""
        return self.template_of(name).get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate")

    def is_retained_when_rolled_back(self, name: str) -> bool:
        """Return whether a resource is kept when its creation is rolled back."""
        return self.template_of(name).get("DeletionPolicy") == "Retain"

    def remove(self, names: Iterable[str]) -> list[DeletionFailure]:
        """Delete resources, each before those that it depends on; return those that could not be."""
        present = self.present()
        remaining = self._deletion_order(list(names))
        while True:
            faults = [fault for name in remaining for fault in self.discard(name, present[name])]
            left = [fault.logical_id for fault in faults]
            if not left or left == remaining:
                return faults
            remaining = left  # try again: a resource may have been in use by one that is deleted now

    def _deletion_order(self, names: list[str]) -> list[str]:
        try:
            return order(self._resource_json_map, names, ())[::-1]
        except (
            ValidationError,
            CycleError,
        ):  # a malformed template from before the stack had one of ours
            return names

    def clear(self) -> None:
        """Forget all resources and their definitions: with those, a lookup would create a resource again."""
        for name in self._resource_json_map:
            self._parsed_resources.pop(name, None)
        self._resource_json_map = {}

    def discard(self, name: str, resource: Any) -> list[DeletionFailure]:
        """Delete a resource; return the fault if it could not be."""
        try:
            self._delete_resource(resource, self.template_of(name))
        except Exception as error:
            return [DeletionFailure(name, resource, error)]
        if self._parsed_resources.get(name) is resource:
            del self._parsed_resources[name]
        return []
