"""Who may do what: IAM's policies and roles, and the secrets that hold upstream credentials.

Knows moto's IAM, Secrets Manager and KMS, and of this package the exceptions alone.
"""
