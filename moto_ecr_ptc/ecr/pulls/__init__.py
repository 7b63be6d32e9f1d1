"""Pulls of images, layers and referrers: when and how an upstream is asked, and where its answer is stored.

Imports from ``upstream``, ``images``, ``configuration`` and ``access``.
"""
