"""Amazon ECR's pull through cache, laid out as moto lays out a service."""

# First of all, whichever room is entered first: loading moto's ECR loads the backend and what it needs, in that order.
import moto.ecr.models  # noqa: F401  (imported for its effect)
