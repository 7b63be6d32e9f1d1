"""JSON in, JSON out: unpacks the requests of the pull through cache's operations, calls the backend, shapes the reply.

All other requests go to moto's own response class, which this one extends.
"""

from __future__ import annotations

import json
import re
import zlib
from datetime import timedelta
from io import BytesIO
from typing import Any, cast

from moto import settings
from moto.core.base_backend import backend_lock
from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import AccessDeniedError, ServiceException, SignatureDoesNotMatchError
from moto.core.responses import ActionResult
from moto.core.utils import get_service_model
from moto.ecr.exceptions import InvalidParameterException
from moto.ecr.models import ecr_backends
from moto.ecr.responses import ECRResponse
from moto.iam.access_control import CreateAccessKeyFailure, create_access_key
from werkzeug.exceptions import HTTPException

from . import protocol
from .configuration import now
from .exceptions import (
    AccessDeniedException,
    ProtocolError,
    SerializationException,
    UnknownOperationException,
)
from .iam import Caller
from .layers import Layer, layer_url
from .models import PullThroughCacheBackend, is_anything_served
from .templates import SETTINGS, RepositoryCreationTemplate, read_settings
from .validation import find_violation

_INVALID_TOKEN = "The security token included in the request is invalid."

OPERATIONS = frozenset(
    {
        "CreatePullThroughCacheRule",
        "DeletePullThroughCacheRule",
        "DescribePullThroughCacheRules",
        "UpdatePullThroughCacheRule",
        "ValidatePullThroughCacheRule",
        "CreateRepositoryCreationTemplate",
        "DeleteRepositoryCreationTemplate",
        "DescribeRepositoryCreationTemplates",
        "UpdateRepositoryCreationTemplate",
        "GetAccountSetting",
        "PutAccountSetting",
        "GetDownloadUrlForLayer",
        "ListImageReferrers",
    }
)
"""Those that are this package's own. All others are moto's, some of them with more to answer."""

SERVED_OPERATIONS = frozenset({"BatchGetImage", "BatchCheckLayerAvailability"})
"""Those of moto's that are answered here for repositories that pull through cache has to do with."""

ASKING_OPERATIONS = frozenset(
    {"BatchGetImage", "GetDownloadUrlForLayer", "ListImageReferrers", "ValidatePullThroughCacheRule"}
)
"""Those that may have to wait for an upstream registry."""

TOKEN_LIFETIME = timedelta(hours=12)

_TEMPLATE_MEMBERS = {
    "prefix": "prefix",
    **SETTINGS,
    "created_at": "createdAt",
    "updated_at": "updatedAt",
}


class PullThroughCacheResponse(ECRResponse):
    def __init__(self) -> None:
        super().__init__()
        self.response_headers: dict[str, str] = {}
        self._operation: str | None = None
        self._received = b""
        self._caller: Caller | None = None

    # --- operations ----------------------------------------------------------------------------------------------

    def create_pull_through_cache_rule(self) -> ActionResult:
        members = self._read_members()
        return ActionResult(
            self._backend.create_pull_through_cache_rule(
                ecr_repository_prefix=members["ecrRepositoryPrefix"],
                upstream_registry_url=members["upstreamRegistryUrl"],
                registry_id=members.get("registryId"),
                upstream_registry=members.get("upstreamRegistry"),
                credential_arn=members.get("credentialArn"),
                custom_role_arn=members.get("customRoleArn"),
                upstream_repository_prefix=members.get("upstreamRepositoryPrefix"),
                caller=self._caller,
            )
        )

    def describe_pull_through_cache_rules(self) -> ActionResult:
        members = self._read_members()
        rules, next_token = self._backend.describe_pull_through_cache_rules(
            registry_id=members.get("registryId"),
            ecr_repository_prefixes=members.get("ecrRepositoryPrefixes"),
            max_results=members.get("maxResults"),
            next_token=members.get("nextToken"),
        )
        return ActionResult({"pullThroughCacheRules": rules, "nextToken": next_token})

    def update_pull_through_cache_rule(self) -> ActionResult:
        members = self._read_members()
        return ActionResult(
            self._backend.update_pull_through_cache_rule(
                ecr_repository_prefix=members["ecrRepositoryPrefix"],
                registry_id=members.get("registryId"),
                credential_arn=members.get("credentialArn"),
                custom_role_arn=members.get("customRoleArn"),
                caller=self._caller,
            )
        )

    def delete_pull_through_cache_rule(self) -> ActionResult:
        members = self._read_members()
        return ActionResult(
            self._backend.delete_pull_through_cache_rule(
                ecr_repository_prefix=members["ecrRepositoryPrefix"], registry_id=members.get("registryId")
            )
        )

    def validate_pull_through_cache_rule(self) -> ActionResult:
        members = self._read_members()
        rule, failure = self._backend.validate_pull_through_cache_rule(
            ecr_repository_prefix=members["ecrRepositoryPrefix"],
            registry_id=members.get("registryId"),
            caller=self._caller,
        )
        return ActionResult({**vars(rule), "is_valid": not failure, "failure": failure})

    def create_repository_creation_template(self) -> ActionResult:
        members = self._read_members()
        return self._template_result(
            self._backend.create_repository_creation_template(
                prefix=members["prefix"], settings=read_settings(members), caller=self._caller
            )
        )

    def describe_repository_creation_templates(self) -> ActionResult:
        members = self._read_members()
        templates, next_token = self._backend.describe_repository_creation_templates(
            prefixes=members.get("prefixes"),
            max_results=members.get("maxResults"),
            next_token=members.get("nextToken"),
        )
        return ActionResult(
            {
                "registryId": self.current_account,
                "repositoryCreationTemplates": [_template_members(template) for template in templates],
                "nextToken": next_token,
            }
        )

    def update_repository_creation_template(self) -> ActionResult:
        members = self._read_members()
        return self._template_result(
            self._backend.update_repository_creation_template(
                prefix=members["prefix"], settings=read_settings(members), caller=self._caller
            )
        )

    def delete_repository_creation_template(self) -> ActionResult:
        members = self._read_members()
        return self._template_result(self._backend.delete_repository_creation_template(prefix=members["prefix"]))

    def get_account_setting(self) -> ActionResult:
        name = self._read_members()["name"]
        return ActionResult({"name": name, "value": self._backend.get_account_setting(name=name)})

    def put_account_setting(self) -> ActionResult:
        members = self._read_members()
        name = members["name"]
        return ActionResult(
            {"name": name, "value": self._backend.put_account_setting(name=name, value=members["value"])}
        )

    # --- pulls ---------------------------------------------------------------------------------------------------

    def batch_get_image(self) -> ActionResult:
        if self._operation is None:
            return super().batch_get_image()
        members = self._read_members()
        images, failures = self._backend.pull_images(
            repository_name=members["repositoryName"],
            image_ids=members["imageIds"],
            registry_id=members.get("registryId"),
            accepted_media_types=members.get("acceptedMediaTypes"),
            caller=self._caller,
        )
        return ActionResult({"images": images, "failures": failures})

    def batch_check_layer_availability(self) -> ActionResult:
        if self._operation is None:
            return super().batch_check_layer_availability()
        members = self._read_members()
        layers, failures = self._backend.check_layers(
            repository_name=members["repositoryName"],
            layer_digests=members["layerDigests"],
            registry_id=members.get("registryId"),
        )
        return ActionResult({"layers": layers, "failures": failures})

    def get_download_url_for_layer(self) -> ActionResult:  # type: ignore[override]  # moto's only raises
        members = self._read_members()
        repository_name, digest = members["repositoryName"], members["layerDigest"]
        self._backend.find_layer(
            repository_name=repository_name,
            layer_digest=digest,
            registry_id=members.get("registryId"),
            caller=self._caller,
        )
        url = layer_url(self, self._backend, Layer(repository_name, digest))
        return ActionResult({"downloadUrl": url, "layerDigest": digest})

    def list_image_referrers(self) -> ActionResult:
        members = self._read_members()
        selection = members.get("filter", {})
        referrers, next_token = self._backend.list_image_referrers(
            repository_name=members["repositoryName"],
            digest=members["subjectId"]["imageDigest"],
            registry_id=members.get("registryId"),
            artifact_types=selection.get("artifactTypes"),
            artifact_status=selection.get("artifactStatus"),
            max_results=members.get("maxResults"),
            next_token=members.get("nextToken"),
            caller=self._caller,
        )
        return ActionResult({"referrers": referrers, "nextToken": next_token})

    def get_authorization_token(self) -> ActionResult:
        answer = super().get_authorization_token()
        for token in cast("dict[str, Any]", answer.result)["authorizationData"]:
            token["expiresAt"] = now() + TOKEN_LIFETIME
        return answer

    def _template_result(self, template: RepositoryCreationTemplate) -> ActionResult:
        return ActionResult(
            {"registryId": self.current_account, "repositoryCreationTemplate": _template_members(template)}
        )

    # --- dispatch ------------------------------------------------------------------------------------------------

    def _dispatch(self, request: Any, full_url: str | None = None, headers: Any = None) -> TYPE_RESPONSE:
        try:
            operation = self._find_operation(request.headers.get("X-Amz-Target"))
            # The usual case, which must not cost moto's users anything.
            if operation not in OPERATIONS and not (operation in SERVED_OPERATIONS and is_anything_served()):
                return super()._dispatch(request, full_url, headers)
            self._operation = operation
            self._receive(request)
            with backend_lock:  # moto resets its backends under this lock: no request sees half of a reset
                self._read_request(request, full_url, headers)
                if operation in SERVED_OPERATIONS and self._is_for_moto():
                    self._operation = None
                if operation not in ASKING_OPERATIONS or self._operation is None:
                    return self.call_action()
            return self.call_action()
        except ProtocolError as error:
            error_headers, body = protocol.error_response(error)
            return 400, *self._enrich_response({**self.response_headers, **error_headers}, body)

    def _find_operation(self, target: str | None) -> str | None:
        if target is None:  # left to moto, which finds the operation elsewhere
            return None
        service_model = get_service_model("ecr")
        operation = protocol.read_operation(target, service_model)
        if operation in OPERATIONS:
            protocol.check_target(target, service_model)
        return operation

    def _is_for_moto(self) -> bool:
        """Return whether a request is about a repository that pull through cache has nothing to do with.

        What does not name a repository is answered here, as the protocol wants it: moto would fail on it.
        """
        try:
            name = json.loads(self._read_body().decode())["repositoryName"]
        except (ValueError, RecursionError, LookupError, TypeError):
            return False
        return isinstance(name, str) and not self._backend.serves(name)

    def _read_body(self) -> bytes:
        body = self.body or self._received  # moto takes the body of a form apart, and curl calls everything a form
        return body.encode() if isinstance(body, str) else body

    def _receive(self, request: Any) -> None:
        """Wait for the whole body: a client may take its time, but not with the lock held."""
        # In process, before moto 5.2.4, a request has its body and no stream.
        if hasattr(request, "environ"):  # pragma: no branch (which it is depends on the installed moto)
            self._received = request.stream.read()
            request.stream = BytesIO(self._received)

    def _read_request(self, request: Any, full_url: str | None, headers: Any) -> None:
        try:
            # Raw, since moto would look for a query string in the text of the body, and fail on what is not UTF-8.
            self.setup_class(request, full_url, headers, use_raw_body=True)
        except (OSError, EOFError, zlib.error):
            raise SerializationException("The request body is not valid gzip data") from None

    def _read_members(self) -> dict[str, Any]:
        """Return the request's members, checked."""
        if self._operation is None:
            # The name came from a query string or from text in the body of another operation.
            raise UnknownOperationException(self._get_action())
        shape = get_service_model("ecr").operation_model(self._operation).input_shape
        members = protocol.read_members(self._read_body(), shape)
        violation = find_violation(members, shape)
        if violation:
            raise InvalidParameterException(violation)
        return members

    @property
    def _backend(self) -> PullThroughCacheBackend:
        if not re.fullmatch("[0-9]+", self.current_account):
            raise ProtocolError("UnrecognizedClientException", f"'{self.current_account}' is not the id of an account")
        try:
            return cast(PullThroughCacheBackend, ecr_backends[self.current_account][self.region])
        except KeyError:
            raise ProtocolError("InvalidSignatureException", "Credential should be scoped to a valid region.") from None

    # --- what moto's response class asks of itself ---------------------------------------------------------------

    def _get_action(self) -> str:
        return self._operation or super()._get_action()

    def determine_response_protocol(self, service_model: Any) -> str:
        # moto goes by the request's content type, and fails on those that are not ECR's.
        return "json" if self._operation else super().determine_response_protocol(service_model)

    def _authenticate_and_authorize_normal_action(self, resource: str = "*") -> None:
        if self._operation is None:
            super()._authenticate_and_authorize_normal_action(resource)
            return
        enforced = self.request_count >= settings.INITIAL_NO_AUTH_ACTION_COUNT
        if enforced and "Authorization" not in self.headers:
            raise ProtocolError("MissingAuthenticationTokenException", "Missing Authentication Token")
        try:
            super()._authenticate_and_authorize_normal_action(resource)
            if enforced:
                self._caller = self._find_caller()
        except AccessDeniedError as error:
            raise AccessDeniedException(error.message) from None
        except SignatureDoesNotMatchError as error:
            raise ProtocolError("InvalidSignatureException", error.message) from None
        except (KeyError, IndexError):  # moto reads the signature's parts without a look whether they are there
            raise ProtocolError("IncompleteSignatureException", "The request's signature is incomplete") from None
        except (ServiceException, HTTPException, CreateAccessKeyFailure):  # a role or user that is gone
            raise ProtocolError("UnrecognizedClientException", _INVALID_TOKEN) from None

    def _find_caller(self) -> Caller:
        return Caller(create_access_key(self.current_account, self.partition, self.access_key, self.headers))


def _template_members(template: RepositoryCreationTemplate) -> dict[str, Any]:
    # By the model's names: moto's serializer looks for those first, and a page has many of them.
    return {name: getattr(template, attribute) for attribute, name in _TEMPLATE_MEMBERS.items()}
