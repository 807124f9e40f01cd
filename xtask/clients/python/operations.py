"""The client has all that the document has."""

import importlib
import pkgutil
import re
from typing import Any

import fieldtest.api


def expect_operations(document: dict[str, Any]) -> None:
    """Each operation is a module that has its name and can be called, and nothing else is one."""
    documented = [
        re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation["operationId"]).lower()
        for methods in document["paths"].values()
        for operation in methods.values()
    ]
    modules = [module.name for module in pkgutil.walk_packages(fieldtest.api.__path__, "fieldtest.api.") if not module.ispkg]
    assert sorted(name.rpartition(".")[2] for name in modules) == sorted(documented)
    for name in modules:
        assert callable(importlib.import_module(name).sync_detailed), name
