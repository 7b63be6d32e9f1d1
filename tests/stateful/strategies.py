"""What the steps of a sequence choose from."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.stateful import contents
from tests.stateful.calls import PURPOSES
from tests.stateful.contents import HOME, HUB, QUAY, REGISTRIES
from tests.stateful.reference import PULL, PUSH

# Most of what happens is to meet what happened before.
registries = st.sampled_from([HOME, HOME, HOME, *REGISTRIES])
names = st.sampled_from(["quay/app", "quay/app", *contents.REPOSITORIES])
tags = st.sampled_from(contents.TAGS)
prefixes = st.sampled_from(contents.PREFIXES)
urls = st.sampled_from([QUAY, HUB])
numbers = st.integers(0, 30)
"""Chooses among what is there, so that a shorter sequence still has a meaning."""

mutabilities = st.sampled_from(["MUTABLE", "IMMUTABLE"])
at_upstream = st.sampled_from([(url, name) for url, held in contents.AT_UPSTREAM.items() for name in held])
_purposes = [(PULL,), (PULL, PUSH), (PUSH,)] if PUSH in PURPOSES else [(PULL,)]
purposes = st.sampled_from(_purposes)
own_images = st.sampled_from(contents.OWN_IMAGES)
