"""The entry point that pytest loads wherever this package is installed.

Loading it imports ``moto_ecr_ptc``, which activates. ``-p no:moto_ecr_ptc`` keeps pytest from loading it.
"""
