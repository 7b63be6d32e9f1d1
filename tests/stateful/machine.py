"""Random sequences of what users, clients and upstreams do, each step compared with the reference."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize

from tests.stateful.contents import ABROAD, HOME, HUB, NEIGHBOUR, QUAY
from tests.stateful.pull_steps import PullSteps


class Sequence(PullSteps):
    """All steps."""

    @initialize(is_demanding=st.booleans(), is_held=st.booleans())
    def set_up(self, is_demanding: bool, is_held: bool) -> None:
        """Begin with rules for each kind of upstream, in most registries: without any nothing is pulled."""
        self.put_secret(value="good")
        for url in (QUAY, HUB, ABROAD.host):
            prefix = {QUAY: "quay", HUB: "hub"}.get(url, "ecr")
            self.create_rule(registry=HOME, prefix=prefix, url=url, upstream_prefix=None, has_secret=url == HUB)
        self.create_rule(registry=ABROAD, prefix="ROOT", url=HOME.host, upstream_prefix=None, has_secret=False)
        self.create_rule(registry=NEIGHBOUR, prefix="quay", url=QUAY, upstream_prefix="up", has_secret=False)
        if is_demanding:
            self.change_upstream_credentials(url=HUB, is_demanded=True)
        for place in [(QUAY, "app"), (QUAY, "up/app"), (HUB, "library/app")] if is_held else []:
            self.push_to_upstream(place=place, tag="v1", image="first")
            self.push_to_upstream(place=place, tag="v2", image="index")
