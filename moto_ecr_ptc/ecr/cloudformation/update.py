"""An update of a stack: first everything is made and changed, and only when all has succeeded is anything deleted.

What fails is taken back step by step. Nothing is ever made anew in place of what stood before: it was not touched, or
it is put back as it was.

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
from .stack_resources import Fault, StackResources
from .template_format import MotoStack, order


class Update:
    """One update of a stack, from the resources that it has to those that a template wants."""

    def __init__(self, old: StackResources, new: StackResources) -> None:
        self._old = old
        self._new = new
        self._here = old.present()
        self._journal: list[Callable[[], None]] = []
        """What takes back each step, in the order of the steps."""
        self._modified: list[str] = []
        """moto's resources that were changed, in order."""
        self._completions: list[Callable[[], None]] = []
        """What completes the updates of stacks within this one."""
        self._superseded: list[tuple[str, Any]] = []

    def make(self) -> None:
        """Make what is new and change what is not, each after what it depends on.

        :raises Exception: something was refused; ``undo`` takes back what was made until then
        """
        wanted = self._new.wanted()
        kept = {name: resource for name, resource in self._here.items() if name in wanted}
        for name, resource in kept.items():
            self._new.put(name, resource)
        motos = {name for name, resource in kept.items() if not isinstance(resource, ResourceType)}
        before = {name: _properties(self._old, name) for name in motos}
        # moto often changes a resource by deleting it first: what may be refused comes before.
        for name in order(self._new.template()["Resources"], wanted, motos):
            if name not in kept:
                self._create(name)
            elif name in motos:
                self._modify(name, before[name])
            else:
                self._change(name, kept[name])

    def undo(self) -> list[Exception]:
        """Take back what ``make`` did; return what went wrong in doing so."""
        steps = self._journal[::-1]
        steps += [partial(self._modify_back, name) for name in self._modified]
        return [fault for fault in map(_attempt, steps) if fault]

    def clean_up(self) -> list[Fault]:
        """Delete what was replaced or taken out; return what could not be deleted."""
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
                self._note_creation(created)

    def _note_creation(self, name: str) -> None:
        resource = self._new[name]
        for known, other in self._here.items():
            if resource is other:
                # Some services of moto return what is there when they are to make another of that name.
                resource.logical_resource_id = known
                physical_id = resource.physical_resource_id
                raise ValidationError(message=f"{physical_id} already exists in stack {self._new.stack_id}")
        if not self._new.is_retained_when_rolled_back(name):
            self._journal.append(partial(self._delete, name, resource))

    def _delete(self, name: str, resource: Any) -> None:
        for fault in self._new.discard(name, resource):
            raise fault.error

    def _change(self, name: str, resource: ResourceType) -> None:
        template = self._new.template_of(name)
        _, resolved, generated_name = parsing.parse_resource_and_generate_name(name, template, self._new)
        changed, undo = resource.become(resolved["Properties"], generated_name)
        self._journal.append(undo)
        self._new.put(name, changed)
        if changed is not resource and template.get("UpdateReplacePolicy") != "Retain":
            self._superseded.append((name, resource))

    def _modify(self, name: str, before: Any) -> None:
        if before is not None and self._new.properties(name) == before:
            return
        resource = self._here[name]
        if isinstance(resource, MotoStack) and self._change_nested(name, resource):
            return
        self._journal.append(partial(vars(resource).update, _plain_values(resource)))
        try:
            self._new.modify(name)
        except Exception:
            self._journal.append(partial(self._make_again, name))
            raise
        self._modified.append(name)

    def _change_nested(self, name: str, stack: Any) -> bool:
        """Change a stack within this one in place; return whether that is possible. (moto makes a new one)"""
        backend: Any = cloudformation_backends[stack.account_id][stack.region_name]
        nested = backend.change_nested(stack, self._new.properties(name))
        if nested is None:
            return False
        update, complete = nested
        self._journal.append(partial(_undo_nested, update))
        self._completions.append(complete)
        return True

    def _make_again(self, name: str) -> None:
        """Make a resource again that moto may have deleted before it failed to change it."""
        if self._old.gives_name(name):
            with suppress(Exception):  # it is still there
                self._old.make(name)

    def _modify_back(self, name: str) -> None:
        # From what the update made of it to what the old template says.
        resource = self._here[name]
        values = _plain_values(resource)
        self._old.put(name, self._new[name])
        if self._old.modify(name) is resource:
            vars(resource).update(values)  # moto leaves properties as they are that the template does not give


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
    """Return what a resource's properties come to; None if that cannot be said any more."""
    try:
        return resources.properties(name)
    except Exception:  # moto's functions fail in many ways
        return None


def _plain_values(resource: Any) -> dict[str, Any]:
    return {
        name: value for name, value in vars(resource).items() if value is None or isinstance(value, (str, int, float))
    }
