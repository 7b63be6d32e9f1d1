"""The resource types of CloudFormation for rules and templates, and what all resource types of this package share.

moto's CloudFormation finds the direct subclasses of ``CloudFormationModel`` that exist.

Source: CloudFormation resource reference, AWS::ECR::PullThroughCacheRule and AWS::ECR::RepositoryCreationTemplate.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, TypeVar, cast

from botocore import xform_name
from botocore.model import ListShape, Shape, StructureShape
from moto.cloudformation.exceptions import UnformattedGetAttTemplateException
from moto.core.common_models import CloudFormationModel
from moto.core.exceptions import ServiceException
from moto.core.utils import get_service_model
from moto.ecr.exceptions import InvalidParameterException
from moto.ecr.models import ecr_backends
from moto.moto_api._internal import mock_random
from werkzeug.exceptions import HTTPException

from ..configuration.templates import RepositoryCreationTemplate, read_settings
from ..exceptions import PullThroughCacheRuleNotFoundException, TemplateNotFoundException
from ..models import PullThroughCacheBackend
from ..validation import find_violation
from .masking import Mask

Value = TypeVar("Value")


class ResourceFailure(ServiceException):
    """A resource that could not be created, updated or deleted."""

    code = "ValidationError"

    def __init__(self, resource: ResourceType, service_code: str, service_message: str) -> None:
        self.resource = resource
        self._kind = _handler_error(service_code)
        if self._kind == "AlreadyExists":
            identifier = resource.identifier()
            self._text = (
                f"Resource of type '{resource.cloudformation_type()}' with identifier '{identifier}' already exists."
            )
        else:
            request_id = mock_random.uuid4()
            self._text = f"{service_message} (Service: {resource.service}, Status Code: 400, Request ID: {request_id})"
        self._token = mock_random.uuid4()
        super().__init__(f"Resource {resource.logical_resource_id} failed")

    def reason(self, mask: Mask) -> str:
        """Return the reason in the stack's events: the service's message, without what must not be shown."""
        return (
            f'Resource handler returned message: "{mask.text(self._text)}" '
            f"(RequestToken: {self._token}, HandlerErrorCode: {self._kind})"
        )


class ResourceType:
    """What the resource types have in common: a mixin, since their base must be moto's class itself."""

    service: ClassVar[str]
    """The service's name in reasons."""

    attributes: ClassVar[Mapping[str, Callable[[Any], str]]] = {}
    """What Fn::GetAtt gives."""

    hidden: ClassVar[frozenset[str]] = frozenset()
    """The properties that are never shown."""

    cloudformation_type: Callable[[], str]

    def __init__(self, logical_id: str, properties: dict[str, Any], account_id: str, region: str) -> None:
        self.logical_resource_id = logical_id
        self.account_id = account_id
        self.region = region
        self.physical_resource_id = ""
        # What moto notes of a resource that it makes itself; the name has changed.
        self.type = self.cf_resource_type = self.cloudformation_type()
        # Not public, as nothing is that may fail or is secret: moto's dashboard shows all that is.
        self._properties = properties

    @abstractmethod
    def create(self, name: str) -> None:
        """Make what the properties say. ``name`` is moto's for a resource that the properties give none.

        :raises ServiceException: the service refuses it
        """

    @abstractmethod
    def change(self, new: Any) -> Callable[[], None] | None:
        """Become as another resource of this type says, if that is possible in place, wholly or not at all.

        :returns: what makes it again all that it was; None if it is not possible in place
        :raises ServiceException: the service refuses it
        """

    @abstractmethod
    def remove(self) -> None:
        """Delete what was made, if it is still there."""

    @abstractmethod
    def identifier(self) -> str:
        """Return what names the resource among those of its type."""

    def secrets(self) -> list[Any]:
        """Return the values that must not be shown."""
        return []

    def masked_properties(self, mask: Mask) -> dict[str, Any]:
        """Return the properties as the stack's events show them."""
        return mask.properties(self._properties, self.hidden)

    def teach(self, mask: Mask, written: Any) -> None:
        """Have a mask know what must not be shown of this resource.

        :param written: the properties as the template has them
        """
        mask.learn(written, self._properties, self.secrets())

    def become(self, properties: dict[str, Any], name: str) -> tuple[ResourceType, Callable[[], None]]:
        """Take on other properties, in place or by a successor.

        :param name: moto's, for a successor that the properties give none
        :returns: the resource that has them, and what takes that back
        :raises ResourceFailure: the service refuses it; then all is as it was
        """
        old = self._properties
        if properties == old:
            return self, lambda: None
        new = type(self)(self.logical_resource_id, properties, self.account_id, self.region)
        with new.failing():
            undo = self.change(new)
            if undo is None:
                new.create(name)
                return new, new.remove

        def back() -> None:
            undo()
            self._properties = old

        self._properties = properties
        return self, back

    # --- what moto's CloudFormation calls ------------------------------------------------------------------------

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr in cls.attributes

    def get_cfn_attribute(self, attribute_name: str) -> str:
        if attribute_name not in self.attributes:
            raise UnformattedGetAttTemplateException
        return self.attributes[attribute_name](self)

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **kwargs: Any
    ) -> ResourceType:
        resource = cls(kwargs["LogicalId"], cloudformation_json["Properties"], account_id, region_name)
        with resource.failing():
            resource.create(resource_name)
        return resource

    def delete(self, account_id: str, region_name: str) -> None:
        with self.failing():
            self.remove()

    def is_created(self) -> bool:
        return True

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Turn the service's refusals into the failure of this resource."""
        try:
            yield
        except ServiceException as error:
            raise ResourceFailure(self, error.code, error.message) from None
        except HTTPException as error:  # of those services of moto that have no ServiceException
            raise ResourceFailure(
                self, str(getattr(error, "error_type", None)), str(getattr(error, "message", error))
            ) from None


class EcrResourceType(ResourceType):
    service = "Ecr"
    operation: ClassVar[str]
    """The operation that creates one."""

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    def _backend(self) -> PullThroughCacheBackend:
        return cast(PullThroughCacheBackend, ecr_backends[self.account_id][self.region])

    def _members(self) -> dict[str, Any]:
        """The properties as members of the request that creates one, checked.

        :raises InvalidParameterException: they violate the constraints of the model
        """
        shape = get_service_model("ecr").operation_model(self.operation).input_shape
        members = cast("dict[str, Any]", _read(self._properties, shape, "Properties"))
        violation = find_violation(members, shape)
        if violation:
            raise InvalidParameterException(violation)
        return members


class PullThroughCacheRuleType(EcrResourceType, CloudFormationModel):
    """AWS::ECR::PullThroughCacheRule. Any change makes a new rule before the old one goes."""

    operation = "CreatePullThroughCacheRule"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::ECR::PullThroughCacheRule"

    def create(self, name: str) -> None:
        members = {xform_name(member): value for member, value in self._members().items()}
        self.physical_resource_id = self._backend().rules.create(**members).ecr_repository_prefix

    def change(self, new: PullThroughCacheRuleType) -> None:
        return None

    def identifier(self) -> str:
        return str(self._properties["EcrRepositoryPrefix"])

    def remove(self) -> None:
        with suppress(PullThroughCacheRuleNotFoundException):
            self._backend().rules.delete(ecr_repository_prefix=self.physical_resource_id)


class RepositoryCreationTemplateType(EcrResourceType, CloudFormationModel):
    """AWS::ECR::RepositoryCreationTemplate. All but the prefix changes in place."""

    operation = "CreateRepositoryCreationTemplate"
    attributes: ClassVar[Mapping[str, Callable[[Any], str]]] = {
        "CreatedAt": lambda resource: resource.made().created_at.isoformat(),
        "UpdatedAt": lambda resource: resource.made().updated_at.isoformat(),
    }
    _template: RepositoryCreationTemplate

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::ECR::RepositoryCreationTemplate"

    def made(self) -> RepositoryCreationTemplate:
        """Return the template as the stack made it: outputs stay, whatever becomes of it."""
        return self._template

    def create(self, name: str) -> None:
        members = self._members()
        self._template = self._backend().templates.create(prefix=members["prefix"], settings=read_settings(members))
        self.physical_resource_id = self._template.prefix

    def change(self, new: RepositoryCreationTemplateType) -> Callable[[], None] | None:
        members = new._members()
        if members["prefix"] != self.physical_resource_id:
            return None
        made = self._template
        before, self._template = self._backend().templates.replace(
            prefix=members["prefix"], settings=read_settings(members)
        )

        def undo() -> None:
            self._backend().templates.restore(before)
            self._template = made

        return undo

    def identifier(self) -> str:
        return str(self._properties["Prefix"])

    def remove(self) -> None:
        with suppress(TemplateNotFoundException):
            self._backend().templates.delete(prefix=self.physical_resource_id)


_PROPERTIES = {
    "filterType": "ImageTagMutabilityExclusionFilterType",
    "filter": "ImageTagMutabilityExclusionFilterValue",
}
"""The properties of members whose names differ in more than the first letter."""

_NO_PROPERTIES = frozenset({"registryId"})
"""Members that are no properties: a stack makes what belongs to its own account."""


def _read(value: Any, shape: Shape, where: str) -> Any:
    """Return the value of a property as a request has it.

    :raises InvalidParameterException: it has another type, or a property that there is none of
    """
    if isinstance(shape, StructureShape):
        names = {
            _PROPERTIES.get(member, member[0].upper() + member[1:]): member
            for member in shape.members
            if member not in _NO_PROPERTIES
        }
        members: dict[str, Any] = {}
        for name, item in _typed(value, dict, where).items():
            if name not in names:
                raise InvalidParameterException(f"Encountered unsupported property {name}")
            members[names[name]] = _read(item, shape.members[names[name]], name)
        return members
    if isinstance(shape, ListShape):
        return [_read(item, shape.member, where) for item in _typed(value, list, where)]
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else _typed(value, str, where)


def _typed(value: Any, kind: type[Value], where: str) -> Value:
    if not isinstance(value, kind):
        raise InvalidParameterException(f"Value of property {where} must be of type {_TYPES[kind]}")
    return value


_TYPES: dict[type, str] = {dict: "Object", list: "List", str: "String"}


def _handler_error(code: str) -> str:
    """Return CloudFormation's word for the kind of a service's error."""
    if "AlreadyExists" in code or "ResourceExists" in code:
        return "AlreadyExists"
    if "NotFound" in code:
        return "NotFound"
    return "ServiceLimitExceeded" if "LimitExceeded" in code else "InvalidRequest"
