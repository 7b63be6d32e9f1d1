"""CloudFormation: the resource types of pull through cache, and stacks that roll back.

Knows the backend in ``models``, as a caller of ECR's API would.
"""

# moto's CloudFormation loads this package's modules, so it has to come first, whichever of them is imported.
import moto.cloudformation.models  # noqa: F401 (imported for its effect)
