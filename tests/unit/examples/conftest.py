"""What the tests of the examples share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import temporalio.converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

ROOT = Path(__file__).parents[3]


@pytest.fixture
def examples() -> Path:
    return ROOT / "examples"


@pytest.fixture
def call() -> Callable[..., Any]:
    """Run an activity as a flow does: JSON goes in, through Temporal's converter, and JSON comes out."""
    converter = temporalio.converter.default().payload_converter

    def run(function: Callable[..., Any], *args: Any) -> Any:
        hints = get_type_hints(function)
        hints.pop("return")
        decoded = converter.from_payloads(converter.to_payloads(args), list(hints.values()))
        return json.loads(converter.to_payload(ActivityEnvironment().run(function, *decoded)).data)

    return run


@pytest.fixture
def refusal(call: Callable[..., Any]) -> Callable[..., tuple[str | None, bool]]:
    """Run an activity that must fail; give the error's code and whether Temporal would try again."""

    def run(function: Callable[..., Any], *args: Any) -> tuple[str | None, bool]:
        with pytest.raises(ApplicationError) as caught:
            call(function, *args)
        return caught.value.type, not caught.value.non_retryable

    return run
