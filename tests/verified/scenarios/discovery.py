"""Lists at the registry endpoint: tags. Of the catalog, which shows the user's repositories, only refusals."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from ..case import Case
from ..pushing import image, push, put
from . import scenario

UNSUPPORTED = (405, "UNSUPPORTED")
TAGS = ("v2", "latest", "v10", "a")


@scenario("tags-order tags-pages tags-page-size tags-odd-page-size tags-odd-last tags-deleted-between-pages")
def tags(case: Case) -> None:
    repository = case.repository()
    push(case, repository, TAGS[0], b"layer")
    for tag in TAGS[1:]:
        put(case, repository, tag, image(b"layer"))
    path = f"/v2/{repository}/tags/list"
    reply = case.http("GET", path)
    case.replied("tags-order", "list", (200,), reply, "Content-Type", "Link")
    case.saw("tags-order", "order", list(TAGS), reply.json()["tags"])
    first = case.http("GET", f"{path}?n=2")
    case.saw("tags-pages", "tags of the first page", list(TAGS[:2]), first.json()["tags"])
    url = first.headers.get("Link", "<>").partition(">")[0][1:]
    case.saw("tags-pages", "the link is absolute", True, "://" in url)
    case.saw("tags-pages", "parameters of the link", ["last", "n"], sorted(parse_qs(urlsplit(url).query)))
    case.http("DELETE", f"/v2/{repository}/manifests/{TAGS[2]}")
    reply = case.http("GET", case.cloud.path_of(url))
    case.replied("tags-deleted-between-pages", "second page", (200,), reply)
    case.saw("tags-deleted-between-pages", "tags of the second page", [TAGS[3]], reply.json().get("tags"))
    for rows, size in (
        ("tags-page-size", "1001"),
        ("tags-page-size", "x"),
        ("tags-odd-page-size", "0"),
        ("tags-odd-page-size", "-1"),
        ("tags-odd-page-size", "1.5"),
    ):
        case.replied(rows, f"n={size}", UNSUPPORTED, case.http("GET", f"{path}?n={size}"))
    case.replied("tags-odd-last", "last that is no token", UNSUPPORTED, case.http("GET", f"{path}?last=b"))


@scenario("catalog referrers-malformed-digest")
def catalog_and_referrers(case: Case) -> None:
    case.replied("catalog", "n=1001", UNSUPPORTED, case.http("GET", "/v2/_catalog?n=1001"))
    path = f"/v2/{case.repository()}/referrers/sha256:x"
    case.replied("referrers-malformed-digest", "GET", UNSUPPORTED, case.http("GET", path))
