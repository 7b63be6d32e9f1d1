"""How a pull goes: who asks, what came, what was stored. For images, layers and referrers.

Knows all the rooms below: ``upstream``, ``images``, ``configuration``, ``access``.
"""
