"""Files that declare upstream registries: what they set up, and what is said of each mistake in them."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import sys
import tarfile

import boto3
import pytest
import requests
from moto import mock_aws

from conftest import REGION, failure_codes, pull
from moto_ecr_ptc import load_upstreams, upstream_registry
from tests.upstream.layouts import write_layout


@pytest.fixture
def write(tmp_path):
    """Write a file and return its path."""

    def write(text, name="upstreams.toml"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


@pytest.fixture
def ecr(aws, monkeypatch):
    """A client of either moto, which ``load_upstreams`` sets up."""
    if aws.endpoint_url:
        monkeypatch.setattr("moto.settings.TEST_SERVER_MODE", True)
        monkeypatch.setenv("TEST_SERVER_MODE_ENDPOINT", aws.endpoint_url)
    client = aws.client("ecr")
    client.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    return client


def manifest(ecr, name, tag="latest"):
    (image,) = pull(ecr, name, tag)["images"]
    return json.loads(image["imageManifest"])


def files_in(ecr, layer):
    """Return the files of a layer, by their names."""
    answer = ecr.get_download_url_for_layer(repositoryName="quay/team/app", layerDigest=layer["digest"])
    content = requests.get(answer["downloadUrl"], timeout=60).content
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}


# --- what is declared ---------------------------------------------------------------------------------------------


def test_declared_image_is_pulled(ecr, write):
    load_upstreams(write('[[quay.images]]\nrepository = "team/app"\ntag = "1.0"\nlayers = ["12345"]'))
    (layer,) = manifest(ecr, "quay/team/app", "1.0")["layers"]
    assert layer["size"] == 5


def test_image_without_a_tag_is_latest(ecr, write):
    load_upstreams(write('[[quay.images]]\nrepository = "team/app"'))
    assert pull(ecr, "quay/team/app", "latest")["images"]
    assert failure_codes(pull(ecr, "quay/team/app", "other")) == ["ImageNotFound"]


def test_image_with_several_tags_has_each_of_them(ecr, write):
    load_upstreams(write('[[quay.images]]\nrepository = "team/app"\ntags = ["1", "1.0"]\nlayers = ["x"]'))
    digests = {image["imageId"]["imageDigest"] for image in pull(ecr, "quay/team/app", "1", "1.0")["images"]}
    assert len(digests) == 1
    assert failure_codes(pull(ecr, "quay/team/app", "latest")) == ["ImageNotFound"]


def test_image_with_no_tags_at_all_is_under_none(ecr, write):
    load_upstreams(write('[[quay.images]]\nrepository = "team/app"\ntags = []'))
    with pytest.raises(ecr.exceptions.RepositoryNotFoundException):
        pull(ecr, "quay/team/app", "latest")


@pytest.mark.parametrize(
    ("layer", "size"),
    [('"héllo"', 6), ('{ base64 = "AAEC" }', 3), ('{ file = "folder/layer.bin" }', 10)],
    ids=["text", "base64", "file"],
)
def test_layer_is_a_text_base64_or_a_file_beside_the_declaration(ecr, write, tmp_path, layer, size):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "layer.bin").write_bytes(b"0123456789")
    load_upstreams(write(f'[[quay.images]]\nrepository = "team/app"\nlayers = [{layer}]'))
    assert [found["size"] for found in manifest(ecr, "quay/team/app")["layers"]] == [size]


def test_image_for_several_platforms_is_an_index(ecr, write):
    load_upstreams(write('[[quay.images]]\nrepository = "team/app"\nplatforms = ["linux/amd64", "linux/arm64"]'))
    children = manifest(ecr, "quay/team/app")["manifests"]
    assert [child["platform"]["architecture"] for child in children] == ["amd64", "arm64"]


def test_files_are_a_layer_of_them(ecr, write, tmp_path):
    (tmp_path / "app.bin").write_bytes(b"app")
    files = '{ "etc/text" = "a\\n", "bin/app" = { file = "app.bin" }, "data" = { base64 = "AAEC" } }'
    load_upstreams(write(f'[[quay.images]]\nrepository = "team/app"\ncompression = "none"\nfiles = {files}'))
    (layer,) = manifest(ecr, "quay/team/app")["layers"]
    assert files_in(ecr, layer) == {"etc/text": b"a\n", "bin/app": b"app", "data": b"\x00\x01\x02"}


def test_several_tables_of_files_are_a_layer_each(ecr, write):
    load_upstreams(write('[[quay.images]]\nrepository = "team/app"\nfiles = [{ a = "1" }, { b = "2" }]'))
    layers = manifest(ecr, "quay/team/app")["layers"]
    assert [files_in(ecr, layer) for layer in layers] == [{"a": b"1"}, {"b": b"2"}]


def test_each_platform_has_its_own_contents(ecr, write):
    platforms = '{ "linux/amd64" = { files = { a = "amd64" } }, "linux/arm64" = { layers = ["12345"] } }'
    load_upstreams(write(f'[[quay.images]]\nrepository = "team/app"\nplatforms = {platforms}'))
    amd64, arm64 = (
        json.loads(image["imageManifest"])["layers"]
        for child in manifest(ecr, "quay/team/app")["manifests"]
        for image in ecr.batch_get_image(repositoryName="quay/team/app", imageIds=[{"imageDigest": child["digest"]}])[
            "images"
        ]
    )
    assert [files_in(ecr, layer) for layer in amd64] == [{"a": b"amd64"}]
    assert [layer["size"] for layer in arm64] == [5]


@pytest.mark.parametrize(
    ("declared", "arguments"),
    [
        ('config = { Env = ["A=b"], Labels = { c = "d" } }', {"config": {"Env": ["A=b"], "Labels": {"c": "d"}}}),
        ('media_type = "docker"', {"media_type": "docker"}),
        ('layers = ["x"]\ncompression = "gzip"', {"layers": [b"x"], "compression": "gzip"}),
        ('annotations = { "a.b" = "c" }', {"annotations": {"a.b": "c"}}),
        ('artifact_type = "application/vnd.test"', {"artifact_type": "application/vnd.test"}),
    ],
    ids=lambda value: value.partition(" ")[0] if isinstance(value, str) else "",
)
def test_key_of_an_image_is_the_parameter_of_push(write, declared, arguments):
    with mock_aws():
        pushed = upstream_registry("quay").push("team/app", **arguments)
    with mock_aws():
        load_upstreams(write(f'[[quay.images]]\nrepository = "team/app"\n{declared}'))
        (image,) = upstream_registry("quay").images
    assert image.digest == pushed.digest


def test_declared_subject_is_a_digest(write):
    with mock_aws():
        subject = upstream_registry("quay").push("team/app", layers=[b"x"])
        load_upstreams(
            write(
                f"""
                [[quay.images]]
                repository = "team/app"
                layers = ["x"]
                [[quay.images]]
                repository = "team/app"
                tags = []
                subject = "{subject.digest}"
                """
            )
        )
        assert [image.tag for image in upstream_registry("quay").images] == ["latest", None]


def test_strict_registry_without_images_holds_nothing(ecr, write):
    load_upstreams(write("[quay]\nstrict = true"))
    with pytest.raises(ecr.exceptions.RepositoryNotFoundException):
        pull(ecr, "quay/team/app")


def test_strict_registry_holds_nothing_of_before(ecr, write):
    upstream_registry("quay").push("team/old")
    load_upstreams(write("[quay]\nstrict = true\n[[quay.images]]\nrepository = 'team/new'"))
    assert [image.repository for image in upstream_registry("quay").images] == ["team/new"]


def test_registry_that_is_not_strict_keeps_its_default_images(ecr, write):
    load_upstreams(write("[quay]\nstrict = false"))
    assert pull(ecr, "quay/team/app")["images"]


def test_declared_failure_ends_after_so_many_times(ecr, write):
    load_upstreams(write("[[quay.failures]]\nstatus = 429\ntimes = 2"))
    for _ in range(2):
        assert failure_codes(pull(ecr, "quay/team/app")) == ["UpstreamTooManyRequests"]
    assert pull(ecr, "quay/team/app")["images"]


def test_declared_layout_without_a_tag_is_given_one(ecr, write, tmp_path):
    write_layout(tmp_path / "app", None)
    load_upstreams(write('[[quay.layouts]]\npath = "app"\nrepository = "team/app"\ntag = "2.0"'))
    assert manifest(ecr, "quay/team/app", "2.0")["layers"]


def test_declaration_for_an_endpoint_is_that_servers(server, write):
    load_upstreams(write("[[quay.failures]]\nstatus = 429"), endpoint_url=server.endpoint_url)
    client = server.client("ecr")
    client.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    assert failure_codes(pull(client, "quay/team/app")) == ["UpstreamTooManyRequests"]


def test_declared_layout_is_loaded_from_beside_the_declaration(ecr, write, tmp_path):
    write_layout(tmp_path / "images" / "app", "1.0")
    load_upstreams(write('[[quay.layouts]]\npath = "images/app"\nrepository = "team/app"'))
    assert manifest(ecr, "quay/team/app", "1.0")["layers"]


def test_declared_credentials_are_demanded(ecr, write):
    load_upstreams(write('[quay]\ncredentials = { username = "u", accessToken = "t" }'))
    assert upstream_registry("quay").credentials == {"username": "u", "accessToken": "t"}
    assert failure_codes(pull(ecr, "quay/team/app")) == ["UpstreamAccessDenied"]


def test_declared_failure_of_a_repository_is_that_repositorys(ecr, write):
    load_upstreams(write('[[quay.failures]]\nrepository = "team/busy"\nstatus = 429'))
    assert failure_codes(pull(ecr, "quay/team/busy")) == ["UpstreamTooManyRequests"]
    assert pull(ecr, "quay/team/app")["images"]


def test_declared_failure_without_a_repository_is_of_all(ecr, write):
    load_upstreams(write('[[quay.failures]]\nerror = "timeout"'))
    assert failure_codes(pull(ecr, "quay/team/app")) == ["UpstreamUnavailable"]


@pytest.mark.parametrize("proxy", ['"http://127.0.0.1:9"', '{ url = "http://127.0.0.1:9", timeout = 2.5 }'])
def test_declared_proxy_answers(ecr, write, proxy):
    load_upstreams(write(f'["quay.io"]\nproxy = {proxy}'))
    assert failure_codes(pull(ecr, "quay/team/app")) == ["UpstreamUnavailable"]


def test_json_declares_the_same_as_toml(ecr, write):
    image = {"repository": "team/app", "layers": [{"base64": base64.b64encode(b"12345").decode()}]}
    load_upstreams(write(json.dumps({"quay": {"images": [image]}}), "upstreams.json"))
    (layer,) = manifest(ecr, "quay/team/app")["layers"]
    assert layer["size"] == 5


def test_declaration_is_added_to_what_is_there(ecr, write):
    upstream_registry("quay").push("team/old")
    load_upstreams(write('[[quay.images]]\nrepository = "team/new"'))
    assert pull(ecr, "quay/team/old")["images"]
    assert pull(ecr, "quay/team/new")["images"]


def test_empty_file_declares_nothing(ecr, write):
    load_upstreams(write(""))
    assert pull(ecr, "quay/team/app")["images"]


def test_declaration_is_gone_with_the_mock(write):
    with mock_aws():
        load_upstreams(write("[[quay.failures]]\nstatus = 429"))
    with mock_aws():
        client = boto3.client("ecr", REGION)
        client.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        assert pull(client, "quay/team/app")["images"]


def test_declaration_without_a_mock_says_what_to_do(write):
    path = write("[[quay.images]]\nrepository = 'team/app'")
    code = f"import moto_ecr_ptc; moto_ecr_ptc.load_upstreams({str(path)!r})"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "RuntimeError" in process.stderr
    assert "no mock is active in this process" in process.stderr


# --- mistakes -----------------------------------------------------------------------------------------------------

HEADER = '[[quay.images]]\nrepository = "team/app"\n'


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[quay\n", 1, "column 6: Expected "),
        ("[quay]\nproxy = 'x\n", 2, "Expected "),
        ("[quay]\nproxy = ", 2, "Invalid value"),
        ("quay = 1", 1, "quay: it must be a table, not an integer"),
        ("[docker]", 1, "docker: 'docker' is not an upstream registry. Choose one of 'ecr-public' ('public.ecr.aws')"),
        ("[quay]\n['quay.io']", 2, "\"quay.io\": the registry 'quay.io' is declared above already, by its other name"),
        ("[quay]\nimage = []", 2, "quay.image: there is no such key; did you mean 'images'?"),
        (
            "[quay]\nx = 1",
            2,
            "quay.x: there is no such key; the keys are credentials, failures, images, layouts, proxy, strict",
        ),
        (
            "['docker-hub']\n[['docker-hub'.images]]\nrepository = 'alpine'",
            3,
            "docker-hub.images[0].repository: Docker Hub has no repository 'alpine'",
        ),
        (
            HEADER + "platforms = {'linux/amd64' = {}}",
            3,
            'quay.images[0].platforms."linux/amd64": a platform has either',
        ),
        (HEADER + "files = {a = 1}", 3, "quay.images[0].files.a: it must be a string or a table, not an integer"),
        (HEADER + "media_type = 'x'", 3, "quay.images[0].media_type: media_type must be 'oci' or 'docker', not 'x'"),
        (HEADER + "media_type = 'docker'\nartifact_type = 'a/b'", 1, "quay.images[0]: Docker's format has no artifact"),
        (HEADER + "config = {Env = [\n'A=b',\n'C']}", 5, "quay.images[0].config.Env[1]: config['Env'] must be a list"),
        (
            HEADER + "[quay.images.config.Labels]\na = 1",
            4,
            "quay.images[0].config.Labels.a: config['Labels'] must be a",
        ),
        (HEADER + "files = [{}, {'a' = '', '/a' = ''}]", 3, 'quay.images[0].files[1]."/a": files has the path'),
        (
            HEADER + "files = {'a' = '', 'a/b' = ''}",
            3,
            "quay.images[0].files: files has 'a' as a file and as a directory",
        ),
        (
            HEADER + "[quay.images.platforms.'linux/amd64'.files]\n'..' = ''",
            4,
            'quay.images[0].platforms."linux/amd64".files."..": platforms[\'linux/amd64\'] has the path',
        ),
        (HEADER + f"config.x = {'[' * 50}nan{']' * 50}", 3, f"quay.images[0].config.x{'[0]' * 5}: config['x']"),
        (HEADER + "subject = 'x'", 3, "quay.images[0].subject: subject must be an image or the digest of one"),
        ("[[quay.failures]]\nstatus = 429\ntimes = 0", 3, "quay.failures[0].times: times must be"),
        ("[[quay.failures]]\nstatus = 429\nerror = 'timeout'", 1, "quay.failures[0]: fail takes exactly one of"),
        ("[quay]\nproxy = 'http://x'\nstrict = true", 3, "quay.strict: a proxy holds no images: declare either"),
        ("[quay]\nstrict = 'yes'", 2, "quay.strict: it must be a boolean, not a string"),
        ("[quay]\ncredentials = 1", 2, "quay.credentials: it must be a table, not an integer"),
        ("[quay]\n[quay.credentials]\nuser = 'u'", 2, "quay.credentials: credentials must be None or a mapping of"),
        ("[quay.images]", 1, "quay.images: it must be an array, not a table"),
        ("[[quay.images]]\ntag = '1'", 1, "quay.images[0]: 'repository' is missing"),
        (HEADER + "[[quay.images]]\nrepository = 'a b'", 4, "quay.images[1].repository: 'a b' is not the name of a"),
        (HEADER + "tag = 1.0", 3, "quay.images[0].tag: it must be a string, not a float"),
        (HEADER + "tag = 2026-01-01", 3, "quay.images[0].tag: it must be a string, not a date or time"),
        (HEADER + "tag = '-'", 3, "quay.images[0].tag: '-' is not a tag"),
        (HEADER + "tags = ['1',\n'-']", 4, "quay.images[0].tags[1]: '-' is not a tag"),
        (HEADER + "tags = '1'", 3, "quay.images[0].tags: it must be an array, not a string"),
        (HEADER + "tags = [\n '1',\n 2]", 5, "quay.images[0].tags[1]: it must be a string, not an integer"),
        (HEADER + "tag = '1'\ntags = ['1']", 4, "quay.images[0].tags: an image has 'tag' or 'tags', not both"),
        (HEADER + "platform = 'x'", 3, "quay.images[0].platform: there is no such key; did you mean 'platforms'?"),
        (HEADER + "platforms = ['x']", 3, "quay.images[0].platforms[0]: 'x' is not a platform"),
        (HEADER + "layers = [1]", 3, "quay.images[0].layers[0]: it must be a string or a table, not an integer"),
        (
            HEADER + "layers = [{}]",
            3,
            "quay.images[0].layers[0]: it must have either 'file' or 'base64'",
        ),
        (HEADER + "layers = [{base64 = '?'}]", 3, "quay.images[0].layers[0].base64: it is not base64"),
        (
            HEADER + "layers = [{file = 'none'}]",
            3,
            "quay.images[0].layers[0].file: 'none' cannot be read: No such file or directory",
        ),
        ("[[quay.layouts]]\nrepository = 'a/b'", 1, "quay.layouts[0]: 'path' is missing"),
        ("[[quay.layouts]]\nrepository = 'a/b'\npath = 'none'", 3, "quay.layouts[0].path: '"),
        ("[[quay.layouts]]\npath = 'x'\nrepository = 'A'", 3, "quay.layouts[0].repository: 'A' is not the name of a"),
        ("[[quay.failures]]\nstatus = '429'", 2, "quay.failures[0].status: it must be an integer, not a string"),
        ("[[quay.failures]]\nstatus = 200", 2, "quay.failures[0].status: 200 is not the HTTP status of a failure"),
        ("[[quay.failures]]\nstate = 500", 2, "quay.failures[0].state: there is no such key; did you mean 'status'?"),
        ("[quay]\nproxy = 1", 2, "quay.proxy: it must be a string or a table, not an integer"),
        ("[quay]\nproxy = 'ftp://x'", 2, "quay.proxy: "),
        ("[quay.proxy]\nurl = 'http://x'\ntimeout = 0", 3, "quay.proxy.timeout: 0 is not a positive number of seconds"),
        ("[quay]\nproxy = {}", 2, "quay.proxy: 'url' is missing"),
        ("[quay]\nproxy = {url = 'http://x', timeout = true}", 2, "quay.proxy.timeout: it must be an integer or a fl"),
        (
            "[quay]\nproxy = 'http://x'\n[[quay.images]]\nrepository = 'a/b'",
            3,
            "quay.images: a proxy holds no images: declare either this or 'proxy'",
        ),
    ],
)
def test_mistake_is_told_in_one_line_with_file_line_and_key(write, text, line, message):
    path = write(text)
    with mock_aws(), pytest.raises(ValueError) as error:  # noqa: PT011 (the message is checked as a whole)
        load_upstreams(path)
    assert str(error.value).startswith(f"{path}:{line}: {message}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('{"quay": {\n"images": 1}}', 2, "quay.images: it must be an array, not an integer"),
        ('{"quay":\n\n null}', 1, "quay: it must be an object, not null"),
        ("[]", 1, "it must be an object, not an array"),
        ('{"quay": {},\n"quay": {}}', 2, "quay: the key stands twice in its object"),
        (
            '{"quay": {"images": [\n{"repository": "a/b"},\n{"repository": "a b"}]}}',
            3,
            "quay.images[1].repository: 'a b' is not",
        ),
        (
            '{"quay": {"images": [\n{"repository": "a/b", "layers": [\n"\\ud800"]}]}}',
            3,
            "quay.images[0].layers[0]: it is text that UTF-8 cannot express",
        ),
        (
            '{"quay": {"images": [\n{"repository": "a/b", "files":\n{"a": {"file": "\\u0000"}}}]}}',
            3,
            "quay.images[0].files.a.file: no file can have this name",
        ),
        ('{"quay": \n}', 2, "column 1: Expecting value"),
    ],
)
def test_mistake_in_json_is_told_likewise(write, text, line, message):
    path = write(text, "upstreams.json")
    with mock_aws(), pytest.raises(ValueError) as error:  # noqa: PT011 (the message is checked as a whole)
        load_upstreams(path)
    assert str(error.value).startswith(f"{path}:{line}: {message}")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("upstreams.yaml", b"", ": the name of the file must end in .toml or .json"),
        ("missing/upstreams.toml", None, ": it cannot be read: No such file or directory"),
        ("upstreams.toml", b"# \n# \xff", ":2: it is not UTF-8"),
        ("upstreams.json", b"[" * 100_000, ": it is nested too deeply"),
        ("upstreams.toml", b"\xef\xbb\xbf[quay]\nx = 1", ":2: quay.x: there is no such key; the keys are cr"),
    ],
    ids=["suffix", "missing", "not UTF-8", "nested", "byte order mark"],
)
def test_file_that_cannot_be_read_is_told(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with mock_aws(), pytest.raises(ValueError) as error:  # noqa: PT011 (the message is checked as a whole)
        load_upstreams(path)
    assert str(error.value).startswith(f"{path}{message}")


@pytest.mark.skipif(not hasattr(sys, "get_int_max_str_digits"), reason="this Python reads numbers of any length")
@pytest.mark.parametrize(("name", "text"), [("upstreams.toml", "x = {}"), ("upstreams.json", '{{"x": {}}}')])
def test_number_that_python_does_not_read_is_told(write, name, text):
    path = write(text.format("1" * 5000), name)
    with mock_aws(), pytest.raises(ValueError, match=f"^{re.escape(str(path))}: it has a number with too many digits$"):
        load_upstreams(path)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (None, "path must be that of a TOML or JSON file, not None"),
        (b"x.toml", "path must be that of a TOML or JSON file, not b'x.toml'"),
        ("a\0.toml", "'a\\x00.toml': no file can have this name"),
        ("a\ud800.toml", "'a\\ud800.toml': no file can have this name"),
    ],
)
def test_path_that_no_file_can_have_is_told(path, message):
    with mock_aws(), pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        load_upstreams(path)


def test_file_with_a_mistake_changes_nothing(ecr, write):
    with pytest.raises(ValueError, match="status"):
        load_upstreams(write("[[quay.images]]\nrepository = 'a/b'\n[[k8s.failures]]\nstatus = 1"))
    assert pull(ecr, "quay/team/app")["images"]


def test_declaration_that_contradicts_what_is_there_is_told(ecr, write):
    upstream_registry("quay").proxy("http://127.0.0.1:9")
    with pytest.raises(ValueError, match=r"upstreams\.toml:1: quay\.images\[0\]: .* is a proxy of http://127.0.0.1:9"):
        load_upstreams(write("[[quay.images]]\nrepository = 'a/b'"))


# --- where keys stand ---------------------------------------------------------------------------------------------

NESTED = '''
# strict = 1
[quay] # [x]
"credentials" = { username = "}", accessToken = """a
[x]""\\"""""}
[[quay.images]]
repository = 'a/b'
[[ quay . "images" ]]
repository = \'\'\'[[
\'\'\'
config.'a.b' = [1, { c = 2026-01-01 00:00:00 },
  # ]
  "]"
]
[quay.images.platforms."linux/amd64"]
'''
LINES = {
    "quay": 3,
    "quay.credentials": 4,
    "quay.credentials.accessToken": 4,
    "quay.images": 6,
    "quay.images[0].repository": 7,
    "quay.images[1]": 8,
    "quay.images[1].repository": 9,
    'quay.images[1].config."a.b"[1].c': 11,
    'quay.images[1].config."a.b"[2]': 13,
    'quay.images[1].platforms."linux/amd64"': 15,
}


def test_keys_of_a_nested_document_are_found_on_their_lines():
    from moto_ecr_ptc.key_lines import toml_key_lines, written

    found = {written(path): line for path, line in toml_key_lines(NESTED).items()}
    assert {name: found.get(name) for name in LINES} == LINES
