"""The README's first minute: orders a production test, gets a stamp as a tester, and reads the report."""

import time
from urllib.parse import parse_qs, urlsplit

from fieldtest import AuthenticatedClient, Client
from fieldtest.api.production_tests import (
    create_production_test,
    list_production_tests,
    read_production_test,
    read_report,
)
from fieldtest.api.sandbox_simulator import simulate_verification
from fieldtest.api.testers import join_challenge, read_participation
from fieldtest.models import (
    Challenge,
    ChallengeRequest,
    ChallengeRequestStatus,
    CompletedSimulation,
    CreateProductionTest,
    JoinChallenge,
    Participation,
    ParticipationStatus,
    Platform,
    ProductionTest,
    ProductionTestItemType,
    Report,
    SortOrder,
    StartedParticipation,
    VerificationResult,
)

# The app of the demo workspace.
APP = "FK5b0KSM"


def spend_first_minute(engineer: AuthenticatedClient, tester: Client) -> None:
    """Orders, lists, reads, joins, is verified and reads the report."""
    request_id = order(engineer)
    challenge = list_until_it_is_a_challenge(engineer)
    test = read_production_test.sync(APP, request_id, client=engineer)
    assert isinstance(test, ProductionTest), test
    assert test.status == ChallengeRequestStatus.SCHEDULED and test.challenge_id == challenge.id, test
    assert test.challenge == challenge, test

    joined = join(tester, challenge)
    verify(tester, joined)
    # Each participation has its own token, which is not the workspace's key.
    with AuthenticatedClient(str(tester.get_httpx_client().base_url), token=joined.token) as holder:
        participation = read_participation.sync(joined.id, client=holder)
    assert isinstance(participation, Participation), participation
    assert participation.status == ParticipationStatus.CLAIMED, participation

    report = read_report.sync(APP, challenge.id, client=engineer)
    assert isinstance(report, Report), report
    assert (report.stats.total_participations, report.stats.total_claims) == (1, 1), report
    [row] = report.stats.provider_breakdown
    assert (row.provider_id, row.provider_name, row.claim_count) == ("bankidse", "BankID SE", 1), row


def order(engineer: AuthenticatedClient) -> str:
    """Orders a production test twice with one idempotency key, and returns the request's id."""
    body = CreateProductionTest(title="BankID SE Test", provider_ids=["bankidse"], max_stamps=3)
    key = "ordered from Python"
    first, again = (
        create_production_test.sync_detailed(APP, client=engineer, body=body, idempotency_key=key) for _ in range(2)
    )
    assert isinstance(first.parsed, ChallengeRequest), first
    assert first.status_code == 201 and first.parsed.payload.max_stamp_claims == 3, first
    assert first.headers["Location"] == f"/connect/v1/apps/{APP}/production-tests/{first.parsed.id}", first
    assert again.headers["Idempotency-Replayed"] == "true" and again.parsed == first.parsed, again
    return first.parsed.id


def list_until_it_is_a_challenge(engineer: AuthenticatedClient) -> Challenge:
    """The challenge of the newest production test."""
    for _ in range(100):
        items = list_production_tests.sync(APP, client=engineer, order=SortOrder.DESC, limit=1)
        assert isinstance(items, list), items
        if items and items[0].challenge:
            assert items[0].type_ == ProductionTestItemType.CHALLENGE and items[0].request is None, items
            return items[0].challenge
        time.sleep(0.1)
    raise AssertionError("the test is not scheduled after 10 s")


def join(tester: Client, challenge: Challenge) -> StartedParticipation:
    wish = JoinChallenge(provider_id="bankidse", platform=Platform.IOS)
    joined = join_challenge.sync(challenge.id, client=tester, body=wish)
    assert isinstance(joined, StartedParticipation), joined
    assert joined.expires_at > joined.created_at, joined
    return joined


def verify(tester: Client, joined: StartedParticipation) -> None:
    """Sends the request of the simulator's page."""
    [code] = parse_qs(urlsplit(joined.verification_url).query)["code"]
    play = CompletedSimulation(outcome="completed", subject="Grace")
    result = simulate_verification.sync(joined.id, client=tester, body=play, code=code)
    assert result == VerificationResult(id=joined.id, status=ParticipationStatus.CLAIMED), result
