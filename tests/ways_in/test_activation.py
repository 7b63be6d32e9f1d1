"""Activation, each time in a process of its own: when it happens, what it costs, and what it says if it cannot."""

from __future__ import annotations

import json
import os
import pkgutil
import subprocess
import sys
import textwrap

import pytest

import moto_ecr_ptc
from tests.strict import STRICT

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(moto_ecr_ptc.__path__, "moto_ecr_ptc.")
    if not module.name.endswith("__main__")
)
CREATE = """
import boto3
def create(client=None):
    client = client or boto3.client("ecr", "us-east-1")
    return client.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
"""


def run(code, *options, check=True):
    """Run code in a new interpreter in which every warning is an error."""
    process = subprocess.run(
        [sys.executable, *STRICT, *options, "-c", CREATE + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert not check or process.returncode == 0, process.stderr
    return process


def test_import_loads_neither_moto_nor_boto():
    code = """
        import sys
        import moto_ecr_ptc, moto_ecr_ptc.pytest_plugin
        loaded = [name for name in sys.modules if name.partition(".")[0] in ("moto", "boto3", "botocore", "requests")]
        assert not loaded, loaded
    """
    process = subprocess.run(
        [sys.executable, *STRICT, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr


def test_moto_without_ecr_does_not_load_the_backend():
    run("""
        import sys
        import moto_ecr_ptc
        from moto import mock_aws
        with mock_aws():
            boto3.client("sts", "us-east-1").get_caller_identity()
        assert "moto_ecr_ptc.ecr" not in sys.modules
    """)


@pytest.mark.parametrize("before", ["", "import moto", "import moto.ecr.models", "import moto.backends, moto.ecr.urls"])
def test_import_before_or_after_moto_activates(before):
    run(f"""
        {before}
        import moto_ecr_ptc
        from moto import mock_aws
        with mock_aws():
            create()
    """)


FORKS = """
import json, os, sys, traceback
import jinja2, requests, responses, werkzeug
assert not {"moto", "moto_ecr_ptc"} & set(sys.modules)
for module in map(str.strip, sys.stdin):
    if not os.fork():
        error = None
        try:
            __import__(module)
            from moto import mock_aws
            with mock_aws():
                create()
        except BaseException:
            error = traceback.format_exc()
        print(json.dumps(error), flush=True)
        os._exit(0)
    if os.wait()[1]:
        print(json.dumps("the process died"), flush=True)
"""


@pytest.fixture(scope="module")
def forks():
    """An interpreter with what moto needs, but not moto, which starts each process with that: a third of the time."""
    with subprocess.Popen(
        [sys.executable, *STRICT, "-c", CREATE + FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("module", MODULES)
def test_every_module_can_be_the_first_import_of_a_process(forks, module):
    print(module, file=forks.stdin, flush=True)
    assert json.loads(forks.stdout.readline()) is None


def test_activation_again_changes_nothing():
    run("""
        import sys
        import moto_ecr_ptc
        from moto_ecr_ptc.activation import activate
        from moto import mock_aws
        finders = list(sys.meta_path)
        with mock_aws():
            activate()
            create()
            activate()
            found = boto3.client("ecr", "us-east-1").describe_pull_through_cache_rules()
            assert len(found["pullThroughCacheRules"]) == 1
        assert sys.meta_path == finders
    """)


def test_activation_during_a_mock_reaches_live_state_and_older_clients():
    run("""
        from moto import mock_aws
        with mock_aws():
            client = boto3.client("ecr", "us-east-1")
            client.create_repository(repositoryName="kept")
            boto3.client("ecr", "eu-west-1").create_repository(repositoryName="kept-too")
            try:
                create(client)
            except NotImplementedError:
                pass
            else:
                raise AssertionError("moto has the operation itself")
            import moto_ecr_ptc
            create(client)
            create(boto3.client("ecr", "eu-west-1"))
            create(boto3.client("ecr", "ap-south-1"))
            names = [repository["repositoryName"] for repository in client.describe_repositories()["repositories"]]
            assert names == ["kept"]
        with mock_aws():
            assert client.describe_pull_through_cache_rules()["pullThroughCacheRules"] == []
    """)


def test_activation_during_a_mock_reaches_layers_and_motos_api():
    run("""
        import json
        import requests
        from moto import mock_aws
        with mock_aws():
            client = boto3.client("ecr", "us-east-1")
            client.create_repository(repositoryName="kept")
            requests.post("http://motoapi.amazonaws.com/moto-api/seed?a=1")
            import moto_ecr_ptc
            create(client)
            for prefix in client.describe_pull_through_cache_rules()["pullThroughCacheRules"]:
                name = prefix["ecrRepositoryPrefix"] + "/team/app"
            (image,) = client.batch_get_image(repositoryName=name, imageIds=[{"imageTag": "a"}])["images"]
            layer = json.loads(image["imageManifest"])["layers"][0]
            url = client.get_download_url_for_layer(repositoryName=name, layerDigest=layer["digest"])["downloadUrl"]
            assert len(requests.get(url).content) == layer["size"]
            assert requests.head(url).status_code == 200
            call = "http://motoapi.amazonaws.com/moto-api/static/ecr/upstream-pulls?registry="
            answer = requests.get(call + prefix["upstreamRegistryUrl"])
            assert len(answer.json()["pulls"]) == 1, answer.text
    """)


def test_unsupported_moto_keeps_its_own_api():
    run("""
        import moto
        moto.__version__ = "4.2.14"
        import moto_ecr_ptc
        import moto.moto_api._internal.urls as urls
        assert not [path for path in urls.url_paths if "upstream-" in path]
    """)


def test_activation_again_with_a_server_loaded_changes_nothing():
    run("""
        import moto_ecr_ptc
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication
        once = DomainDispatcherApplication.__init__
        moto_ecr_ptc.activate()
        assert DomainDispatcherApplication.__init__ is once
    """)


def test_server_that_was_started_is_remembered_and_a_stopped_one_is_not():
    run("""
        import gc
        from moto.server import ThreadedMotoServer
        import moto_ecr_ptc
        hub = moto_ecr_ptc.upstream_registry("docker-hub")
        server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        server.start()
        server.get_host_and_port()
        assert hub.pulls == ()
        server.stop()
        del server
        gc.collect()
        try:
            hub.pulls
        except RuntimeError:
            pass
        else:
            raise AssertionError("the server is gone")
    """)


def test_moto_module_looks_as_if_loaded_without_a_detour():
    run("""
        import inspect
        import moto_ecr_ptc
        import moto.ecr.models
        assert type(moto.ecr.models.__spec__.loader).__name__ == "SourceFileLoader"
        assert type(moto.ecr.models.__loader__).__name__ == "SourceFileLoader"
        assert "class ECRBackend" in inspect.getsource(moto.ecr.models)
    """)


def test_moto_hands_the_backend_out():
    run("""
        import moto_ecr_ptc
        from moto.backends import get_backend
        from moto.core import DEFAULT_ACCOUNT_ID
        backend = get_backend("ecr")[DEFAULT_ACCOUNT_ID]["us-east-1"]
        assert type(backend).__module__ == "moto_ecr_ptc.ecr.models"
        backend.reset()
        assert not backend.rules
    """)


@pytest.mark.parametrize("version", ["5.1.1", "4.2.14", "6.0.0", "6.0.0.dev1", "5.1"])
@pytest.mark.parametrize("loaded_before", [True, False])
def test_unsupported_moto_is_named_and_nothing_is_activated(version, loaded_before):
    process = run(
        f"""
        import moto
        moto.__version__ = "{version}"
        if {loaded_before}:
            import moto.ecr.models
        try:
            import moto_ecr_ptc
            import moto.ecr.models
        except RuntimeError as error:
            print(type(error).__name__, error)
        try:
            import moto.ecr.models
        except RuntimeError:
            assert not {loaded_before}
        else:
            assert moto.ecr.models.ecr_backends.backend is moto.ecr.models.ECRBackend
        """
    )
    assert process.stdout == (
        f"UnsupportedMotoError moto_ecr_ptc {moto_ecr_ptc.__version__} does not work "
        f"with the installed moto {version} (a version out of range). "
        "Install a moto >= 5.1.2, < 6, or run pytest with '-p no:moto_ecr_ptc'.\n"
    )


def test_moto_without_the_seams_is_unsupported_whatever_its_version():
    process = run("""
        import moto.core.exceptions, moto.core.responses
        del moto.core.exceptions.AccessDeniedError
        import moto_ecr_ptc
        from moto import mock_aws
        try:
            with mock_aws():
                create()
        except moto_ecr_ptc.UnsupportedMotoError as error:
            print(error)
    """)
    assert "(cannot import name 'AccessDeniedError' from 'moto.core.exceptions'" in process.stdout


@pytest.mark.parametrize("dropped", ["moto_ecr_ptc", "moto", "moto."])
def test_process_that_drops_modules_and_imports_them_again_works(dropped):
    run(f"""
        import sys
        import moto_ecr_ptc
        def use():
            from moto import mock_aws
            with mock_aws():
                create(boto3.Session().client("ecr", "us-east-1"))
        use()
        for name in [name for name in sys.modules if (name + ".").startswith("{dropped}")]:
            if "{dropped}" != "moto." or not name.startswith("moto_ecr_ptc"):
                del sys.modules[name]
        if "moto_ecr_ptc" not in sys.modules:
            import moto_ecr_ptc
        import botocore.handlers
        botocore.handlers.BUILTIN_HANDLERS[:] = [
            handler for handler in botocore.handlers.BUILTIN_HANDLERS
            if type(handler[1]).__name__ != "BotocoreStubber" or "{dropped}" == "moto_ecr_ptc"
        ]
        use()
    """)


def test_server_that_ran_before_the_activation_has_upstream_registries():
    run("""
        from moto.server import ThreadedMotoServer
        stopped, server = ThreadedMotoServer("127.0.0.1", 0, verbose=False), None
        stopped.start()
        stopped.stop()
        from moto_ecr_ptc import upstream_registry
        hub = upstream_registry("quay")
        try:
            hub.push("team/app")
        except RuntimeError:
            pass
        else:
            raise AssertionError("no server runs")
        for name in [name for name in __import__("sys").modules if name.startswith("moto_ecr_ptc")]:
            del __import__("sys").modules[name]
        server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        from moto_ecr_ptc import upstream_registry
        upstream_registry("quay").push("team/app")
        create(boto3.client("ecr", "us-east-1", endpoint_url="http://%s:%s" % server.get_host_and_port(),
                            aws_access_key_id="a", aws_secret_access_key="b"))
        server.stop()
    """)


def test_handle_of_a_stopped_server_is_a_runtime_error_until_the_next_start():
    run("""
        import sys
        from moto.server import ThreadedMotoServer
        def use_until_stopped():
            from moto_ecr_ptc import upstream_registry
            server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
            for _ in range(2):
                server.start()
                upstream_registry("quay").push("team/app")
                server.stop()
                try:
                    upstream_registry("quay").push("team/app")
                except RuntimeError:
                    continue
                raise AssertionError("the server runs no more")
        use_until_stopped()
        for name in [name for name in sys.modules if name.startswith("moto_ecr_ptc")]:
            del sys.modules[name]
        use_until_stopped()  # with a copy of the package, which extends moto's classes anew
    """)


def test_finder_without_find_spec_does_not_break_the_import_of_moto():
    run("""
        import sys, warnings
        warnings.simplefilter("ignore", ImportWarning)  # Python's own, about the finder
        class OldFinder:
            def find_module(self, fullname, path=None):
                return None
        import moto_ecr_ptc
        sys.meta_path.insert(1, OldFinder())
        from moto import mock_aws
        with mock_aws():
            create()
    """)


STACK = """
import json
def deploy(name, prefix):
    client = boto3.client("cloudformation", "us-east-1")
    resources = {
        "Rule": {
            "Type": "AWS::ECR::PullThroughCacheRule",
            "Properties": {"EcrRepositoryPrefix": prefix, "UpstreamRegistryUrl": "quay.io"},
        },
        "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": name}},
    }
    client.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    ecr = boto3.client("ecr", "us-east-1")
    rules = ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=[prefix])["pullThroughCacheRules"]
    assert len(rules) == 1
    secrets = boto3.client("secretsmanager", "us-east-1").list_secrets()["SecretList"]
    assert name in [secret["Name"] for secret in secrets]
"""


@pytest.mark.parametrize(
    "before", ["", "import moto.cloudformation", "import moto.cloudformation.parsing as p; p.get_model_map()"]
)
def test_activation_before_or_after_cloudformation_is_loaded(before):
    run(
        STACK
        + textwrap.dedent(f"""
            {before}
            import moto_ecr_ptc
            from moto import mock_aws
            with mock_aws():
                deploy("stack", "quay")
        """)
    )


def test_activation_during_a_mock_reaches_cloudformation_in_use():
    run(
        STACK
        + textwrap.dedent("""
            from moto import mock_aws
            with mock_aws():
                client = boto3.client("cloudformation", "us-east-1")
                repository = {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "app"}}
                client.create_stack(StackName="old", TemplateBody=json.dumps({"Resources": {"Repository": repository}}))
                import moto_ecr_ptc
                deploy("stack", "quay")
                client.delete_stack(StackName="old")
                names = [stack["StackName"] for stack in client.describe_stacks()["Stacks"]]
                assert names == ["stack"], names
        """)
    )


def test_ecr_does_not_load_cloudformation():
    run("""
        import sys
        import moto_ecr_ptc
        from moto import mock_aws
        with mock_aws():
            create()
        assert "moto.cloudformation" not in sys.modules
    """)


def test_type_for_secrets_steps_aside_where_moto_has_one():
    run(
        STACK
        + textwrap.dedent("""
            import moto_ecr_ptc
            from moto import mock_aws
            from moto.core.common_models import CloudFormationModel
            from moto.secretsmanager.models import secretsmanager_backends

            class MotosSecret(CloudFormationModel):
                __module__ = "moto.secretsmanager.models"
                physical_resource_id = "moto's"

                @staticmethod
                def cloudformation_type():
                    return "AWS::SecretsManager::Secret"

                @staticmethod
                def cloudformation_name_type():
                    return "Name"

                @classmethod
                def create_from_cloudformation_json(cls, name, json, account_id, region_name, **more):
                    secretsmanager_backends[account_id][region_name].create_secret(
                        name, "moto's", None, None, None, None, None, [], False
                    )
                    return cls()

            with mock_aws():
                deploy("stack", "quay")
                value = boto3.client("secretsmanager", "us-east-1").get_secret_value(SecretId="stack")
                assert value["SecretString"] == "moto's"
            assert "moto_ecr_ptc.ecr.cloudformation.secret" not in sys.modules
        """).replace("import moto_ecr_ptc", "import sys, moto_ecr_ptc")
    )


def test_spec_of_the_watched_module_offers_its_source():
    run("""
        import importlib.util
        import moto_ecr_ptc
        spec = importlib.util.find_spec("moto.ecr.models")
        assert "class ECRBackend" in spec.loader.get_source("moto.ecr.models")
    """)
