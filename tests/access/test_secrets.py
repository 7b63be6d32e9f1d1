"""Which secrets a rule can be created with."""

from __future__ import annotations

import pytest

from conftest import ACCOUNT, OTHER_ACCOUNT, OTHER_PARTITIONS, REGION, prefixes, refusal

UNABLE_TO_ACCESS = "UnableToAccessSecretException"
UNABLE_TO_DECRYPT = "UnableToDecryptSecretValueException"


def create(ecr, secret):
    return ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=secret
    )


def refused(ecr, secret):
    code = refusal(lambda: create(ecr, secret)).code
    assert prefixes(ecr) == []
    return code


def test_arn_without_the_random_suffix_names_the_secret(aws, ecr):
    partial = aws.secret().rpartition("-")[0]
    assert create(ecr, partial)["credentialArn"] == partial
    assert ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="hub")["isValid"] is True


def test_arn_with_another_random_suffix_is_not_found(aws, ecr):
    assert refused(ecr, aws.secret().rpartition("-")[0] + "-AAAAAA") == "SecretNotFoundException"


@OTHER_PARTITIONS
@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1"])
def test_secret_in_another_partition_is_usable_there(aws, region):
    ecr = aws.client("ecr", region)
    secret = aws.secret(region=region)
    assert secret.split(":")[1] != "aws"
    assert create(ecr, secret)["credentialArn"] == secret
    assert ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="hub")["isValid"] is True


def test_replica_counts_in_its_region(aws):
    secret = aws.secret(AddReplicaRegions=[{"Region": "eu-west-1"}])
    replica = secret.replace(REGION, "eu-west-1")
    ecr = aws.client("ecr", "eu-west-1")
    assert refused(ecr, secret) == "SecretNotFoundException"
    assert create(ecr, replica)["credentialArn"] == replica
    ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="hub", credentialArn=replica.rpartition("-")[0])
    assert ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="hub")["isValid"] is True


def test_secret_that_was_force_deleted_is_not_found(aws, ecr):
    secret = aws.secret()
    aws.client("secretsmanager").delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
    assert refused(ecr, secret) == "SecretNotFoundException"


def test_secret_that_never_had_a_value_cannot_be_accessed(aws, ecr):
    assert refused(ecr, aws.secret(value=None)) == UNABLE_TO_ACCESS


def test_secret_without_a_current_version_cannot_be_accessed(aws, ecr):
    secret = aws.secret()
    secretsmanager = aws.client("secretsmanager")
    (version,) = secretsmanager.describe_secret(SecretId=secret)["VersionIdsToStages"]
    secretsmanager.update_secret_version_stage(SecretId=secret, VersionStage="AWSCURRENT", RemoveFromVersionId=version)
    assert refused(ecr, secret) == UNABLE_TO_ACCESS


def test_binary_secret_is_accepted_on_creation(aws, ecr):
    create(ecr, aws.secret(value=None, SecretBinary=b"\x00"))


# --- KMS -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def key(aws):
    return aws.client("kms").create_key()["KeyMetadata"]


def test_enabled_key_is_accepted_by_every_name_it_has(aws, ecr, key):
    aws.client("kms").create_alias(AliasName="alias/mine", TargetKeyId=key["KeyId"])
    names = [
        key["KeyId"],
        key["Arn"],
        "alias/mine",
        f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/mine",
        "alias/aws/secretsmanager",
        f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/aws/secretsmanager",
    ]
    for number, name in enumerate(names):
        ecr.create_pull_through_cache_rule(
            ecrRepositoryPrefix=f"hub-{number}",
            upstreamRegistryUrl="ghcr.io",
            credentialArn=aws.secret(str(number), KmsKeyId=name),
        )
    assert len(prefixes(ecr)) == len(names)


@pytest.mark.parametrize("name", ["KeyId", "Arn"])
def test_disabled_key_cannot_decrypt_until_it_is_enabled(aws, ecr, key, name):
    secret = aws.secret(KmsKeyId=key[name])
    aws.client("kms").disable_key(KeyId=key["KeyId"])
    assert refused(ecr, secret) == UNABLE_TO_DECRYPT
    aws.client("kms").enable_key(KeyId=key["KeyId"])
    create(ecr, secret)


def test_key_pending_deletion_cannot_decrypt(aws, ecr, key):
    secret = aws.secret(KmsKeyId=key["KeyId"])
    create(ecr, secret)
    aws.client("kms").schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    failure = ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="hub")["failure"]
    assert failure == (
        f"The secret '{secret}' is encrypted with the KMS key '{key['KeyId']}', whose state is PendingDeletion"
    )
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="hub")
    assert refused(ecr, secret) == UNABLE_TO_DECRYPT


@pytest.mark.parametrize(
    "missing",
    [
        "00000000-0000-0000-0000-000000000000",
        "alias/missing",
        f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/missing",
        f"arn:aws:kms:mars-1:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000",
        f"arn:aws:kms:{REGION}:{OTHER_ACCOUNT}:key/00000000-0000-0000-0000-000000000000",
        "arn:aws:kms",
    ],
)
def test_missing_key_cannot_decrypt(aws, ecr, missing):
    assert refused(ecr, aws.secret(KmsKeyId=missing)) == UNABLE_TO_DECRYPT


def test_key_of_another_account_is_found_there(aws, ecr):
    kms = aws.client("kms", account=OTHER_ACCOUNT)
    key = kms.create_key()["KeyMetadata"]
    secret = aws.secret(KmsKeyId=key["Arn"])
    create(ecr, secret)
    kms.disable_key(KeyId=key["KeyId"])
    assert ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="hub")["isValid"] is False


def test_failure_of_a_missing_key_names_it(aws, ecr, key):
    secret = aws.secret(KmsKeyId=key["KeyId"])
    create(ecr, secret)
    aws.client("secretsmanager").update_secret(SecretId=secret, KmsKeyId="alias/missing")
    failure = ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="hub")["failure"]
    assert failure == (f"The secret '{secret}' is encrypted with the KMS key 'alias/missing', which does not exist")


def test_replica_is_not_under_the_primarys_key(aws, key):
    secret = aws.secret(KmsKeyId=key["KeyId"], AddReplicaRegions=[{"Region": "eu-west-1"}])
    aws.client("kms").disable_key(KeyId=key["KeyId"])
    assert refused(aws.client("ecr"), secret) == UNABLE_TO_DECRYPT
    create(aws.client("ecr", "eu-west-1"), secret.replace(REGION, "eu-west-1"))


def test_empty_key_id_names_no_key(aws, ecr):
    secret = aws.secret()
    aws.client("secretsmanager").update_secret(SecretId=secret, KmsKeyId="")
    create(ecr, secret)
