"""The configuration of a registry: rules, repository creation templates, policies, account settings.

Imports from ``access``, independent of images, upstreams and pulls.
"""
