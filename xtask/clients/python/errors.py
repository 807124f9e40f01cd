"""Errors are typed: a program need not parse a message."""

from fieldtest import AuthenticatedClient
from fieldtest.api.production_tests import create_production_test, list_production_tests
from fieldtest.api.workspace import read_workspace
from fieldtest.models import (
    CreateProductionTest,
    ErrorCode,
    ErrorDetails,
    ErrorEnvelope,
    FieldError,
    RefusalReason,
    RefusedProvider,
)
from first_minute import APP


def see_errors(engineer: AuthenticatedClient) -> None:
    """Sends invalid requests, and checks the errors."""
    [field] = offences(engineer, CreateProductionTest(title="x", max_stamps=0))
    assert (field.parameter, field.code, field.value) == ("maxStamps", ErrorCode.VALIDATION_INVALID_PARAMETER, 0), field

    details = refusal(engineer, CreateProductionTest(title="x", provider_ids=["passport"]))
    assert details.providers == [RefusedProvider(provider_id="passport", reason=RefusalReason.CHIP_BASED)], details

    unknown = list_production_tests.sync_detailed("nobody00", client=engineer)
    assert unknown.status_code == 404 and isinstance(unknown.parsed, ErrorEnvelope), unknown
    assert unknown.parsed.error.code == ErrorCode.RESOURCE_NOT_FOUND, unknown

    with AuthenticatedClient(str(engineer.get_httpx_client().base_url), token="sk_workspace_test_wrong") as stranger:
        locked = read_workspace.sync_detailed(client=stranger)
    assert locked.status_code == 401 and isinstance(locked.parsed, ErrorEnvelope), locked
    assert locked.parsed.error.code == ErrorCode.AUTH_INVALID_CREDENTIALS, locked
    assert str(locked.parsed.request_id) == locked.headers["X-Request-Id"], locked


def offences(engineer: AuthenticatedClient, body: CreateProductionTest) -> list[FieldError]:
    errors = refusal(engineer, body).errors
    assert isinstance(errors, list), errors
    return errors


def refusal(engineer: AuthenticatedClient, body: CreateProductionTest) -> ErrorDetails:
    """The details of a 400."""
    answer = create_production_test.sync_detailed(APP, client=engineer, body=body)
    assert answer.status_code == 400 and isinstance(answer.parsed, ErrorEnvelope), answer
    assert isinstance(answer.parsed.error.details, ErrorDetails), answer
    return answer.parsed.error.details
