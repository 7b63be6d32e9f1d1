"""What a registry is set up to do: rules, repository creation templates, policies, account settings.

Knows ``access``, and nothing of images, upstreams or pulls.
"""
