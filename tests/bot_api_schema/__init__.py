"""The published Bot API as JSON schemas (schema.json), and the check of requests against it."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

from local_chat.api_error import bad_request

SCHEMA = json.loads(Path(__file__).with_name("schema.json").read_text())
METHODS: dict[str, dict[str, Any]] = SCHEMA["methods"]
_NAMES = {name.lower(): name for name in METHODS}

violations: list[str] = []  # of this test; conftest.py looks that there are none


def check(method: str, fields: Mapping[str, Any], uploads: Sequence[str]) -> None:
    """Refuses, and notes, parameters that the published method does not take."""
    name = _NAMES.get(method.lower())
    if name is None:  # the server refuses what it does not know
        return
    properties = METHODS[name].get("properties", {})
    decoded = {
        key: _decoded(value, properties[key]) if key in properties else value
        for key, value in fields.items()
    }
    error = best_match(_validator(json.dumps(METHODS[name])).iter_errors(decoded))
    said = json.dumps(decoded)
    unnamed = [u for u in uploads if u not in properties and f"attach://{u}" not in said]
    if error is None and not unnamed:
        return
    reason = f"{name}: {error.message} at {error.json_path}" if error else f"{name}: {unnamed}"
    violations.append(reason)
    raise bad_request(f"not in the published Bot API: {reason}")


def _decoded(value: Any, schema: dict[str, Any]) -> Any:
    """A form's string as what it stands for, where the parameter is no string."""
    if not isinstance(value, str) or _validator(json.dumps(schema)).is_valid(value):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


@cache
def _validator(schema: str) -> Draft7Validator:
    return Draft7Validator({**json.loads(schema), "definitions": SCHEMA["definitions"]})
