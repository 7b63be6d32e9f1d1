"""Checks of a template before anything is created from it, and the order in which its resources are created.

moto does not check templates, and fails halfway through a stack when one is malformed.

Source: CloudFormation user guide, "Template anatomy"; the messages are AWS's where they are known.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from moto.cloudformation import models as moto_models
from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError

from .resources import ResourceType

MotoStack: Any = vars(moto_models).get("Stack") or vars(moto_models)["FakeStack"]  # its name in older versions of moto

_DELETION_POLICIES = ("Delete", "Retain", "RetainExceptOnCreate", "Snapshot")
_REPLACE_POLICIES = ("Delete", "Retain", "Snapshot")
_OPERATORS = {"Fn::And": None, "Fn::Or": None, "Fn::Not": 1, "Fn::Equals": 2}
"""The operators of conditions, each with the number of its operands."""

_SUBSTITUTION = re.compile(r"\$\{([^!}][^}]*)\}")


def parse_template(body: Any) -> Any:
    """Parse a template.

    :param body: its text; an object, as a stack in review has it, is returned as it is
    :raises ValidationError: it is neither JSON nor YAML
    """
    if body is None:
        raise ValidationError(message="Either Template URL or Template Body must be specified.")
    if not isinstance(body, str):
        return body
    try:
        return MotoStack.parse_template(body)
    except Exception:  # YAML raises many kinds of errors
        raise ValidationError(message="Template format error: neither JSON nor YAML, or not well-formed.") from None


def has_own_resource(template: Any) -> bool:
    """Return whether a template has a resource of this package."""
    resources = template.get("Resources") if isinstance(template, dict) else None
    return isinstance(resources, dict) and any(map(is_own_resource, resources.values()))


def is_own_resource(resource: Any) -> bool:
    """Return whether a resource in a template has one of this package's types."""
    if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
        return False
    return issubclass(parsing.get_model_map().get(resource["Type"], object), ResourceType)


def check_template(template: Any) -> None:
    """Check the structure of a template: types, references, and the absence of circular dependencies.

    :raises ValidationError: it is malformed
    """
    try:
        _Checker(_object(template, "the template")).check()
    except RecursionError:
        raise _error("the template is nested too deeply") from None


def check_types(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Check that no resource changes its type in an update.

    :raises ValidationError: one does
    """
    before = old.get("Resources", {})
    changed = [
        name for name, resource in new["Resources"].items() if name in before and _changes(before[name], resource)
    ]
    if changed:
        raise ValidationError(
            message="Update of resource type is not permitted. The new template modifies resource type of the "
            f"following resources: [{', '.join(changed)}]"
        )


def order(resources: Mapping[str, Any], names: Collection[str], late: Collection[str]) -> list[str]:
    """Return logical IDs in an order in which each comes after its dependencies.

    :param late: those that come as late as their dependents allow
    """
    sorter = TopologicalSorter({name: _dependencies(resources, name) & set(names) for name in names})
    sorter.prepare()
    ready: list[str] = []
    ordered: list[str] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()], key=lambda name: name in late)
        ordered.append(ready.pop(0))
        sorter.done(ordered[-1])
    return ordered


class _Checker:
    def __init__(self, template: dict[str, Any]) -> None:
        self.sections = {
            name: _object(template[name], f"[/{name}] the section") if name in template else {}
            for name in ("Parameters", "Mappings", "Conditions", "Resources", "Outputs")
        }
        self.parameters = self.sections["Parameters"]
        self.conditions = self.sections["Conditions"]
        self.resources = self.sections["Resources"]

    def check(self) -> None:
        if not self.resources:
            raise _error("At least one Resources member must be defined.")
        for section, members in self.sections.items():
            _check_nulls(members, f"/{section}")
            for name in members:
                if not isinstance(name, str):
                    raise _error(f"[/{section}] the name {name} is not a string")
        for name, parameter in self.parameters.items():
            _check_parameter(parameter, f"[/Parameters/{name}]")
        for name, mapping in self.sections["Mappings"].items():
            for key, values in _object(mapping, f"[/Mappings/{name}] the mapping").items():
                _object(values, f"[/Mappings/{name}/{key}] the value")
        self._check_conditions()
        for name, resource in self.resources.items():
            self._check_resource(resource, f"[/Resources/{name}]")
        self._check_cycles()
        for name, output in self.sections["Outputs"].items():
            self._check_output(output, f"[/Outputs/{name}]")

    def _check_conditions(self) -> None:
        references = {}
        for name, condition in self.conditions.items():
            where = f"[/Conditions/{name}]"
            if not isinstance(condition, bool):  # moto accepts these
                _check_operator(condition, where)
            references[name] = list(_find(condition, "Condition"))
            for reference in references[name]:
                self._check_condition(reference, "Conditions")
            self._check_references(condition, self.parameters, "Conditions")
        try:
            TopologicalSorter(references).prepare()
        except CycleError as error:
            raise _error(f"Circular dependency between conditions: [{', '.join(error.args[1][1:])}]") from None

    def _check_resource(self, resource: Any, where: str) -> None:
        _object(resource, f"{where} the resource")
        if not isinstance(resource.get("Type"), str):
            raise _error(f"{where} Every Resources object must contain a Type member.")
        _object(resource.get("Properties", {}), f"{where} the value of Properties")
        for name, policies in (("DeletionPolicy", _DELETION_POLICIES), ("UpdateReplacePolicy", _REPLACE_POLICIES)):
            if name in resource and resource[name] not in policies:
                raise _error(f"{where} the value of {name} must be one of {', '.join(policies)}")
        dependencies = _depends_on(resource)
        if not all(isinstance(dependency, str) for dependency in dependencies):
            raise _error(f"{where} the value of DependsOn must be a string or a list of strings")
        unknown = [dependency for dependency in dependencies if dependency not in self.resources]
        if unknown:
            raise _unresolved(unknown, "Resources")
        if "Condition" in resource:
            self._check_condition(resource["Condition"], "Resources")
        self._check_references(resource.get("Properties"), {**self.parameters, **self.resources}, "Resources")

    def _check_output(self, output: Any, where: str) -> None:
        if "Value" not in _object(output, f"{where} the output"):
            raise _error(f"{where} Every Outputs member must contain a Value object")
        if not isinstance(output.get("Description", ""), str):
            raise _error(f"{where} the value of Description must be a string")
        if "Export" in output and "Name" not in _object(output["Export"], f"{where} the value of Export"):
            raise _error(f"{where} Every Export must contain a Name")
        if "Condition" in output:
            self._check_condition(output["Condition"], "Outputs")
        self._check_references(output, {**self.parameters, **self.resources}, "Outputs")

    def _check_condition(self, name: Any, block: str) -> None:
        if not isinstance(name, str) or name not in self.conditions:
            raise _error(f"Unresolved condition dependency {name} in the {block} block of the template")

    def _check_references(self, value: Any, known: Collection[str], block: str) -> None:
        unknown = [name for name in references(value) if name not in known and not name.startswith("AWS::")]
        if unknown:
            raise _unresolved(unknown, block)
        for choice in _find(value, "Fn::If"):
            if not isinstance(choice, list) or len(choice) != 3:
                raise _error(f"Fn::If in the {block} block of the template must be a list of three")
            self._check_condition(choice[0], block)

    def _check_cycles(self) -> None:
        try:
            TopologicalSorter({name: _dependencies(self.resources, name) for name in self.resources}).prepare()
        except CycleError as error:
            cycle = ", ".join(error.args[1][1:])
            raise ValidationError(message=f"Circular dependency between resources: [{cycle}]") from None


def references(value: Any) -> Iterator[str]:
    """Yield the logical IDs that a value refers to.

    :raises ValidationError: a reference is malformed
    """
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key == "Ref":
            yield _text(item, "Ref")
        elif key == "Fn::GetAtt":
            if not isinstance(item, list) or len(item) != 2:
                raise _error("Fn::GetAtt must be a list of two: the logical name of a resource, and an attribute")
            yield _text(item[0], "Fn::GetAtt")
            yield from references(item[1])
        elif key == "Fn::Sub":
            text, variables = item if isinstance(item, list) and len(item) == 2 else (item, {})
            for name in _SUBSTITUTION.findall(_text(text, "Fn::Sub")):
                if name not in _object(variables, "the variables of Fn::Sub"):
                    yield name.split(".")[0]
            yield from references(variables)
        else:
            yield from references(item)


def _check_parameter(parameter: Any, where: str) -> None:
    if not isinstance(_object(parameter, f"{where} the parameter").get("Type"), str):
        raise _error(f"{where} Every Parameters object must contain a Type member.")
    if isinstance(parameter.get("Default"), (dict, list)):
        raise _error(f"{where} the value of Default must be a string")
    if str(parameter.get("NoEcho", False)).lower() not in ("true", "false"):
        raise _error(f"{where} the value of NoEcho must be a Boolean")


def _check_operator(condition: Any, where: str) -> None:
    operands = [item for item in _object(condition, f"{where} the condition").items() if item[0] in _OPERATORS]
    if len(condition) != 1 or not operands:
        raise _error(f"{where} a condition is one of {', '.join(_OPERATORS)}")
    operator, values = operands[0]
    if not isinstance(values, list) or not values or len(values) != (_OPERATORS[operator] or len(values)):
        raise _error(f"{where} {operator} has the wrong number of operands")
    if operator == "Fn::Equals":
        return
    for value in values:
        if not isinstance(value, dict) or "Condition" not in value:
            _check_operator(value, where)


def _check_nulls(value: Any, where: str) -> None:
    if value is None:
        raise ValidationError(message=f"[{where}] 'null' values are not allowed in templates")
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        _check_nulls(item, f"{where}/{key}")


def _find(value: Any, wanted: str) -> Iterator[Any]:
    """Yield the values of a key, at any depth."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if key == wanted:
            yield item
        yield from _find(item, wanted)


def _dependencies(resources: Mapping[str, Any], name: str) -> set[str]:
    resource = resources[name]
    return {*references(resource.get("Properties")), *_depends_on(resource)} & set(resources)


def _depends_on(resource: Mapping[str, Any]) -> list[Any]:
    value = resource.get("DependsOn", [])
    return value if isinstance(value, list) else [value]


def _changes(old: Any, new: Mapping[str, Any]) -> bool:
    return isinstance(old, dict) and old.get("Type") != new["Type"]


def _object(value: Any, what: str) -> dict[str, Any]:
    if value is None:
        raise ValidationError(message=f"{what.split(' ')[0]} 'null' values are not allowed in templates")
    if not isinstance(value, dict):
        raise _error(f"{what} must be an object")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise _error(f"the value of {what} must be a string")
    return value


def _unresolved(names: Iterable[str], block: str) -> ValidationError:
    found = ", ".join(sorted(set(names)))
    return _error(f"Unresolved resource dependencies [{found}] in the {block} block of the template")


def _error(text: str) -> ValidationError:
    return ValidationError(message=f"Template format error: {text}")
