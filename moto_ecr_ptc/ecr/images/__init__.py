"""What a registry holds: manifests, blobs, images in moto's repositories, and repositories created from templates.

Imports from ``configuration`` and ``access``, independent of upstreams and pulls.
"""
