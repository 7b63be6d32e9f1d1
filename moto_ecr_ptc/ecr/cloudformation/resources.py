"""The resource types of CloudFormation for rules and templates, and what all resource types of this package share.

moto's CloudFormation finds the direct subclasses of ``CloudFormationModel`` that exist.

Source: CloudFormation resource reference, AWS::ECR::PullThroughCacheRule and AWS::ECR::RepositoryCreationTemplate.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
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

from ..exceptions import PullThroughCacheRuleNotFoundException, TemplateNotFoundException
from ..models import PullThroughCacheBackend
from ..templates import RepositoryCreationTemplate, read_settings
from ..validation import find_violation

Value = TypeVar("Value")


replaced: ContextVar[list[tuple[ResourceType, ResourceType]]] = ContextVar("replaced")
"""The resources that an update replaced, each with its successor. The old ones go when the update has succeeded."""


class ResourceFailure(ServiceException):
    """A resource that could not be created, updated or deleted. Its message is the reason in the stack's events."""

    def __init__(self, resource: ResourceType, code: str, message: str) -> None:
        self.code = code
        self.resource = resource
        super().__init__(
            f'Resource handler returned message: "{message} (Service: {resource.service}, Status Code: 400, '
            f'Request ID: {mock_random.uuid4()})" (RequestToken: {mock_random.uuid4()}, '
            f"HandlerErrorCode: {_handler_error(code)})"
        )


class ResourceType:
    """What the resource types have in common: a mixin, since their base must be moto's class itself."""

    service: ClassVar[str]
    """The service's name in reasons."""

    attributes: ClassVar[Mapping[str, Callable[[Any], str]]] = {}
    """What Fn::GetAtt gives."""

    cloudformation_type: Callable[[], str]

    def __init__(self, logical_id: str, properties: dict[str, Any], account_id: str, region: str) -> None:
        self.logical_resource_id = logical_id
        self.properties = properties
        self.account_id = account_id
        self.region = region
        self.physical_resource_id = ""

    @abstractmethod
    def create(self, name: str) -> None:
        """Make what the properties say. ``name`` is moto's for a resource that the properties give none.

        :raises ServiceException: the service refuses it
        """

    @abstractmethod
    def change(self, new: Any) -> bool:
        """Become as another resource of this type says, if that is possible in place, and return whether it was.

        :raises ServiceException: the service refuses it
        """

    @abstractmethod
    def remove(self) -> None:
        """Delete what was made, if it is still there."""

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

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: ResourceType,
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> ResourceType:
        new = cls(original_resource.logical_resource_id, cloudformation_json["Properties"], account_id, region_name)
        with new.failing():
            if new.properties == original_resource.properties or original_resource.change(new):
                original_resource.properties = new.properties
                return original_resource
            new.create(new_resource_name)
        if cloudformation_json.get("UpdateReplacePolicy") != "Retain":
            replaced.get().append((original_resource, new))
        return new

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

    @property
    def backend(self) -> PullThroughCacheBackend:
        return cast(PullThroughCacheBackend, ecr_backends[self.account_id][self.region])

    @property
    def members(self) -> dict[str, Any]:
        """The properties as members of the request that creates one, checked.

        :raises InvalidParameterException: they violate the constraints of the model
        """
        shape = get_service_model("ecr").operation_model(self.operation).input_shape
        members = cast("dict[str, Any]", _read(self.properties, shape, "Properties"))
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
        members = {xform_name(member): value for member, value in self.members.items()}
        self.physical_resource_id = self.backend.create_pull_through_cache_rule(**members).ecr_repository_prefix

    def change(self, new: PullThroughCacheRuleType) -> bool:
        return False

    def remove(self) -> None:
        with suppress(PullThroughCacheRuleNotFoundException):
            self.backend.delete_pull_through_cache_rule(ecr_repository_prefix=self.physical_resource_id)


class RepositoryCreationTemplateType(EcrResourceType, CloudFormationModel):
    """AWS::ECR::RepositoryCreationTemplate. All but the prefix changes in place."""

    operation = "CreateRepositoryCreationTemplate"
    attributes: ClassVar[Mapping[str, Callable[[Any], str]]] = {
        "CreatedAt": lambda resource: resource.template.created_at.isoformat(),
        "UpdatedAt": lambda resource: resource.template.updated_at.isoformat(),
    }
    template: RepositoryCreationTemplate
    """As the stack made it: outputs stay, whatever becomes of it."""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::ECR::RepositoryCreationTemplate"

    def create(self, name: str) -> None:
        members = self.members
        self.template = self.backend.create_repository_creation_template(
            prefix=members["prefix"], settings=read_settings(members)
        )
        self.physical_resource_id = self.template.prefix

    def change(self, new: RepositoryCreationTemplateType) -> bool:
        members = new.members
        if members["prefix"] != self.physical_resource_id:
            return False
        self.template = self.backend.replace_repository_creation_template(
            prefix=members["prefix"], settings=read_settings(members)
        )
        return True

    def remove(self) -> None:
        with suppress(TemplateNotFoundException):
            self.backend.delete_repository_creation_template(prefix=self.physical_resource_id)


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
