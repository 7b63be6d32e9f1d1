"""Permissions and credentials: IAM policies and roles, and the secrets with upstream credentials.

Uses moto's IAM, Secrets Manager and KMS.
"""
