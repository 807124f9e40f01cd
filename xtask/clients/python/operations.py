"""Checks that the client has every operation of the document."""

import importlib
import pkgutil
import re
from typing import Any

import fieldtest.api


def expect_operations(document: dict[str, Any]) -> None:
    """Checks that each operation has a callable module with its name, and that there are no others."""
    documented = [
        re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation["operationId"]).lower()
        for methods in document["paths"].values()
        for operation in methods.values()
    ]
    modules = [module.name for module in pkgutil.walk_packages(fieldtest.api.__path__, "fieldtest.api.") if not module.ispkg]
    assert sorted(name.rpartition(".")[2] for name in modules) == sorted(documented)
    for name in modules:
        assert callable(importlib.import_module(name).sync_detailed), name
