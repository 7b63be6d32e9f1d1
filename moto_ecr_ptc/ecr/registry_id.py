"""The identity of a registry (an account in a Region), and moto's clock."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import NamedTuple

from moto.core.utils import utcnow
from moto.utilities.utils import get_partition

REGISTRY_HOST = (
    r"(?P<account>[0-9]{12})\.dkr(?:(?P<dual_stack>-)|\.)ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)"
    r"\.(?(dual_stack)on\.aws|amazonaws\.com(?:\.cn)?)"
)
"""The host of a registry, as a regular expression: AWS's, with FIPS, with dual stack, with both."""


class RegistryId(NamedTuple):
    """A private ECR registry."""

    account_id: str
    region: str

    @property
    def partition(self) -> str:
        return get_partition(self.region)

    @property
    def root_arn(self) -> str:
        """The ARN of the root user of the registry's account."""
        return f"arn:{self.partition}:iam::{self.account_id}:root"

    def repository_arn(self, repository_name: str) -> str:
        return f"arn:{self.partition}:ecr:{self.region}:{self.account_id}:repository/{repository_name}"


def now() -> datetime:
    """Return moto's time with its time zone: moto's serializer is slow with naive times."""
    return utcnow().replace(tzinfo=timezone.utc)
