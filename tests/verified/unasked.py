"""The rows of docs/fidelity.md that no scenario asks AWS about, and why; and those of which it asks a part.

A test holds that each row is here, or in a scenario, and not in both.
"""

from __future__ import annotations

CANNOT_BE_ASKED = {
    "it is about the mock's own means: a server, moto's clock and reset, a proxy, the pull log": """
        request-account-no-number request-unknown-region layer-url-host layer-limits-of-proxy layer-without-bytes
        layer-lazy-by-proxy ecr-upstream-malformed reason-recorded reason-order reason-no-rule reason-not-recorded
        reason-reset reason-without-credentials endpoint-server-host endpoint-users-answers endpoint-server-routing
        manifest-odd-media-type upload-disk-full stack-other-resources stack-other-resource-fails stack-nothing-secret
    """,
    "it takes a second account, and a scenario names no other account": """
        17 rule-other-registry-id pull-other-registry-id ecr-upstream-role ecr-upstream-rights
        login-other-account-repository login-other-account-catalog login-other-account-policy login-other-account-push
    """,
    "it would change what belongs to the whole registry or account: ROOT, a setting, a service-linked role": """
        16 policy-scope-v1 setting-defaults upload-mount template-service-linked-role role-service-linked
        role-not-made-on-refusal iam-create-service-linked-role
    """,
    "the row itself says that the mock does otherwise than ECR": """
        upload-no-repository blob-get through-endpoint-blob moto-put-image-digest moto-put-image-moves-tag
        moto-part-sizes stack-import stack-always-rolled-back stack-rights
    """,
    "it takes an upstream that fails, changes or lies when it is told to, and public registries do not": """
        pull-lost-tag pull-refresh-fails pull-refresh-failure-counts pull-immutable-tag pull-index-child-missing
        pull-upstream-silent pull-upstream-failure-texts layer-upstream-fails referrers-upstream-fails
        referrers-lacking through-endpoint-failures
    """,
    "it takes two things at one moment, which nobody can arrange from outside": """
        pull-rule-deleted-meanwhile layer-gone-meanwhile layer-concurrent-downloads rights-looked-at-again
        login-deleted-during-request
    """,
    "it takes a partition other than 'aws'": "secret-partitions",
    "it takes bytes that are no whole HTTP request, and the mock in process is handed requests": """
        request-malformed-chunks endpoint-body-cut-off
    """,
}
"""Why AWS cannot be asked, and the rows."""

NOT_YET = {
    "it takes thousands of requests, of every form that the model gives rise to": "request-answers-are-the-models",
    "it takes hours or a day": """
        pull-freshness layer-url-expires image-pull-time referrers-freshness login-token-expired upload-left
    """,
    "it takes a user or a role with fewer rights, which the scenario would have to make": """
        template-rights template-pass-role pull-template-role-missing rights-import rights-referrers
        rights-look-like-not-found rights-cached rights-registry-policy rights-allow-to-account rights-not-principal
        rights-not-resource login-explicit-deny login-token-stands-for login-rights login-no-right-for-version-check
        login-deleted-caller login-create-on-push-rights secret-resource-policy iam-actions iam-pass-role
        iam-role-exists iam-denial iam-rights-before-request iam-signature stack-clean-up-fails stack-rollback-fails
    """,
    "it takes a rule of EventBridge, and a queue that it sends to": """
        event-sent event-failure event-not-sent event-digest event-rule-states event-target-fails
    """,
    "it takes a customer managed key, which costs a dollar and lives for a week after its deletion": """
        15 pull-template-key secret-customer-key
    """,
    "it takes credentials that a registry accepts": """
        pull-docker-hub-library pull-secret-shown pull-broken-secret-whole-request
    """,
    "it takes a second Region": "rule-account-and-region secret-replica ecr-upstream-own-rules ecr-upstream-digest",
    "it takes a public image with referrers, or with more of them, that stands for years": """
        referrers-imported referrers-create-repository referrers-pages layer-not-cached
    """,
    "it takes a bucket that the template of the nested stack is in": "stack-nested stack-nested-fails",
    "it takes the roles of stack sets": "stack-instances-refused",
}
"""What keeps a row from being asked today, and the rows."""

PARTS = {
    "1": "the URLs that the scenario names",
    "4": "Docker Hub, ECR public and ECR",
    "7": "another Region",
    "12": "prefixes of the right form",
    "14": "a secret that is scheduled for deletion",
    "request-order-on-creation": "the pairs of faults that the scenario has",
    "request-order-on-update": "the pairs of faults that the scenario has",
    "request-refusal-changes-nothing": "creation",
    "request-older-texts": "what the scenario sends",
    "request-first-violation": "two pairs",
    "request-pattern-before-rule": "Update, Delete and Validate",
    "rule-describe-limits": "what is beyond them",
    "rule-describe-changes-between-pages": "a deletion",
    "rule-describe-token": "a token that nobody issued",
    "rule-secret-not-read": "an update",
    "rule-upstream-prefix": "an ordinary prefix",
    "template-describe": "order and unknown prefixes",
    "template-describe-limits": "what is beyond them",
    "template-describe-changes-between-pages": "a deletion, and a token that nobody issued",
    "template-applied-for-empty": "that it is accepted",
    "template-malformed-policies": "what the scenario sends",
    "template-update-empty": "texts",
    "template-longest-prefix": "prefixes other than ROOT",
    "template-prefix": "prefixes other than ROOT",
    "template-kms-key": "what is refused",
    "pull-existing-repository": "its mutability",
    "pull-longest-prefix": "prefixes other than ROOT",
    "pull-index-child-deletion": "one image of an index",
    "pull-pushed-tag": "a tag that was pushed before",
    "pull-failure-codes": "what the scenario asks for",
    "pull-constraints": "what the scenario sends",
    "pull-not-translatable": "a type that nobody knows",
    "pull-no-translation-by-digest": "a digest alone",
    "pull-upstream-status": "credentials that are refused",
    "pull-broken-secret": "a malformed and a deleted secret",
    "pull-translation-not-stored": "an image",
    "pull-template-needs-role": "tags",
    "pull-template": "mutability and policies",
    "pull-concurrent": "four pulls",
    "pull-default-repository": "what the scenario looks at",
    "image-size": "an image",
    "layer-url-signed": "another expiry, and the signature of another layer",
    "layer-of-deleted-image": "an image that was pushed",
    "login-other-token": "a mangled token",
    "endpoint-hosts": "the dual-stack host",
    "endpoint-invalid-parameter": "the name of a repository",
    "manifest-content-type": "what the scenario sends",
    "manifest-refused-creates-nothing": "the pushes that the scenario has",
    "manifest-wrong-digest": "a digest of the right form",
    "upload-does-not-follow": "a chunk that is sent again",
    "upload-malformed-range": "one of each",
    "upload-mount-refused": "what the scenario asks for",
    "upload-by-both-doors": "an upload that the API began",
    "upload-status": "an upload without bytes",
    "blob-range": "a HEAD",
    "blob-odd-range": "what a client gets that goes where ECR sends it",
    "catalog": "what is refused",
    "referrers-members": "an image that was pushed",
    "through-endpoint": "the repository",
    "through-endpoint-blob-head": "the replies",
    "through-endpoint-rights": "a template that needs a role",
    "through-endpoint-digest": "a repository that exists",
    "stack-lost-property": "a description",
    "stack-update-order": "the events of the stack, and DependsOn",
    "stack-renamed-resource": "a rule",
    "stack-refused-update": "a rule, a template and an output",
    "stack-unchanged-resource": "a rule",
    "stack-changed-type": "a rule that becomes a template",
    "stack-deletion-policy": "rules",
    "stack-deletion": "a rule that is gone, and a repository",
    "stack-last-reason": "that none is left after a good update, and a change set that fails",
    "stack-change-set-once": "a second execution",
    "stack-change-set-of-existing": "a stack that was created",
    "stack-export-unique": "that the second stack fails",
    "stack-refused-call": "what the scenario sends",
    "stack-malformed-template": "what the scenario sends",
    "stack-event-masking": "a parameter with NoEcho",
    "stack-rule-replaced": "another URL, and another prefix",
    "stack-template-in-place": "a description",
    "stack-name-taken": "a rule",
    "stack-secret": "all but replicas",
    "stack-secret-update": "all but replicas, in a stack that is rolled back",
    "stack-secret-deleted": "a secret without replicas",
    "stack-rollback-reason": "a creation",
    "stack-ref-and-getatt": "a rule and a template",
    "stack-bad-properties": "what the scenario has",
    "stack-rolled-back-takes-no-update": "an update of the stack",
    "setting-unknown": "GetAccountSetting",
    "role-custom": "what is no ARN of a role",
    "policy-wildcards": "what the scenario has",
}
"""What of a row its scenarios ask, where that is not all of it. Only that part is marked as observed."""


def reasons() -> dict[str, tuple[str, str]]:
    """Return, for each row that no scenario asks about, whether that can change, and why it is so."""
    found: dict[str, tuple[str, str]] = {}
    for status, table in (("cannot be asked", CANNOT_BE_ASKED), ("not yet", NOT_YET)):
        for reason, rows in table.items():
            for row in rows.split():
                if row in found:
                    raise ValueError(f"the row '{row}' is there twice")
                found[row] = (status, reason)
    return found
