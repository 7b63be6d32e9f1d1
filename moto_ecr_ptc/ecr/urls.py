"""Which request goes where. moto finds this module by its place beside the backend's."""

from moto.ecr import urls as moto_urls

from .responses import PullThroughCacheResponse

url_bases = moto_urls.url_bases

url_paths = {**moto_urls.url_paths, "{0}/$": PullThroughCacheResponse.dispatch}
