"""``images``, ``remove``, ``clear`` and ``expire`` of a handle: what an upstream holds, and what is taken away."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from conftest import OTHER_ACCOUNT, Aws, digest, failure_codes, pull, refusal
from moto_ecr_ptc import HeldImage, upstream_registry
from moto_ecr_ptc.ecr.exceptions import UpstreamNotFound
from moto_ecr_ptc.ecr.images.manifests import OCI_INDEX, OCI_MANIFEST
from moto_ecr_ptc.ecr.upstream.registry import get_upstream
from tests.upstream.layouts import write_layout

QUAY = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}


@pytest.fixture
def ecr(in_process: Aws) -> Any:
    return in_process.client("ecr")


def has(repository: str, reference: str) -> bool:
    try:
        get_upstream("quay.io").get_manifest(repository, reference, None)
    except UpstreamNotFound:
        return False
    return True


def codes_of(answer: Any) -> list[str]:
    """Return the codes of an answer that may have images too."""
    return [failure["failureCode"] for failure in answer["failures"]]


def is_unknown(ecr: Any, repository: str) -> bool:
    return refusal(pull, ecr=ecr, repository=repository).code == "RepositoryNotFoundException"


# --- images ----------------------------------------------------------------------------------------------------------


def test_images_are_none_of_an_upstream_that_was_given_none(ecr, quay):
    pull(ecr, "quay/any/name")
    assert quay.images == ()


def test_images_are_the_tags_and_the_images_that_nothing_leads_to(quay):
    one = quay.push("b/b", tag="2")
    quay.push("b/b", tag="1")
    index = quay.push("a/a", platforms=["linux/amd64"])
    untagged = quay.push("a/a", tag=None)
    assert quay.images == (
        HeldImage("a/a", "latest", index.digest, OCI_INDEX),
        HeldImage("a/a", None, untagged.digest, OCI_MANIFEST),
        HeldImage("b/b", "1", quay.push("b/b", tag="1").digest, OCI_MANIFEST),
        HeldImage("b/b", "2", one.digest, OCI_MANIFEST),
    )


def test_image_whose_tag_moved_is_still_there_without_one(quay):
    old = quay.push("a/b", layers=[b"old"])
    new = quay.push("a/b", layers=[b"new"])
    assert [(image.tag, image.digest) for image in quay.images] == [("latest", new.digest), (None, old.digest)]


def test_images_that_were_loaded_are_there(quay, tmp_path):
    loaded = write_layout(tmp_path / "layout", "1.0")
    quay.load(tmp_path / "layout", "a/b")
    assert quay.images == (HeldImage("a/b", "1.0", loaded, OCI_MANIFEST),)


def test_held_image_cannot_be_changed(quay):
    quay.push("a/b")
    with pytest.raises(FrozenInstanceError):
        quay.images[0].tag = "other"


# --- remove ----------------------------------------------------------------------------------------------------------


def test_removed_tag_is_gone_with_its_image(ecr, quay):
    image = quay.push("a/b", tag="1")
    quay.push("a/b", tag="2")
    quay.remove("a/b", "1")
    assert codes_of(pull(ecr, "quay/a/b", "1", "2")) == ["ImageNotFound"]
    assert not has("a/b", image.digest)


def test_removed_tag_leaves_the_image_to_its_other_tags(quay):
    image = quay.push("a/b", tag="1", layers=[])
    quay.push("a/b", tag="2", layers=[])
    quay.remove("a/b", "1")
    assert [(held.tag, held.digest) for held in quay.images] == [("2", image.digest)]
    assert has("a/b", "2")


def test_removed_index_takes_those_of_its_images_that_nothing_else_has(quay):
    both = quay.push("a/b", tag="both", platforms={"linux/amd64": [b"amd64"], "linux/arm64": [b"arm64"]})
    one = quay.push("a/b", tag="one", platforms={"linux/amd64": [b"amd64"]})
    kept, removed = (entry.digest for entry in manifest(both.digest).children)
    quay.remove("a/b", "both")
    assert (has("a/b", kept), has("a/b", removed), has("a/b", one.digest)) == (True, False, True)
    (image,) = quay.images
    assert image.tag == "one"


def manifest(reference: str) -> Any:
    return get_upstream("quay.io").get_manifest("a/b", reference, None).manifest


def test_layer_goes_with_the_last_image_that_has_it(quay):
    quay.push("a/b", tag="1", layers=[b"both"])
    quay.push("a/b", tag="2", layers=[b"both", b"one"])
    shared, own = manifest("2").layers
    quay.remove("a/b", "2")
    assert get_upstream("quay.io").get_blob("a/b", shared.digest, None).read() == b"both"
    with pytest.raises(UpstreamNotFound):
        get_upstream("quay.io").get_blob("a/b", own.digest, None)


def test_tag_of_an_image_in_an_index_is_removed_and_the_index_stays_whole(quay):
    index = quay.push("a/b", platforms={"linux/amd64": [b"x"]})
    child = quay.push("a/b", tag="child", layers=[b"x"])
    assert child.digest == manifest(index.digest).children[0].digest
    quay.remove("a/b", "child")
    assert (has("a/b", "child"), has("a/b", child.digest), has("a/b", "latest")) == (False, True, True)


def test_digest_removes_an_image_with_all_of_its_tags(quay):
    untagged = quay.push("a/b", tag=None)
    image = quay.push("a/b", tag="1", layers=[])
    quay.push("a/b", tag="2", layers=[])
    quay.remove("a/b", image.digest)
    assert [(held.tag, held.digest) for held in quay.images] == [(None, untagged.digest)]


def test_signature_outlives_the_image_that_it_refers_to(quay):
    image = quay.push("a/b")
    signature = quay.push("a/b", tag=None, layers=[], subject=image)
    quay.remove("a/b", "latest")
    assert [held.digest for held in quay.images] == [signature.digest]


def test_removed_repository_is_gone_and_the_upstream_stays_exact(ecr, quay):
    quay.push("a/b")
    quay.push("a/c")
    quay.remove("a/b")
    assert is_unknown(ecr, "quay/a/b")
    assert digest(pull(ecr, "quay/a/c"))
    quay.remove("a/c")
    assert is_unknown(ecr, "quay/any/name")


def test_repository_goes_with_its_last_image(quay):
    quay.push("a/b")
    quay.remove("a/b", "latest")
    with pytest.raises(ValueError, match="it has no repository 'a/b'; its repositories: none"):
        quay.remove("a/b")


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("a/c",), "Nothing was removed from 'quay.io': it has no repository 'a/c'; its repositories: 'a/b'"),
        (
            ("a/b", "3"),
            "Nothing was removed from 'quay.io': its repository 'a/b' has no '3', but these: '1', 'sha256:",
        ),
        (("A",), "'A' is not the name of a repository"),
        ((None,), "None is not the name of a repository"),
        (("a/b", "-"), "'-' is not a tag"),
        (("a/b", 1), "1 is not a tag"),
    ],
)
def test_removal_of_what_is_not_there_is_a_value_error_that_lists_what_is(quay, arguments, fault):
    quay.push("a/b", tag="1")
    quay.push("a/b", tag=None)
    with pytest.raises(ValueError, match=r".") as caught:
        quay.remove(*arguments)
    assert str(caught.value).startswith(fault)
    assert len(quay.images) == 2


def test_removal_from_an_upstream_that_was_given_nothing_is_a_value_error(ecr, quay):
    with pytest.raises(ValueError, match="its repositories: none"):
        quay.remove("a/b")
    assert digest(pull(ecr, "quay/a/b"))


# --- clear -----------------------------------------------------------------------------------------------------------


def test_cleared_upstream_has_no_image_under_any_name(ecr, quay):
    quay.clear()
    assert is_unknown(ecr, "quay/a/b")
    pushed = quay.push("a/b", tag="1")
    assert codes_of(pull(ecr, "quay/a/b", "1", "typo")) == ["ImageNotFound"]
    assert digest(pull(ecr, "quay/a/b", "1")) == pushed.digest


def test_clear_takes_away_what_was_pushed(ecr, quay):
    quay.push("a/b")
    quay.clear()
    assert quay.images == ()
    assert is_unknown(ecr, "quay/a/b")


def test_cleared_upstream_can_be_a_proxy(quay):
    quay.push("a/b")
    with pytest.raises(ValueError, match="it cannot be a proxy"):
        quay.proxy("http://127.0.0.1:1")
    quay.clear()
    quay.proxy("http://127.0.0.1:1")


@pytest.mark.parametrize("call", ["clear", "remove"])
def test_proxy_holds_nothing_that_could_be_taken_away(quay, call):
    quay.proxy("http://127.0.0.1:1")
    with pytest.raises(ValueError, match=r"is a proxy of http://127\.0\.0\.1:1: it takes no images"):
        getattr(quay, call)(*(["a/b"] if call == "remove" else []))
    assert quay.images == ()


# --- expire ----------------------------------------------------------------------------------------------------------


def test_expired_tag_is_asked_for_again(ecr, quay):
    pull(ecr, "quay/a/b", "1", "2")
    pull(ecr, "quay/a/c")
    assert quay.expire("a/b") == 2
    pull(ecr, "quay/a/b", "1")
    pull(ecr, "quay/a/c")
    quay.assert_pulled("a/b", reference="1", times=2)
    quay.assert_pulled("a/c", times=1)


def test_expire_reaches_all_accounts_and_regions_by_the_rules_there(in_process):
    quay = upstream_registry("quay")
    here, abroad = in_process.client("ecr"), in_process.client("ecr", "eu-west-1")
    theirs = in_process.client("ecr", account=OTHER_ACCOUNT)
    here.create_pull_through_cache_rule(**QUAY)
    abroad.create_pull_through_cache_rule(
        ecrRepositoryPrefix="mirror", upstreamRegistryUrl="quay.io", upstreamRepositoryPrefix="team"
    )
    theirs.create_pull_through_cache_rule(ecrRepositoryPrefix="ROOT", upstreamRegistryUrl="quay.io")
    pull(here, "quay/team/b")
    pull(abroad, "mirror/b")
    pull(theirs, "team/b")
    assert quay.expire("team/b") == 3
    assert quay.expire() == 3
    assert quay.expire("quay/team/b") == 0


def test_expire_spares_what_other_upstreams_gave(ecr, quay):
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="k8s", upstreamRegistryUrl="registry.k8s.io")
    pull(ecr, "k8s/a/b")
    assert quay.expire() == 0
    assert upstream_registry("k8s").expire() == 1


def test_expire_of_a_proxy_asks_it_again(ecr, quay):
    pull(ecr, "quay/a/b")
    quay.proxy("http://127.0.0.1:1")
    assert quay.expire() == 1


def test_expire_of_a_malformed_name_is_a_value_error(quay):
    with pytest.raises(ValueError, match="'A' is not the name of a repository"):
        quay.expire("A")


def test_expire_where_nothing_was_used_makes_no_registry(in_process):
    from moto.ecr.models import ecr_backends

    assert upstream_registry("quay").expire() == 0
    assert dict(ecr_backends) == {}


# --- a number of failures --------------------------------------------------------------------------------------------


def test_failure_of_a_number_of_requests_ends_by_itself(ecr, quay):
    quay.fail(status=429, times=2)
    codes = [codes_of(pull(ecr, "quay/a/b")) for _ in range(3)]
    assert codes == [["UpstreamTooManyRequests"], ["UpstreamTooManyRequests"], []]


def test_failure_of_a_repository_is_counted_by_its_requests_alone(ecr, quay):
    quay.fail("a/b", error="timeout", times=1)
    assert digest(pull(ecr, "quay/a/c"))
    assert failure_codes(pull(ecr, "quay/a/b")) == ["UpstreamUnavailable"]
    assert digest(pull(ecr, "quay/a/b"))


def test_failures_are_counted_down_where_they_are_shown(ecr, quay):
    quay.fail(status=429, times=3)
    shown = []
    for _ in range(3):
        shown += map(str, get_upstream("quay.io").describe(1).failures.values())
        pull(ecr, "quay/a/b")
    assert shown == ["HTTP 429, 3 more times", "HTTP 429, 2 more times", "HTTP 429, 1 more time"]
    assert get_upstream("quay.io").describe(1).failures == {}


def test_failures_are_counted_exactly_by_many_threads(in_process):
    from concurrent.futures import ThreadPoolExecutor

    from moto_ecr_ptc.ecr.exceptions import UpstreamError

    upstream_registry("quay").fail(status=429, times=50)

    def ask(number: int) -> bool:
        try:
            get_upstream("quay.io").get_manifest("a/b", f"{number}", None)
        except UpstreamError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(ask, range(200))) == [False] * 50 + [True] * 150


@pytest.mark.parametrize("times", [0, -1, True, "1", 1.0])
def test_number_of_failures_is_one_or_more(quay, times):
    with pytest.raises(ValueError, match="times must be how many requests fail, 1 or more"):
        quay.fail(status=429, times=times)


def test_status_without_its_name_is_a_value_error_that_says_what_was_meant(quay):
    with pytest.raises(
        ValueError, match=r"^429 is not the name of a repository; a status is given as fail\(status=429\)$"
    ):
        quay.fail(429)


def test_recover_of_a_malformed_name_is_a_value_error(quay):
    with pytest.raises(ValueError, match="'A' is not the name of a repository"):
        quay.recover("A")
