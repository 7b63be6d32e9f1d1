"""The seventeen rows of the table of refusals (docs/fidelity.md), each with code and message, in both modes."""

from __future__ import annotations

import pytest

from conftest import ACCOUNT, OTHER_ACCOUNT, OTHER_PARTITIONS, REGION, prefixes, refusal

ROLE = f"arn:aws:iam::{ACCOUNT}:role/ecr-upstream"
MISSING_SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache/missing-AbCdEf"
NEEDS_SECRET = {
    "docker-hub": "registry-1.docker.io",
    "github-container-registry": "ghcr.io",
    "azure-container-registry": "mine.azurecr.io",
    "gitlab-container-registry": "registry.gitlab.com",
    "chainguard": "cgr.dev",
}
NEEDS_NOTHING = {"ecr-public": "public.ecr.aws", "quay": "quay.io", "k8s": "registry.k8s.io"}

SECRET_REQUIRED = (
    "The specified upstream registry requires authentication. "
    "Specify a valid Secrets Manager ARN containing the upstream registry credentials and try again."
)
NO_AUTHENTICATION = "Invalid input: The specified upstream registry doesn't require authentication"
TYPE_MISMATCH = "Invalid input: Upstream registry URL and provided credential type do not match"
REGISTRY_MISMATCH = (
    "Invalid input: Upstream registry URL and entered upstream registry do not match. "
    "Please verify input and try again."
)
SECRET_ELSEWHERE = (
    "The ARN of the secret specified in the pull through cache rule was not found. "
    "Please verify the secret exists in the same region and account "
    "that the pullthrough cache rule will be created in"
)


def create_is_refused(ecr, code, message, **arguments):
    found = refusal(ecr.create_pull_through_cache_rule, **{"ecrRepositoryPrefix": "up", **arguments})
    assert (found.code, found.message) == (code, message)
    assert "up" not in prefixes(ecr)


@pytest.mark.parametrize(
    "url",
    [
        "example.com",
        "PUBLIC.ECR.AWS",
        "https://quay.io",
        "quay.io/",
        "quay.io/org",
        "quay.io\n",
        "docker.io",
        "hub.docker.com",
        "azurecr.io",
        "a.b.azurecr.io",
        "-a.azurecr.io",
        "Mine.azurecr.io",
        "",
        "12345678901.dkr.ecr.us-east-1.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com.cn",
        f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com",
        "quay.io \u00e9\ud800",
    ],
)
def test_row_1_create_unknown_upstream_url_is_unsupported(ecr, url):
    message = f"The upstream registry URL {url} is invalid. Specify a valid upstream registry URL and try again"
    create_is_refused(ecr, "UnsupportedUpstreamRegistryException", message, upstreamRegistryUrl=url)


@pytest.mark.parametrize("url", NEEDS_SECRET.values())
def test_row_2_create_without_the_secret_that_the_upstream_needs_is_unsupported(ecr, url):
    create_is_refused(ecr, "UnsupportedUpstreamRegistryException", SECRET_REQUIRED, upstreamRegistryUrl=url)
    create_is_refused(
        ecr,
        "UnsupportedUpstreamRegistryException",
        SECRET_REQUIRED,
        upstreamRegistryUrl=url,
        customRoleArn=ROLE,
    )


@pytest.mark.parametrize("url", NEEDS_NOTHING.values())
def test_row_3_create_with_a_secret_for_an_open_upstream_is_invalid(aws, ecr, url):
    create_is_refused(
        ecr, "InvalidParameterException", NO_AUTHENTICATION, upstreamRegistryUrl=url, credentialArn=aws.secret()
    )


def test_row_3_update_with_a_secret_for_an_open_upstream_is_invalid(aws, ecr):
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    found = refusal(ecr.update_pull_through_cache_rule, ecrRepositoryPrefix="quay", credentialArn=aws.secret())
    assert (found.code, found.message) == ("InvalidParameterException", NO_AUTHENTICATION)


@pytest.mark.parametrize("url", NEEDS_NOTHING.values())
def test_row_4_create_with_a_role_for_an_open_upstream_is_invalid(ecr, url):
    create_is_refused(ecr, "InvalidParameterException", TYPE_MISMATCH, upstreamRegistryUrl=url, customRoleArn=ROLE)


def test_row_4_create_with_secret_and_role_for_an_upstream_that_takes_a_secret_is_invalid(aws, ecr):
    create_is_refused(
        ecr,
        "InvalidParameterException",
        TYPE_MISMATCH,
        upstreamRegistryUrl="ghcr.io",
        credentialArn=aws.secret(),
        customRoleArn=ROLE,
    )


def test_row_4_create_with_a_secret_for_an_ecr_upstream_is_invalid(aws, ecr):
    create_is_refused(
        ecr,
        "InvalidParameterException",
        TYPE_MISMATCH,
        upstreamRegistryUrl=f"{OTHER_ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com",
        credentialArn=aws.secret(),
    )


def test_row_4_update_with_a_role_for_an_upstream_that_takes_a_secret_is_invalid(aws, ecr):
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=aws.secret()
    )
    found = refusal(ecr.update_pull_through_cache_rule, ecrRepositoryPrefix="hub", customRoleArn=ROLE)
    assert (found.code, found.message) == ("InvalidParameterException", TYPE_MISMATCH)


@pytest.mark.parametrize("url", NEEDS_SECRET.values())
@pytest.mark.parametrize("with_secret", [True, False])
def test_row_5_create_naming_another_registry_than_the_urls_is_invalid(aws, ecr, url, with_secret):
    create_is_refused(
        ecr,
        "InvalidParameterException",
        REGISTRY_MISMATCH,
        upstreamRegistryUrl=url,
        upstreamRegistry="quay",
        **({"credentialArn": aws.secret()} if with_secret else {}),
    )


@pytest.mark.parametrize(("registry", "url"), NEEDS_NOTHING.items())
def test_row_6_create_naming_another_registry_than_an_open_urls_returns_the_urls(ecr, registry, url):
    rule = ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="up", upstreamRegistryUrl=url, upstreamRegistry="docker-hub"
    )
    assert rule["upstreamRegistry"] == registry


def test_row_6_create_naming_another_registry_than_an_ecr_urls_returns_ecr(ecr):
    rule = ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="up",
        upstreamRegistryUrl=f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com",
        upstreamRegistry="quay",
    )
    assert rule["upstreamRegistry"] == "ecr"


@pytest.mark.parametrize(
    "elsewhere",
    [
        f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:ecr-pullthroughcache/hub-AbCdEf",
        f"arn:aws:secretsmanager:{REGION}:{OTHER_ACCOUNT}:secret:ecr-pullthroughcache/hub-AbCdEf",
        pytest.param(
            f"arn:aws-cn:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache/hub", marks=OTHER_PARTITIONS
        ),
        f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:more:secret:ecr-pullthroughcache/hub",
        f"arn:aws:secretsmanager:{REGION}:secret:ecr-pullthroughcache/hub",
    ],
)
def test_row_7_create_with_a_secret_of_another_account_or_region_is_not_found(aws, ecr, elsewhere):
    aws.secret()
    create_is_refused(
        ecr,
        "SecretNotFoundException",
        SECRET_ELSEWHERE,
        upstreamRegistryUrl="registry-1.docker.io",
        credentialArn=elsewhere,
    )


@pytest.mark.parametrize("arguments", [{}, {"customRoleArn": ""}])
def test_row_8_update_with_nothing_is_invalid(aws, ecr, arguments):
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=aws.secret()
    )
    found = refusal(ecr.update_pull_through_cache_rule, ecrRepositoryPrefix="hub", **arguments)
    assert (found.code, found.message) == (
        "InvalidParameterException",
        "Invalid input: Please set either credential arn or role arn to update the credentials",
    )


def test_row_9_create_with_a_missing_secret_is_not_found(ecr):
    create_is_refused(
        ecr,
        "SecretNotFoundException",
        "The ARN of the secret specified in the pull through cache rule was not found. "
        "Update the pull through cache rule with a valid secret ARN and try again.",
        upstreamRegistryUrl="registry-1.docker.io",
        credentialArn=MISSING_SECRET,
    )


@pytest.mark.parametrize(
    ("region", "host"),
    [
        (REGION, f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"),
        ("cn-north-1", f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", f"{ACCOUNT}.dkr.ecr.us-gov-west-1.amazonaws.com"),
    ],
)
def test_row_10_create_with_the_registry_itself_as_upstream_is_invalid(aws, region, host):
    create_is_refused(
        aws.client("ecr", region),
        "InvalidParameterException",
        "Invalid input: Upstream registry URL cannot be the same as the cache registry",
        upstreamRegistryUrl=host,
    )


@pytest.mark.parametrize(("first", "second"), [("quay", "quay"), ("quay", "quay/"), ("quay/", "quay")])
def test_row_11_create_with_a_prefix_that_has_a_rule_already_exists(ecr, first, second):
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=first, upstreamRegistryUrl="quay.io")
    found = refusal(
        ecr.create_pull_through_cache_rule, ecrRepositoryPrefix=second, upstreamRegistryUrl="public.ecr.aws"
    )
    assert (found.code, found.message) == (
        "PullThroughCacheRuleAlreadyExistsException",
        f"The pull through cache rule with prefix '{second}' already exists in the registry with id '{ACCOUNT}'",
    )
    assert prefixes(ecr) == [first]


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("describe_pull_through_cache_rules", {"ecrRepositoryPrefixes": ["quay", "absent"]}),
        ("update_pull_through_cache_rule", {"ecrRepositoryPrefix": "absent", "credentialArn": MISSING_SECRET}),
        ("update_pull_through_cache_rule", {"ecrRepositoryPrefix": "absent"}),
        ("delete_pull_through_cache_rule", {"ecrRepositoryPrefix": "absent"}),
        ("validate_pull_through_cache_rule", {"ecrRepositoryPrefix": "absent"}),
    ],
)
def test_row_12_prefix_without_a_rule_is_not_found(ecr, operation, arguments):
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    found = refusal(getattr(ecr, operation), **arguments)
    assert (found.code, found.message) == (
        "PullThroughCacheRuleNotFoundException",
        f"The pull through cache rule with prefix 'absent' does not exist in the registry with id '{ACCOUNT}'",
    )


def test_row_13_create_the_51st_rule_exceeds_the_limit(ecr):
    for number in range(50):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=f"quay-{number}", upstreamRegistryUrl="quay.io")
    create_is_refused(
        ecr,
        "LimitExceededException",
        f"The maximum number of 50 pull through cache rules has been reached in the registry with id '{ACCOUNT}'",
        upstreamRegistryUrl="quay.io",
    )
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay-0")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="up", upstreamRegistryUrl="quay.io")


def test_row_14_create_with_a_secret_scheduled_for_deletion_cannot_access_it(aws, ecr):
    arn = aws.secret()
    aws.client("secretsmanager").delete_secret(SecretId=arn)
    create_is_refused(
        ecr,
        "UnableToAccessSecretException",
        "The secret is unable to be accessed. Verify the resource permissions for the secret and try again.",
        upstreamRegistryUrl="registry-1.docker.io",
        credentialArn=arn,
    )


def test_row_15_create_with_a_secret_under_a_disabled_key_cannot_decrypt_it(aws, ecr):
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    arn = aws.secret(KmsKeyId=key)
    kms.disable_key(KeyId=key)
    create_is_refused(
        ecr,
        "UnableToDecryptSecretValueException",
        "The secret is accessible but is unable to be decrypted. Verify the resource permissions and try again.",
        upstreamRegistryUrl="registry-1.docker.io",
        credentialArn=arn,
    )


def test_row_16_create_root_with_another_upstream_prefix_is_invalid(ecr):
    found = refusal(
        ecr.create_pull_through_cache_rule,
        ecrRepositoryPrefix="ROOT",
        upstreamRegistryUrl="quay.io",
        upstreamRepositoryPrefix="team",
    )
    assert (found.code, found.message) == (
        "InvalidParameterException",
        (
            "Invalid input: A pull through cache rule with the ECR repository prefix ROOT "
            "cannot have an upstream repository prefix other than ROOT"
        ),
    )
    assert prefixes(ecr) == []


@pytest.mark.parametrize("role", [{}, {"customRoleArn": ""}])
def test_row_17_create_with_another_accounts_registry_and_no_role_is_unsupported(ecr, role):
    create_is_refused(
        ecr,
        "UnsupportedUpstreamRegistryException",
        "The specified upstream registry requires authentication. "
        "Specify a valid IAM role ARN that grants access to the upstream registry and try again.",
        upstreamRegistryUrl=f"{OTHER_ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com",
        **role,
    )


# --- the order of the checks ----------------------------------------------------------------------------------------


def test_create_with_several_faults_names_them_in_the_order_of_the_checks(aws, ecr):
    """Repairs one fault after the other, from a request that has (nearly) all of them."""
    for number in range(50):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=f"quay-{number}", upstreamRegistryUrl="quay.io")
    arguments = {
        "ecrRepositoryPrefix": "quay-1_",
        "upstreamRegistryUrl": "example.com",
        "upstreamRegistry": "quay",
        "registryId": OTHER_ACCOUNT,
        "customRoleArn": ROLE,
    }
    seen = []
    for repair in (
        {},
        {"ecrRepositoryPrefix": "quay-1"},
        {"registryId": ACCOUNT},
        {"upstreamRegistryUrl": "registry-1.docker.io"},
        {"upstreamRegistry": "docker-hub"},
        {"credentialArn": MISSING_SECRET},
        {"customRoleArn": ""},
        {"ecrRepositoryPrefix": "up"},
    ):
        arguments.update(repair)
        found = refusal(ecr.create_pull_through_cache_rule, **arguments)
        seen.append((found.code, found.message.split(".")[0]))
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay-1")
    found = refusal(ecr.create_pull_through_cache_rule, **arguments)
    seen.append((found.code, found.message.split(".")[0]))
    assert [code for code, _ in seen] == [
        "InvalidParameterException",
        "AccessDeniedException",
        "UnsupportedUpstreamRegistryException",
        "InvalidParameterException",
        "UnsupportedUpstreamRegistryException",
        "InvalidParameterException",
        "PullThroughCacheRuleAlreadyExistsException",
        "LimitExceededException",
        "SecretNotFoundException",
    ]
    assert TYPE_MISMATCH in [message for _, message in seen]


def test_update_with_several_faults_names_the_missing_rule_first(ecr):
    found = refusal(ecr.update_pull_through_cache_rule, ecrRepositoryPrefix="absent", credentialArn=MISSING_SECRET)
    assert found.code == "PullThroughCacheRuleNotFoundException"


def test_update_checks_the_pattern_before_it_looks_for_the_rule(ecr):
    for operation in ("update", "delete", "validate"):
        call = getattr(ecr, f"{operation}_pull_through_cache_rule")
        assert refusal(call, ecrRepositoryPrefix="a._b").code == "InvalidParameterException"


THE_REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
OTHER_REGISTRY = f"{OTHER_ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
ROOT = {"ecrRepositoryPrefix": "ROOT", "upstreamRepositoryPrefix": "team"}


@pytest.mark.parametrize(
    ("first", "arguments"),
    [
        (3, {"upstreamRegistryUrl": "quay.io", "credentialArn": MISSING_SECRET, "customRoleArn": ROLE}),
        (4, {"upstreamRegistryUrl": "quay.io", "customRoleArn": "no role"}),
        (4, {"upstreamRegistryUrl": THE_REGISTRY, "credentialArn": MISSING_SECRET}),
        (10, {"upstreamRegistryUrl": THE_REGISTRY, **ROOT}),
        (16, {"upstreamRegistryUrl": OTHER_REGISTRY, **ROOT}),
        (17, {"upstreamRegistryUrl": OTHER_REGISTRY}),
        (11, {"upstreamRegistryUrl": OTHER_REGISTRY, "customRoleArn": "no role"}),
        (13, {"upstreamRegistryUrl": OTHER_REGISTRY, "customRoleArn": "no role", "ecrRepositoryPrefix": "new"}),
    ],
)
def test_create_with_two_faults_names_the_one_that_is_checked_first(in_process, first, arguments):
    """Unless it says otherwise, each request names a prefix that has a rule, in a registry that is full."""
    ecr = in_process.client("ecr")
    for number in range(49):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=f"quay-{number}", upstreamRegistryUrl="quay.io")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="ROOT", upstreamRegistryUrl="quay.io")
    found = refusal(ecr.create_pull_through_cache_rule, **{"ecrRepositoryPrefix": "quay-0", **arguments})
    assert {
        3: NO_AUTHENTICATION,
        4: TYPE_MISMATCH,
        10: "Invalid input: Upstream registry URL cannot be the same as the cache registry",
        16: "Invalid input: A pull through cache rule with the ECR repository prefix ROOT ",
        17: "The specified upstream registry requires authentication. Specify a valid IAM role ARN ",
        11: "The pull through cache rule with prefix 'quay-0' already exists ",
        13: "The maximum number of 50 pull through cache rules ",
    }[first] in found.message


def test_create_with_a_deleted_secret_under_a_disabled_key_cannot_access_it(aws, ecr):
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    secret = aws.secret(KmsKeyId=key)
    aws.client("kms").disable_key(KeyId=key)
    aws.client("secretsmanager").delete_secret(SecretId=secret)
    found = refusal(
        ecr.create_pull_through_cache_rule,
        ecrRepositoryPrefix="hub",
        upstreamRegistryUrl="ghcr.io",
        credentialArn=secret,
    )
    assert found.code == "UnableToAccessSecretException"


@pytest.mark.parametrize(
    ("code", "message", "arguments"),
    [
        (
            "AccessDeniedException",
            "The account with id",
            {"ecrRepositoryPrefix": "absent", "registryId": OTHER_ACCOUNT},
        ),
        ("PullThroughCacheRuleNotFoundException", "The pull through", {"ecrRepositoryPrefix": "absent"}),
        ("InvalidParameterException", TYPE_MISMATCH, {"credentialArn": MISSING_SECRET, "customRoleArn": ROLE}),
        ("SecretNotFoundException", "The ARN of the secret", {"credentialArn": MISSING_SECRET}),
    ],
)
def test_update_with_two_faults_names_the_one_that_is_checked_first(aws, ecr, code, message, arguments):
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="hub", upstreamRegistryUrl="ghcr.io", credentialArn=aws.secret()
    )
    found = refusal(ecr.update_pull_through_cache_rule, **{"ecrRepositoryPrefix": "hub", **arguments})
    assert found.code == code
    assert found.message.startswith(message)
