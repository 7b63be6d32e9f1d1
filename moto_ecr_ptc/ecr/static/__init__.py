"""What a moto server has for this package on its own API: calls that set up upstream registries or tell the state, and
the page that shows it.
"""
