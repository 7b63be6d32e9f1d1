"""An update of a stack: resources are created and changed first, and deleted only once all of that has succeeded.

A failed update is undone step by step. Resources that were there before are restored to their old state, rather than
created again.

Source: CloudFormation user guide, "Understand update behaviors of stack resources" and "Stack status codes".
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import cloudformation_backends

from .resources import ResourceType
from .stack_resources import DeletionFailure, StackResources
from .template_format import MotoStack, order


class Update:
    """One update of a stack, from its present resources to those of a template."""

    def __init__(self, old: StackResources, new: StackResources) -> None:
        self._old = old
        self._new = new
        self._here = old.present()
        self._undo_steps: list[Callable[[], None]] = []
        """What undoes each step, in the order of the steps."""
        self._modified: list[str] = []
        """moto's resources that were changed, in order."""
        self._completions: list[Callable[[], None]] = []
        """What completes the updates of nested stacks."""
        self._superseded: list[tuple[str, Any]] = []

    def make(self) -> None:
        """Create new resources and change the others, each after those that it depends on.

        :raises Exception: a resource failed; ``undo`` undoes the steps up to then
        """
        wanted = self._new.wanted()
        kept = {name: resource for name, resource in self._here.items() if name in wanted}
        for name, resource in kept.items():
            self._new.put(name, resource)
        motos = {name for name, resource in kept.items() if not isinstance(resource, ResourceType)}
        before = {name: _properties(self._old, name) for name in motos}
        # moto often changes a resource by deleting it first, so its resources come after those that may be refused.
        for name in order(self._new.template()["Resources"], wanted, motos):
            if name not in kept:
                self._create(name)
            elif name in motos:
                self._modify(name, before[name])
            else:
                self._change(name, kept[name])

    def undo(self) -> list[Exception]:
        """Undo what ``make`` did; return the errors in doing so."""
        steps = self._undo_steps[::-1]
        steps += [partial(self._revert_modification, name) for name in self._modified]
        return [fault for fault in map(_attempt, steps) if fault]

    def clean_up(self) -> list[DeletionFailure]:
        """Delete replaced and removed resources; return those that could not be deleted."""
        for complete in self._completions:
            complete()
        replaced = [fault for name, resource in self._superseded for fault in self._old.discard(name, resource)]
        present = self._new.present()
        gone = [name for name in self._here if name not in present]
        return replaced + self._old.remove(name for name in gone if not self._old.is_retained(name))

    # -----------------------------------------------------------------------------------------------------------------

    def _create(self, name: str) -> None:
        count = len(self._new.created)
        try:
            self._new[name]
        finally:
            for created in self._new.created[count:]:
                self._record_creation(created)

    def _record_creation(self, name: str) -> None:
        resource = self._new[name]
        for known, other in self._here.items():
            if resource is other:
                # Some of moto's services return the existing resource instead of refusing a second one of its name.
                resource.logical_resource_id = known
                physical_id = resource.physical_resource_id
                raise ValidationError(message=f"{physical_id} already exists in stack {self._new.stack_id}")
        if not self._new.is_retained_when_rolled_back(name):
            self._undo_steps.append(partial(self._delete, name, resource))

    def _delete(self, name: str, resource: Any) -> None:
        for fault in self._new.discard(name, resource):
            raise fault.error

    def _change(self, name: str, resource: ResourceType) -> None:
        template = self._new.template_of(name)
        _, resolved, generated_name = parsing.parse_resource_and_generate_name(name, template, self._new)
        changed, undo = resource.update(resolved["Properties"], generated_name)
        self._undo_steps.append(undo)
        self._new.put(name, changed)
        if changed is not resource and template.get("UpdateReplacePolicy") != "Retain":
            self._superseded.append((name, resource))

    def _modify(self, name: str, before: Any) -> None:
        if before is not None and self._new.properties(name) == before:
            return
        resource = self._here[name]
        if isinstance(resource, MotoStack) and self._update_nested(name, resource):
            return
        self._undo_steps.append(partial(vars(resource).update, _plain_values(resource)))
        try:
            self._new.modify(name)
        except Exception:
            self._undo_steps.append(partial(self._recreate, name))
            raise
        self._modified.append(name)

    def _update_nested(self, name: str, stack: Any) -> bool:
        """Update a nested stack in place; return whether that is possible. (moto replaces it)"""
        backend: Any = cloudformation_backends[stack.account_id][stack.region_name]
        nested = backend.update_nested(stack, self._new.properties(name))
        if nested is None:
            return False
        update, complete = nested
        self._undo_steps.append(partial(_undo_nested, update))
        self._completions.append(complete)
        return True

    def _recreate(self, name: str) -> None:
        """Create a resource again that moto may have deleted before it failed to change it."""
        if self._old.has_custom_name(name):
            with suppress(Exception):  # it still exists
                self._old.make(name)

    def _revert_modification(self, name: str) -> None:
        # moto updates from the new definition back to the old one.
        resource = self._here[name]
        values = _plain_values(resource)
        self._old.put(name, self._new[name])
        if self._old.modify(name) is resource:
            vars(resource).update(values)  # moto does not reset properties that the template leaves out


def _undo_nested(update: Update) -> None:
    for fault in update.undo():
        raise fault


def _attempt(step: Callable[[], None]) -> Exception | None:
    try:
        step()
    except Exception as error:
        return error
    return None


def _properties(resources: StackResources, name: str) -> Any:
    """Return a resource's resolved properties; None if they can no longer be resolved."""
    try:
        return resources.properties(name)
    except Exception:  # moto's functions raise many kinds of errors
        return None


def _plain_values(resource: Any) -> dict[str, Any]:
    return {
        name: value for name, value in vars(resource).items() if value is None or isinstance(value, (str, int, float))
    }
