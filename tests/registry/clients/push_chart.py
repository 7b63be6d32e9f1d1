"""Makes a chart, pushes it to a registry, pulls it again, and prints what helm says of it. Run as a program.

Arguments: host, repository, a directory. The password is on the standard input.
"""

import json
import sys
from pathlib import Path

from helm_python import Chart, RegistryClient, package

host, repository, directory = sys.argv[1], sys.argv[2], Path(sys.argv[3])
Chart.create("demo", directory)
made = package(directory / "demo", destination=directory)
with RegistryClient(plain_http=True, credentials_file=directory / "credentials.json") as client:
    client.login(host, "AWS", sys.stdin.read(), plain_http=True)
    client.push(made, f"oci://{host}/{repository}", plain_http=True)
    client.pull(f"oci://{host}/{repository}/demo", destination=directory / "pulled", plain_http=True)
    digest = client.resolve(f"oci://{host}/{repository}/demo:0.1.0")["digest"]
    tags = client.tags(f"oci://{host}/{repository}/demo")
print(json.dumps({"made": made, "digest": digest, "tags": tags}))
