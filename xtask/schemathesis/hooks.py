"""What the OpenAPI document cannot describe: the values that exist on this server, and the signature."""

import hashlib
import hmac
import os
import time

import schemathesis

# The providers that are enabled for the demo app. The schema allows any string, but others are refused.
PROVIDERS = ["bankidse", "mitid", "smartid", "frejaid"]


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.method == "POST" and case.path.endswith("/verification-events") and "x-hopae-signature" in names(case.headers):
        kwargs["auth"] = sign
    if is_meant_to_be_good(case) and isinstance(case.body, dict) and isinstance(case.body.get("providerIds"), list):
        wanted = case.body["providerIds"]
        case.body["providerIds"] = [PROVIDERS[index % len(PROVIDERS)] for index in range(len(wanted))]


    encode_idempotency_key(case)


def encode_idempotency_key(case):
    """Sends the key in UTF-8, as the server expects. The schema cannot say so, and the default is ISO 8859-1."""
    for name, value in (case.headers or {}).items():
        if name.lower() == "idempotency-key" and isinstance(value, str):
            case.headers[name] = value.encode().decode("iso-8859-1")


def names(headers):
    return {name.lower() for name in headers or {}}


def is_meant_to_be_good(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


def sign(request):
    """Signs the body. requests calls this last, with the finished request."""
    now = int(time.time())
    body = request.body or b""
    body = body.encode() if isinstance(body, str) else body
    secret = os.environ["FIELDTEST_VERIFICATION_SECRET"].encode()
    digest = hmac.new(secret, f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    request.headers["X-Hopae-Signature"] = f"t={now},v1={digest}"
    return request
