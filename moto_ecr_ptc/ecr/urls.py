"""Which request goes where. moto finds this module by its place beside the backend's."""

import re

from moto import backend_index
from moto.core import custom_responses_mock
from moto.core import models as moto_core
from moto.ecr import urls as moto_urls

from .layers import REGISTRY_URL
from .responses import PullThroughCacheResponse

url_bases = moto_urls.url_bases

url_paths = {**moto_urls.url_paths, "{0}/$": PullThroughCacheResponse.dispatch}


def register_layer_urls() -> None:
    """Have moto answer downloads of layers from the hosts of registries, in a running mock too."""
    pattern = re.compile(REGISTRY_URL)
    if ("ecr", pattern) not in backend_index.backend_url_patterns:
        backend_index.backend_url_patterns.append(("ecr", pattern))
    stubber = moto_core.botocore_stubber
    if stubber.enabled:
        # Before moto 5.2.4 requests and botocore's have the same way in.
        answer = getattr(stubber, "process_prepared_request", stubber.process_request)
        for method in ("GET", "HEAD"):
            moto_core.responses_mock.add(
                custom_responses_mock.CallbackResponse(method=method, url=pattern, callback=answer)
            )
