"""The first minute with the client of openapi-generator: part of `cargo xtask test --only clients`.

Environment: the ORIGIN of a sandbox server and the API_KEY of its demo workspace.
"""

import os
import time
from urllib.parse import parse_qs, urlsplit

from fieldtest import ApiClient, Configuration, ProductionTestsApi, SandboxSimulatorApi, TestersApi, WorkspaceApi
from fieldtest.exceptions import NotFoundException
from fieldtest.models import (
    Challenge,
    ChallengeRequestStatus,
    CompletedSimulation,
    CreateProductionTest,
    ErrorCode,
    JoinChallenge,
    ParticipationStatus,
    Platform,
    SimulateVerification,
    SortOrder,
)

APP = "FK5b0KSM"
ORIGIN = os.environ["ORIGIN"]


def list_until_it_is_a_challenge(tests: ProductionTestsApi) -> Challenge:
    """The challenge of the newest production test."""
    for _ in range(100):
        items = tests.list_production_tests(APP, order=SortOrder.DESC, limit=1)
        if items and items[0].challenge:
            return items[0].challenge
        time.sleep(0.1)
    raise AssertionError("the test is not scheduled after 10 s")


with (
    ApiClient(Configuration(host=ORIGIN, access_token=os.environ["API_KEY"])) as engineer,
    ApiClient(Configuration(host=ORIGIN)) as tester,
):
    assert WorkspaceApi(engineer).read_workspace().created_at.year >= 2026
    tests = ProductionTestsApi(engineer)
    order = CreateProductionTest(title="BankID SE Test", provider_ids=["bankidse"], max_stamps=3)
    request = tests.create_production_test(APP, order, idempotency_key="ordered with urllib3")
    assert request.payload.max_stamp_claims == 3, request

    challenge = list_until_it_is_a_challenge(tests)
    test = tests.read_production_test(APP, request.id)
    assert test.status == ChallengeRequestStatus.SCHEDULED and test.challenge_id == challenge.id, test

    wish = JoinChallenge(provider_id="bankidse", platform=Platform.IOS)
    joined = TestersApi(tester).join_challenge(challenge.id, wish)
    [code] = parse_qs(urlsplit(joined.verification_url).query)["code"]
    play = SimulateVerification(CompletedSimulation(outcome="completed", subject="Grace"))
    played = SandboxSimulatorApi(tester).simulate_verification(joined.id, code, play)
    assert played.status == ParticipationStatus.CLAIMED, played

    report = tests.read_report(APP, challenge.id)
    assert report.stats.total_claims == 1, report
    print("ok      the first minute: ordered, listed, read, joined, verified, reported")

    try:
        tests.list_production_tests("nobody00")
        raise AssertionError("an unknown app is an error")
    except NotFoundException as error:
        assert error.data and error.data.error.code == ErrorCode.RESOURCE_NOT_FOUND, error
    print("ok      errors are typed")
