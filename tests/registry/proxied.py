"""A registry on this machine that a rule's upstream can be: it holds one image under every name and tag."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from moto_ecr_ptc.ecr.upstream.built_images import build_image, build_index

LAYER = b"layer of the proxied image"
IMAGE = build_image([LAYER], "linux/amd64")
NO_REFERRERS = build_index({}).manifest
LAYER_DIGEST = IMAGE.manifest.layers[0].digest
CONFIG_DIGEST = IMAGE.manifest.blobs[0].digest


class ProxiedRegistry(ThreadingHTTPServer):
    """Records the paths that it is asked for, and answers while ``open`` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked = threading.Event()
        self.open = threading.Event()
        self.open.set()
        self.paths: list[str] = []

    @property
    def blobs_asked_for(self) -> list[str]:
        return [path.rpartition("/")[2] for path in self.paths if "/blobs/" in path]


class _Handler(BaseHTTPRequestHandler):
    server: ProxiedRegistry

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.server.asked.set()
        assert self.server.open.wait(60)
        digest = self.path.rpartition("/")[2]
        given = NO_REFERRERS if "/referrers/" in self.path else IMAGE.manifest
        body, media_type = given.content, given.media_type
        if "/blobs/" in self.path:
            body, media_type = IMAGE.blobs.get(digest, b""), "application/octet-stream"
            if not body:
                return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def serve() -> Iterator[ProxiedRegistry]:
    with ProxiedRegistry() as registry:
        threading.Thread(target=registry.serve_forever, args=(0.01,)).start()
        try:
            yield registry
        finally:
            registry.open.set()
            registry.shutdown()
