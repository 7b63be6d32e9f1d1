"""A real registry that is asked over HTTP in place of an upstream registry.

Only the host in the URL that the user gave is contacted.

Source: OCI distribution specification 1.1; CNCF distribution, "Token Authentication Specification".
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import TypeVar

import requests

from ..access.credentials import UpstreamCredentials
from ..exceptions import UpstreamAccessDenied, UpstreamNotFound, UpstreamUnavailable
from ..images.blobs import Blob, BlobWriter
from ..images.manifests import (
    MAX_LAYER_SIZE,
    MEDIA_TYPES,
    OCI_INDEX,
    Descriptor,
    InvalidManifest,
    Manifest,
    has_digest,
    is_digest,
    is_repository,
    is_tag,
)
from .fetch import Answer, Document, fetch_blob, fetch_document, origin
from .source import Fetched

DEFAULT_TIMEOUT = 10
"""Seconds."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5
_MAX_PAGES = 100
_MAX_AUTHORIZATIONS = 1000
MAX_UNDESCRIBED_BLOB = 1024 * 1024 * 1024
"""The size limit of a blob whose size no manifest states."""

_HOST = re.compile(r"(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d*)?", re.IGNORECASE)
_SCHEME = re.compile(r"(?P<scheme>[^\s=\"]+)(?:\s+(?![\s=])(?P<parameter>.*))?")


AnswerType = TypeVar("AnswerType", bound=Answer)

_Fetch = Callable[[str, Mapping[str, str]], AnswerType]
"""Sends one GET request: takes the URL and the headers."""


class ProxiedRegistry:
    """A registry behind HTTP.

    Redirects, realms of tokens and further pages are followed only on the host in the URL, though on any of its ports
    (token servers commonly have one of their own), and never from https to http. The environment's proxies, netrc files
    and certificates are ignored. Credentials are sent only when the registry asks for them.

    :param url: ``http://host``, ``https://host``, or either with a port
    :param timeout: how many seconds the registry has to answer; a blob must begin by then, and never pause for longer
    :raises ValueError: a malformed URL or timeout
    """

    def __init__(self, url: str, timeout: float = DEFAULT_TIMEOUT) -> None:
        self.url = check_proxy(url, timeout)
        self._timeout = timeout
        self._host = urllib.parse.urlsplit(self.url).hostname
        self._authorizations: dict[tuple[UpstreamCredentials | None, str], str] = {}

    def get_manifest(self, repository: str, reference: str, credentials: UpstreamCredentials | None) -> Fetched:
        """Return a manifest, without blobs.

        :raises UpstreamError: there is none, or no valid one
        """
        if not (is_repository(repository) and (is_tag(reference) or is_digest(reference))):
            raise UpstreamNotFound(f"no registry has an image '{reference}' in a repository '{repository}'")
        url = f"{self.url}/v2/{repository}/manifests/{reference}"
        answer = self._ask(url, repository, credentials, ", ".join(MEDIA_TYPES), self._fetch_document)
        digest = reference if is_digest(reference) else ""
        for claimed, claim in (
            (digest, "that was asked for"),
            (answer.headers.get("Docker-Content-Digest"), "in its Docker-Content-Digest header"),
        ):
            _verify(answer, claim, not claimed or has_digest(answer.content, claimed))
        media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        try:
            manifest = Manifest(answer.content, media_type, digest)
            declared = manifest.document.get("mediaType")
            if media_type not in MEDIA_TYPES and isinstance(declared, str):
                manifest = Manifest(answer.content, declared, digest)
            if manifest.media_type not in MEDIA_TYPES:
                raise InvalidManifest("a manifest of a media type that Amazon ECR does not store")
            manifest.check()
        except InvalidManifest as fault:
            raise UpstreamUnavailable(f"{origin(answer.url)}: {fault}") from None
        return Fetched(manifest, {})

    def get_blob(
        self, repository: str, digest: str, credentials: UpstreamCredentials | None, size: int | None = None
    ) -> Blob:
        """Return a blob.

        :param size: no more is read; None means ``MAX_UNDESCRIBED_BLOB``
        :raises UpstreamError: there is none, or its content does not have the digest
        """
        if not (is_repository(repository) and is_digest(digest)):
            raise UpstreamNotFound("a registry has nothing of such a name and digest")
        url = f"{self.url}/v2/{repository}/blobs/{digest}"
        max_size = MAX_UNDESCRIBED_BLOB if size is None else min(size, MAX_LAYER_SIZE)
        with closing(BlobWriter(digest.partition(":")[0])) as writer:

            def fetch(url: str, headers: Mapping[str, str]) -> Answer:
                return fetch_blob(url, headers, self._timeout, max_size, writer.write)

            answer = self._ask(url, repository, credentials, "*/*", fetch)
            _verify(answer, "that was asked for", writer.has_digest(digest))
            return writer.finish()

    def get_referrers(self, repository: str, digest: str, credentials: UpstreamCredentials | None) -> list[Descriptor]:
        """Return the manifests that refer to the one with this digest.

        A registry older than version 1.1 of the specification lists them in an index whose tag is made of the digest.

        :raises UpstreamError: there is no valid list
        """
        if not (is_repository(repository) and is_digest(digest)):
            raise UpstreamNotFound("a registry has nothing of such a name and digest")
        deadline = time.monotonic() + self._timeout
        try:
            answer = self._ask(
                f"{self.url}/v2/{repository}/referrers/{digest}",
                repository,
                credentials,
                OCI_INDEX,
                self._fetch_document,
            )
        except UpstreamNotFound:
            return self._get_tagged_referrers(repository, digest, credentials)
        referrers: list[Descriptor] = []
        for _ in range(_MAX_PAGES):
            try:
                referrers += Manifest(answer.content, OCI_INDEX).children
            except InvalidManifest as fault:
                raise UpstreamUnavailable(f"{origin(answer.url)}: {fault}") from None
            link = _find_next(answer)
            if not link:
                return referrers
            if time.monotonic() > deadline:
                break
            answer = self._ask(self._follow(answer.url, link), repository, credentials, OCI_INDEX, self._fetch_document)
        raise UpstreamUnavailable(f"{origin(answer.url)}: too many referrers")

    def authenticate(self, credentials: UpstreamCredentials | None) -> None:
        """Return if the registry accepts the credentials.

        :raises UpstreamError: it does not
        """
        # An earlier answer says nothing about the credentials now.
        self._authorizations.pop((credentials, ""), None)
        try:
            self._ask(f"{self.url}/v2/", "", credentials, "*/*", self._fetch_document)
        except UpstreamNotFound as error:
            raise UpstreamUnavailable(f"no registry: {error}") from None

    def _get_tagged_referrers(
        self, repository: str, digest: str, credentials: UpstreamCredentials | None
    ) -> list[Descriptor]:
        algorithm, _, value = digest.partition(":")
        try:
            tagged = self.get_manifest(repository, f"{algorithm}-{value[:64]}", credentials)
        except UpstreamNotFound:
            return []
        return list(tagged.manifest.children)

    # --- authentication ----------------------------------------------------------------------------------------------

    def _ask(
        self,
        url: str,
        repository: str,
        credentials: UpstreamCredentials | None,
        accept: str,
        fetch: _Fetch[AnswerType],
    ) -> AnswerType:
        """Return the registry's answer with HTTP 200, with the credentials sent if it asks for them."""
        # A token is valid for one repository.
        key = (credentials, repository)
        # Another port of the host receives credentials only if it asks for them.
        authorization = self._authorizations.get(key) if _origin(url) == _origin(self.url) else None
        answer = self._get(url, accept, authorization, fetch)
        if answer.status == 401:
            # There is no authorization yet, or it has expired.
            authorization = self._authorize(answer, credentials)
            answer = self._get(url, accept, authorization, fetch)
            if answer.status != 401:
                if len(self._authorizations) >= _MAX_AUTHORIZATIONS:
                    self._authorizations.clear()
                self._authorizations[key] = authorization
        if answer.status != 200:
            raise answer.error()
        return answer

    def _authorize(self, refusal: Answer, credentials: UpstreamCredentials | None) -> str:
        """Return the ``Authorization`` that a registry asks for."""
        basic = _encode(credentials) if credentials else None
        challenges = _parse_challenges(refusal.headers.get("WWW-Authenticate", ""))
        if "bearer" in challenges:
            return f"Bearer {self._get_token(refusal.url, challenges['bearer'], basic)}"
        if "basic" in challenges and basic:
            return basic
        if "basic" in challenges:
            raise refusal.error()
        raise UpstreamAccessDenied(
            f"{origin(refusal.url)} answered HTTP 401 and asked for neither Basic nor Bearer authentication, "
            "so that no credentials were sent"
        )

    def _get_token(self, source: str, challenge: Mapping[str, str], basic: str | None) -> str:
        if not challenge.get("realm"):
            raise UpstreamUnavailable(f"{origin(source)}: a challenge without a realm")
        realm = self._follow(source, challenge["realm"])
        query = urllib.parse.urlencode({name: challenge[name] for name in ("service", "scope") if name in challenge})
        url = f"{realm}{'&' if '?' in realm else '?'}{query}"
        answer = self._get(url, "application/json", basic, self._fetch_document)
        if answer.status == 404:
            raise UpstreamUnavailable(f"{origin(url)}: no token server")
        if answer.status != 200:
            raise answer.error()
        try:
            document = json.loads(answer.content)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict):
            for member in ("token", "access_token"):
                if isinstance(document.get(member), str) and document[member]:
                    return str(document[member])
        raise UpstreamUnavailable(f"{origin(url)}: an answer without a token")

    # --- HTTP --------------------------------------------------------------------------------------------------------

    def _get(self, url: str, accept: str, authorization: str | None, fetch: _Fetch[AnswerType]) -> AnswerType:
        """Return the answer at the end of the redirects."""
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        if authorization:
            headers["Authorization"] = authorization
        deadline = time.monotonic() + self._timeout
        for _ in range(_MAX_REDIRECTS + 1):
            answer = fetch(url, headers)
            if answer.status not in _REDIRECTS:
                return answer
            if time.monotonic() > deadline:
                raise UpstreamUnavailable(f"{origin(url)}: no end of the redirects within {self._timeout} seconds")
            location = answer.headers.get("Location")
            if not location:
                raise UpstreamUnavailable(f"{origin(url)} answered HTTP {answer.status} without a Location")
            target = self._follow(url, location)
            if _origin(target) != _origin(url):
                headers.pop("Authorization", None)
            url = target
        raise UpstreamUnavailable(f"{origin(url)}: too many redirects")

    def _fetch_document(self, url: str, headers: Mapping[str, str]) -> Document:
        return fetch_document(url, headers, self._timeout)

    def _follow(self, source: str, target: str) -> str:
        """Return the URL that an answer points to.

        :raises UpstreamUnavailable: it is malformed, on another host, or leads from https to http
        """
        try:
            # As it will be sent: other readings of a malformed URL may see another host in it.
            url = requests.Request("GET", urllib.parse.urljoin(source, target)).prepare().url or ""
            parts = urllib.parse.urlsplit(url)
            scheme, host, _ = _origin(url)
        except ValueError:
            raise UpstreamUnavailable(f"{origin(source)}: pointed to a malformed URL") from None
        schemes = ("https",) if source.startswith("https:") else ("http", "https")
        # The messages leave out the target, since it may contain what was sent.
        faults = {
            "another host than the one that was given to 'proxy'": host != self._host,
            "a URL that is not http or https": scheme not in ("http", "https"),
            "http, though it was asked by https": scheme not in schemes,
            "a URL with credentials": "@" in parts.netloc,
        }
        for fault, found in faults.items():
            if found:
                raise UpstreamUnavailable(f"{origin(source)}: pointed to {fault}, where moto_ecr_ptc does not go")
        return url


def check_proxy(url: str, timeout: float) -> str:
    """Check where a registry is and how long it may take, and return its URL.

    :raises ValueError: one of them is malformed
    """
    if type(timeout) not in (int, float) or not 0 < timeout < threading.TIMEOUT_MAX:
        raise ValueError(f"{timeout!r} is not a positive number of seconds")
    return _check_url(url)


def _check_url(url: str) -> str:
    """Return a registry's URL, without a slash at its end.

    :raises ValueError: it is malformed, or not the URL of a registry
    """
    # The messages leave out the URL, since it may contain a password.
    expected = "The URL of a registry to proxy must be http://host[:port] or https://host[:port]"
    if not isinstance(url, str):
        raise ValueError(f"{expected}, not {url!r}")
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"{expected}; this one has a malformed host or port") from None
    faults = {
        "another scheme, or none": parts.scheme not in ("http", "https"),
        "credentials; they come from the secret of a pull through cache rule": "@" in parts.netloc,
        "a query": "?" in url,
        "a fragment": "#" in url,
        "a path": parts.path not in ("", "/"),
        "a malformed host": not _HOST.fullmatch(parts.netloc),
        "the port 0": port == 0,
        "whitespace": bool(re.search(r"\s", url)),
    }
    for fault, found in faults.items():
        if found:
            raise ValueError(f"{expected}; this one has {fault}")
    return f"{parts.scheme}://{parts.netloc}"


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _encode(credentials: UpstreamCredentials) -> str:
    pair = f"{credentials.username}:{credentials.access_token}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _parse_challenges(header: str) -> dict[str, dict[str, str]]:
    """Return the parameters of each scheme in ``WWW-Authenticate``; the names of both in lower case."""
    challenges: dict[str, dict[str, str]] = {}
    parameters: dict[str, str] = {}
    for item in urllib.request.parse_http_list(header):
        match = _SCHEME.fullmatch(item)
        if match:
            parameters = challenges.setdefault(match["scheme"].lower(), {})
            item = match["parameter"] or ""
        name, _, value = item.partition("=")
        parameters[name.strip().lower()] = value.strip().strip('"')
    return challenges


def _find_next(answer: Answer) -> str | None:
    """Return the URL of the next page; None if there is none."""
    links = requests.utils.parse_header_links(answer.headers.get("Link", ""))
    return next((link["url"] for link in links if link.get("rel") == "next"), None)


def _verify(answer: Answer, claim: str, has_it: bool) -> None:
    if not has_it:
        raise UpstreamUnavailable(f"{origin(answer.url)}: content that does not have the digest {claim}")
