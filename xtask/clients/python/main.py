"""The program of `cargo xtask test --only clients` for the generated Python client.

Environment: the ORIGIN of a sandbox server, the API_KEY of its demo workspace, and the DOCUMENT that the client is
generated from.
"""

import json
import os
from pathlib import Path

from errors import see_errors
from fieldtest import AuthenticatedClient, Client
from first_minute import spend_first_minute
from operations import expect_operations

ORIGIN = os.environ["ORIGIN"]

expect_operations(json.loads(Path(os.environ["DOCUMENT"]).read_text()))
print("ok      every operation of the document is a function")
with AuthenticatedClient(ORIGIN, token=os.environ["API_KEY"]) as engineer, Client(ORIGIN) as tester:
    spend_first_minute(engineer, tester)
    print("ok      the first minute: ordered, listed, read, joined, verified, reported")
    see_errors(engineer)
    print("ok      errors are typed")
