"""Each scenario, in process and on a server. Against AWS they are run by ``python -m tests.verified record``."""

from __future__ import annotations

import pytest

from tests.verified import reporting
from tests.verified.case import Observation
from tests.verified.cleaning import bearing_a_prefix
from tests.verified.cloud import mocked
from tests.verified.journal import journals
from tests.verified.recordings import Recording, differences
from tests.verified.running import run
from tests.verified.scenarios import SCENARIOS
from tests.verified.upstreams import fill

EACH = pytest.mark.parametrize("name", SCENARIOS)


@pytest.fixture
def in_process(name: str) -> list[Observation]:
    """What a scenario sees in this process. A claim of its that does not hold fails here."""
    if not SCENARIOS[name].is_in_the_model:
        pytest.skip("the model of an older botocore has not what it calls")
    return reporting.in_process(name)


@EACH
def test_scenario_sees_on_a_server_what_it_sees_in_process_and_leaves_nothing(name, in_process, server, tmp_path):
    fill(server.endpoint_url)
    cloud = mocked(server.endpoint_url)
    seen = Recording(name, "server", "", "", run(SCENARIOS[name], cloud, tmp_path).observations)
    assert differences(seen, in_process) == []
    assert [each.label for each in seen.observations] == [each.label for each in in_process]
    assert bearing_a_prefix(cloud) == []
    assert list(journals(tmp_path)) == []


@EACH
def test_scenario_observes_the_rows_that_it_names(name, in_process):
    observed = {row for observation in in_process for row in observation.rows}
    assert observed == set(SCENARIOS[name].rows)


@EACH
def test_mock_answers_as_the_recording_of_aws_if_there_is_one(name, in_process):
    assert [str(difference) for difference in reporting.compared(name)] == []
