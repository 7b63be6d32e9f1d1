"""Amazon ECR's pull through cache, laid out as moto lays out a service."""
