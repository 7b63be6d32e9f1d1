"""The steps that change what upstream registries hold and how they answer."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.stateful import contents
from tests.stateful.comparison import Compared, handle
from tests.stateful.contents import Image
from tests.stateful.strategies import (
    at_upstream,
    tags,
    urls,
)
from tests.stateful.upstream_model import CAUSES

CREDENTIALS = {"username": "a-user", "accessToken": "a-token"}


class UpstreamSteps(Compared):
    """What happens at the upstreams."""

    @rule(place=at_upstream, tag=tags, image=st.sampled_from(contents.CATALOGUE))
    def push_to_upstream(self, place: tuple[str, str], tag: str, image: str) -> None:
        url, name = place
        learned = contents.catalogue()[image]
        self.reference.upstreams[url].held(name).add(learned, tag)
        assert contents.push(handle(url), name, image, tag).digest == learned.root.digest

    @rule(place=at_upstream, tag=tags)
    def push_signature_to_upstream(self, place: tuple[str, str], tag: str) -> None:
        url, name = place
        held = (self.reference.upstreams[url].repositories or {}).get(name)
        if held is None or tag not in held.tags:
            return
        signature = contents.push_signature(handle(url), name, held.tags[tag])
        held.add(contents.Catalogued(Image(signature.manifest.decode(), signature.media_type)), None)

    @rule(place=at_upstream, tag=tags)
    def remove_from_upstream(self, place: tuple[str, str], tag: str) -> None:
        url, name = place
        try:
            handle(url).remove(name, tag)
            is_removed = True
        except ValueError:
            is_removed = False
        assert is_removed == self.reference.upstreams[url].remove(name, tag)

    @rule(url=urls)
    def clear_upstream(self, url: str) -> None:
        handle(url).clear()
        self.reference.upstreams[url].repositories = {}

    @rule(url=urls, is_one=st.booleans(), cause=st.sampled_from(CAUSES), times=st.sampled_from([None, 1, 2]))
    def fail_upstream(self, url: str, is_one: bool, cause: Any, times: int | None) -> None:
        name = contents.AT_UPSTREAM[url][0] if is_one else None
        handle(url).fail(name, **{"error" if isinstance(cause, str) else "status": cause}, times=times)
        self.reference.upstreams[url].failures[name] = (cause, times)

    @rule(url=urls)
    def recover_upstream(self, url: str) -> None:
        handle(url).recover()
        self.reference.upstreams[url].failures.clear()

    @rule(url=urls, is_demanded=st.booleans())
    def change_upstream_credentials(self, url: str, is_demanded: bool) -> None:
        handle(url).credentials = CREDENTIALS if is_demanded else None
        wanted = (CREDENTIALS["username"], CREDENTIALS["accessToken"])
        self.reference.upstreams[url].credentials = wanted if is_demanded else None

    @rule(url=urls)
    def expire(self, url: str) -> None:
        assert handle(url).expire() == self.reference.expire(url)
