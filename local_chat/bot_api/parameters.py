"""What a request carries, as the types that a method takes."""

import json
from types import UnionType
from typing import Any, get_origin

from local_chat.api_error import bad_request

Json = dict[str, Any]


def converted(name: str, value: Any, annotation: Any) -> Any:
    """A parameter as the annotated type; forms carry everything but text as JSON."""
    if isinstance(annotation, UnionType):
        annotation = annotation.__args__[0]  # of `X | None`
    kind = get_origin(annotation) or annotation
    if kind is bool:
        return value is True or str(value).lower() in ("true", "1", "yes", "y", "t")
    try:
        if kind is int:
            return int(value)
        if kind is str and not isinstance(value, str):
            value = json.dumps(value)
        elif kind is not str and isinstance(value, str):
            value = json.loads(value) if value else kind()
        json.dumps(value, ensure_ascii=False).encode()  # lone surrogates are no UTF-8
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise bad_request(f"can't parse {name}: {str(value)[:50]!r}") from None
    of_objects = annotation == list[Json]
    if not isinstance(value, kind) or (of_objects and not all(isinstance(v, dict) for v in value)):
        raise bad_request(f"can't parse {name}: expected {kind.__name__}")
    return value
