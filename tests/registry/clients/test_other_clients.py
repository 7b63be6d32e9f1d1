"""umoci, syft, helm and a client of Node.js: each reads what another one pushed, or what it pushed itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from moto_ecr_ptc.ecr.images.manifests import sha256
from moto_ecr_ptc.ecr.upstream.built_images import build_image
from tests.registry.clients.images import AMD64, make_layer
from tests.registry.clients.programs import need
from tests.upstream.layouts import write_layout

HERE = Path(__file__).parent
PACKAGE_RECORD = b"Package: demo\nStatus: install ok installed\nVersion: 1.0\nArchitecture: all\n\n"


# --- umoci -----------------------------------------------------------------------------------------------------------


def test_umoci_unpacks_what_was_pulled(endpoint, programs, single, tmp_path):
    app = endpoint.create("team/app")
    programs.copy(f"oci:{single}:v1", f"docker://{app}:v1")
    programs.copy(f"docker://{app}:v1", f"oci:{tmp_path}/pulled:v1")
    programs.run("umoci", "unpack", "--rootless", "--image", f"{tmp_path}/pulled:v1", str(tmp_path / "bundle"))
    files = {path.name: path.read_text() for path in (tmp_path / "bundle" / "rootfs" / "etc").iterdir()}
    assert files == {"platform": "amd64", "second": "layer"}


def test_image_that_umoci_made_is_pulled_as_it_was(endpoint, programs, single, tmp_path):
    app = endpoint.create("team/app")
    programs.run("umoci", "config", "--image", f"{single}:v1", "--tag", "v2", "--config.label", "made=yes")
    programs.copy(f"oci:{single}:v2", f"docker://{app}:v2")
    shown = json.loads(programs.run("skopeo", "inspect", "--tls-verify=false", f"docker://{app}:v2"))
    assert shown["Labels"] == {"made": "yes"}
    assert shown["Layers"] == [layer.digest for layer in AMD64.manifest.layers]


# --- syft ------------------------------------------------------------------------------------------------------------


def test_syft_finds_the_packages_of_an_image(endpoint, programs, tmp_path):
    app = endpoint.create("team/app")
    image = build_image([make_layer("var/lib/dpkg/status", PACKAGE_RECORD)], "linux/amd64")
    write_layout(tmp_path / "packages", "v1", image)
    programs.copy(f"oci:{tmp_path}/packages:v1", f"docker://{app}:v1")
    programs.environment["SYFT_REGISTRY_INSECURE_USE_HTTP"] = "true"
    found = json.loads(programs.run("syft", "scan", "--quiet", "--output=json", f"registry:{app}:v1"))
    assert [(package["name"], package["version"]) for package in found["artifacts"]] == [("demo", "1.0")]
    assert found["source"]["metadata"]["manifestDigest"] == image.manifest.digest


# --- helm ------------------------------------------------------------------------------------------------------------


def test_chart_that_helm_pushed_is_pulled_as_it_was(endpoint, programs, tmp_path):
    need("helm_python")
    endpoint.create("charts/demo")
    (tmp_path / "pulled").mkdir()
    arguments = (str(HERE / "push_chart.py"), endpoint.host, "charts", str(tmp_path))
    said = json.loads(programs.run(sys.executable, *arguments, stdin=endpoint.password))
    (pulled,) = (tmp_path / "pulled").iterdir()
    assert pulled.read_bytes() == Path(said["made"]).read_bytes()
    assert said["tags"] == ["0.1.0"]
    assert endpoint.images("charts/demo") == {said["digest"]: ["0.1.0"]}


# --- Node.js ---------------------------------------------------------------------------------------------------------


def test_node_client_reads_the_whole_image(endpoint, programs, single):
    need("oci-registry-client")
    programs.copy(f"oci:{single}:v1", f"docker://{endpoint.create('team/app')}:v1")
    arguments = (str(HERE / "read_image.js"), endpoint.host, "team/app", "v1")
    assert json.loads(programs.run("node", *arguments, stdin=endpoint.password)) == {
        "tags": ["v1"],
        "manifest": json.loads(AMD64.manifest.content),
        "blobs": [sha256(layer) for layer in AMD64.layers],
    }
