"""What a registry holds: manifests, blobs, images among moto's, the repositories that are made for them.

Knows ``configuration`` and ``access``, and nothing of upstreams or pulls.
"""
