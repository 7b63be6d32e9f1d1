"""How the tests run other Pythons: warnings are errors, but for those of libraries that others have to mend."""

from __future__ import annotations

STRICT = ("-W", "error", "-W", "ignore:Boto3 will no longer support Python")
"""Options of Python, and of pytest. pyproject.toml says the same to the tests themselves."""
