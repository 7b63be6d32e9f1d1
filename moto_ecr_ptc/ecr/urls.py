"""The URLs of ECR and the classes that answer them. moto finds this module beside the backend's."""

from moto.ecr import urls as moto_urls

from .responses import PullThroughCacheResponse

url_bases = moto_urls.url_bases

url_paths = {**moto_urls.url_paths, "{0}/$": PullThroughCacheResponse.dispatch}
