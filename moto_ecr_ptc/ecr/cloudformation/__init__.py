"""CloudFormation: the resource types of pull through cache, and stacks that roll back.

Knows the backend in ``models``, as a caller of ECR's API would.
"""

# First moto's, which has ours loaded: whichever module of this package a process imports first.
import moto.cloudformation.models  # noqa: F401 (imported for what comes of it)
