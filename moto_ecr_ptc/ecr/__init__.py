"""Amazon ECR's pull through cache, laid out as moto lays out a service."""

# Loading moto's ECR loads the backend and its imports in the right order, so it comes first for every module here.
import moto.ecr.models  # noqa: F401  (imported for its effect)
