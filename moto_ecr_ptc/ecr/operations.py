"""The HTTP side of this package's operations: reads a request's JSON, calls the backend, and shapes the answer."""

from __future__ import annotations

import json
import zlib
from contextlib import suppress
from io import BytesIO
from typing import Any, cast

from moto.core.base_backend import backend_lock
from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import AccessDeniedError, ServiceException, SignatureDoesNotMatchError
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import get_service_model
from moto.ecr.exceptions import InvalidParameterException
from moto.ecr.models import Repository
from moto.iam.access_control import CreateAccessKeyFailure, create_access_key
from werkzeug.exceptions import HTTPException

from . import protocol
from .access.iam import Caller, arn_of, find_caller, is_enforced
from .configuration.templates import SETTINGS, RepositoryCreationTemplate, read_settings
from .downloads import layer_url
from .exceptions import AccessDeniedException, ProtocolError, SerializationException
from .models import PullThroughCacheBackend
from .pulls.download_signer import Layer
from .pulls.pull_log import PullOperation, Question
from .pulls.refusals import DENIED, REFERENCES, record_refusal
from .responses import SHARED_OPERATIONS, PullThroughCacheResponse, answer_by_target, backend_of
from .validation import check_members

_INVALID_TOKEN = "The security token included in the request is invalid."

WAITING_OPERATIONS = frozenset(
    {
        "BatchGetImage",
        "GetDownloadUrlForLayer",
        "ListImageReferrers",
        "ValidatePullThroughCacheRule",
        "UploadLayerPart",
        "CompleteLayerUpload",
    }
)
"""The operations that may have to wait: for an upstream registry, or for another request to the same upload."""

_TEMPLATE_MEMBERS = {
    "prefix": "prefix",
    **SETTINGS,
    "created_at": "createdAt",
    "updated_at": "updatedAt",
}


class Operations(BaseResponse):
    def __init__(self) -> None:
        super().__init__(service_name="ecr")
        self.response_headers: dict[str, str] = {}
        self._operation = ""
        self._caller: Caller | None = None

    # --- operations ----------------------------------------------------------------------------------------------

    def create_pull_through_cache_rule(self) -> ActionResult:
        members = self._read_members()
        return ActionResult(
            self._backend.rules.create(
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
        rules, next_token = self._backend.rules.describe(
            registry_id=members.get("registryId"),
            ecr_repository_prefixes=members.get("ecrRepositoryPrefixes"),
            max_results=members.get("maxResults"),
            next_token=members.get("nextToken"),
        )
        return ActionResult({"pullThroughCacheRules": rules, "nextToken": next_token})

    def update_pull_through_cache_rule(self) -> ActionResult:
        members = self._read_members()
        return ActionResult(
            self._backend.rules.update(
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
            self._backend.rules.delete(
                ecr_repository_prefix=members["ecrRepositoryPrefix"], registry_id=members.get("registryId")
            )
        )

    def validate_pull_through_cache_rule(self) -> ActionResult:
        members = self._read_members()
        rule, failure = self._backend.upstream_repositories.validate(
            ecr_repository_prefix=members["ecrRepositoryPrefix"],
            registry_id=members.get("registryId"),
            caller=self._caller,
        )
        return ActionResult({**vars(rule), "is_valid": not failure, "failure": failure})

    def create_repository_creation_template(self) -> ActionResult:
        members = self._read_members()
        return self._template_result(
            self._backend.templates.create(
                prefix=members["prefix"], settings=read_settings(members), caller=self._caller
            )
        )

    def describe_repository_creation_templates(self) -> ActionResult:
        members = self._read_members()
        templates, next_token = self._backend.templates.describe(
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
            self._backend.templates.update(
                prefix=members["prefix"], settings=read_settings(members), caller=self._caller
            )
        )

    def delete_repository_creation_template(self) -> ActionResult:
        members = self._read_members()
        return self._template_result(self._backend.templates.delete(prefix=members["prefix"]))

    def get_account_setting(self) -> ActionResult:
        name = self._read_members()["name"]
        return ActionResult({"name": name, "value": self._backend.account_settings.get(name=name)})

    def put_account_setting(self) -> ActionResult:
        members = self._read_members()
        name = members["name"]
        return ActionResult(
            {"name": name, "value": self._backend.account_settings.put(name=name, value=members["value"])}
        )

    # --- pulls ---------------------------------------------------------------------------------------------------

    def batch_get_image(self) -> ActionResult:
        members = self._read_members()
        images, failures = self._backend.image_pulls.get_images(
            repository_name=members["repositoryName"],
            image_ids=members["imageIds"],
            registry_id=members.get("registryId"),
            accepted_media_types=members.get("acceptedMediaTypes"),
            caller=self._caller,
        )
        return ActionResult({"images": images, "failures": failures})

    def batch_check_layer_availability(self) -> ActionResult:
        members = self._read_members()
        repository = self._find_repository(members)
        with backend_lock:
            layers, failures = self._backend.layers.check(repository, members["layerDigests"])
        return ActionResult({"layers": layers, "failures": failures})

    def get_download_url_for_layer(self) -> ActionResult:
        members = self._read_members()
        repository_name, digest = members["repositoryName"], members["layerDigest"]
        self._backend.layer_pulls.get_layer(
            repository_name=repository_name,
            layer_digest=digest,
            registry_id=members.get("registryId"),
            caller=self._caller,
        )
        url = layer_url(self, self._backend, Layer(repository_name, digest))
        return ActionResult({"downloadUrl": url, "layerDigest": digest})

    def initiate_layer_upload(self) -> ActionResult:
        members = self._read_members()
        return ActionResult(self._backend.uploads.initiate(self._find_repository(members)))

    def upload_layer_part(self) -> ActionResult:
        members = self._read_members()
        return ActionResult(
            self._backend.uploads.upload_part(
                self._find_repository(members),
                members["uploadId"],
                members["partFirstByte"],
                members["partLastByte"],
                members["layerPartBlob"],
            )
        )

    def complete_layer_upload(self) -> ActionResult:
        members = self._read_members()
        return ActionResult(
            self._backend.uploads.complete(self._find_repository(members), members["uploadId"], members["layerDigests"])
        )

    def _find_repository(self, members: dict[str, Any]) -> Repository:
        return self._backend._get_repository(members["repositoryName"], members.get("registryId"))  # noqa: SLF001 (moto's check)

    def list_image_referrers(self) -> ActionResult:
        members = self._read_members()
        selection = members.get("filter", {})
        referrers, next_token = self._backend.referrer_pulls.list_referrers(
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

    def _template_result(self, template: RepositoryCreationTemplate) -> ActionResult:
        return ActionResult(
            {"registryId": self.current_account, "repositoryCreationTemplate": _template_members(template)}
        )

    # --- dispatch ------------------------------------------------------------------------------------------------

    def answer(self, request: Any, full_url: str | None, headers: Any) -> TYPE_RESPONSE:
        """Answer a request whose target names an operation of this package, or one that ECR does not have."""
        try:
            operation = self._find_operation(request.headers["X-Amz-Target"])
            self._operation = operation
            self._receive(request)
            with backend_lock:  # moto resets its backends under this lock, so every request sees a whole state
                self._read_request(request, full_url, headers)
                is_for_moto = operation in SHARED_OPERATIONS and self._is_for_moto()
                if operation not in WAITING_OPERATIONS:
                    return self.call_action()
            return self._leave_to_moto() if is_for_moto else self.call_action()
        except AccessDeniedException as error:
            self._record_denial(error.message)
            return self.refuse(error)
        except ProtocolError as error:
            return self.refuse(error)

    def translate(self, response: PullThroughCacheResponse) -> ActionResult:
        """Answer a BatchGetImage that moto has read, for a repository without pull through cache."""
        vars(self).update(vars(response))
        self._operation = "BatchGetImage"
        self._caller = self._find_caller() if is_enforced() else None
        return self.batch_get_image()

    def _leave_to_moto(self) -> TYPE_RESPONSE:
        # The request is read already, and can be read once only.
        moto_response = PullThroughCacheResponse()
        vars(moto_response).update(vars(self))
        return answer_by_target(moto_response, self._operation)

    def refuse(self, error: ProtocolError) -> TYPE_RESPONSE:
        """Answer with an error of the AWS JSON protocol."""
        error_headers, body = protocol.error_response(error)
        return error.status, *self._enrich_response({**self.response_headers, **error_headers}, body)

    def record_malformed(self, code: str, message: str) -> None:
        """Tell the pull log of a request that moto has refused by a code, and that ECR would refuse by a message."""
        with suppress(ProtocolError, KeyError):  # a request that does not say what it asks for
            members = protocol.read_members(self._read_body(), self._input_shape)
            self._record_refusal(code, f"Amazon ECR would refuse the request: {message}", members, self._caller)

    def _record_denial(self, message: str) -> None:
        """Tell the pull log of a request that is denied, if it is well-formed, and of an operation that pulls."""
        if self._operation in REFERENCES:
            with suppress(ProtocolError, InvalidParameterException):
                caller = find_caller(self._backend.registry, self.access_key or "")
                self._record_refusal(DENIED, message, self._read_members(), caller)

    def _record_refusal(self, code: str, message: str, members: dict[str, Any], caller: Caller | None) -> None:
        backend = self._backend
        operation = cast(PullOperation, self._operation)
        question = Question(operation, backend.registry, arn_of(caller, backend.registry), members["repositoryName"])
        record_refusal(question, REFERENCES[self._operation](members), code, message, backend.upstream_repositories)

    def _find_operation(self, target: str) -> str:
        service_model = get_service_model("ecr")
        operation = protocol.read_operation(target, service_model)
        protocol.check_target(target, service_model)
        return operation

    def _is_for_moto(self) -> bool:
        """Return whether a request asks for no translation, of a repository that does not use pull through cache.

        A malformed request is answered here with the protocol's error: moto would fail on it.
        """
        try:
            members = json.loads(self._read_body().decode())
            name, accepted = members["repositoryName"], members.get("acceptedMediaTypes")
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
            return False
        return isinstance(name, str) and accepted is None and not self._backend.uses_pull_through_cache(name)

    def _read_body(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else cast(bytes, self.body)

    def _receive(self, request: Any) -> None:
        """Read the whole body before the lock is taken, since the client may be slow."""
        # Before moto 5.2.4, an in-process request has a body and no stream.
        if hasattr(request, "environ"):  # pragma: no branch (which it is depends on the installed moto)
            self.allow_request_decompression = not protocol.is_decompressed(request)
            try:
                body = request.stream.read()
            except (OSError, HTTPException):  # malformed chunks, or a client that disconnects
                raise SerializationException("The request body is malformed, or cut off") from None
            request.stream = BytesIO(body)

    def _read_request(self, request: Any, full_url: str | None, headers: Any) -> None:
        try:
            # Raw: otherwise moto looks for a query string in the body, and fails on bytes that are not UTF-8.
            protocol.set_up(self, request, full_url, headers, use_raw_body=True)
        except (OSError, EOFError, zlib.error):
            raise SerializationException("The request body is not valid gzip data") from None

    def _read_members(self) -> dict[str, Any]:
        """Return the request's members.

        :raises SerializationException: the body is malformed
        :raises InvalidParameterException: a member violates the constraints of ECR's service model
        """
        members = protocol.read_members(self._read_body(), self._input_shape)
        check_members(members, self._input_shape)
        return members

    @property
    def _input_shape(self) -> Any:
        return get_service_model("ecr").operation_model(self._operation).input_shape

    @property
    def _backend(self) -> PullThroughCacheBackend:
        return backend_of(self)

    # --- overrides of moto's response class ----------------------------------------------------------------------

    def _get_action(self) -> str:
        return self._operation

    def determine_response_protocol(self, service_model: Any) -> str:
        # moto decides by the request's content type, and fails on other types than ECR's.
        return "json"

    def _authenticate_and_authorize_normal_action(self, resource: str = "*") -> None:
        enforced = is_enforced()
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
        except (KeyError, IndexError):  # moto expects all parts of the signature
            raise ProtocolError("IncompleteSignatureException", "The request's signature is incomplete") from None
        except (ServiceException, HTTPException, CreateAccessKeyFailure):  # a deleted role or user
            raise ProtocolError("UnrecognizedClientException", _INVALID_TOKEN) from None

    def _find_caller(self) -> Caller:
        return Caller(create_access_key(self.current_account, self.partition, self.access_key, self.headers))


def _template_members(template: RepositoryCreationTemplate) -> dict[str, Any]:
    # By the names in the service model: moto's serializer looks for those first, and a page has many members.
    return {name: getattr(template, attribute) for attribute, name in _TEMPLATE_MEMBERS.items()}
