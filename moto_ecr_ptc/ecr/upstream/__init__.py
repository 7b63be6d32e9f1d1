"""Upstream registries: set up by users, behind HTTP, or moto's own ECR.

Imports from ``images`` and the packages below it, independent of pulls.
"""
