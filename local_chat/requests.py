"""Reading what a request carries: JSON, a form, or a form with files."""

import json
import mimetypes
import re
from dataclasses import dataclass
from typing import Any

from aiohttp import BodyPartReader, ClientResponse, MultipartReader, web
from aiohttp.multipart import MultipartResponseWrapper

from local_chat.api_error import bad_request

Json = dict[str, Any]

MAX_REQUEST_BYTES = 256 * 2**20
PIECE_BYTES = 2**20  # more than aiohttp holds at once, or it warns of what it does itself
UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class Upload:
    """A file in a multipart request."""

    field: str
    name: str
    mime_type: str
    data: bytes


def _upload(field: str, name: str, declared_type: str, data: bytes) -> Upload:
    """The type is what its name says where the sender did not say it, as aiogram does not."""
    if declared_type in ("", UNKNOWN_TYPE):
        declared_type = mimetypes.guess_type(name)[0] or UNKNOWN_TYPE
    return Upload(field, name, declared_type, data)


async def read_json(request: web.Request) -> Json:
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise bad_request("can't parse the request as a JSON object")
    return body


async def read_form(request: web.Request) -> tuple[Json, list[Upload]]:
    """Fields and files of a multipart or urlencoded request, or the fields of a JSON object."""
    if request.content_type == "application/json":
        return await read_json(request), []
    try:
        if request.content_type == "multipart/form-data":
            return await _read_parts(await request.multipart())
        form = await request.post()
    except ValueError:
        raise bad_request("can't parse the form") from None
    return {name: str(value) for name, value in form.items()}, []


async def read_answer(response: ClientResponse) -> tuple[Json, list[Upload]]:
    """The same of what a webhook answers. Raises `ValueError` for a body that cannot be read."""
    if response.content_type == "application/json":
        body = json.loads(await response.read() or "{}")
        return (body, []) if isinstance(body, dict) else ({}, [])
    if response.content_type == "multipart/form-data":
        return await _read_parts(MultipartReader.from_response(response))
    return {}, []


async def _read_parts(
    parts: MultipartReader | MultipartResponseWrapper,
) -> tuple[Json, list[Upload]]:
    """Into memory: aiohttp's own reader leaves temporary files open where a form breaks off."""
    fields: Json = {}
    uploads = []
    total = 0
    async for part in parts:
        if not isinstance(part, BodyPartReader) or part.name is None:
            continue
        body = bytearray()
        while chunk := await part.read_chunk(PIECE_BYTES):
            body += chunk
            total += len(chunk)
            if total > MAX_REQUEST_BYTES:
                raise web.HTTPRequestEntityTooLarge(MAX_REQUEST_BYTES, total)
        if part.filename is None:
            fields[part.name] = body.decode(errors="replace")
        else:
            declared_type = part.headers.get("Content-Type", "")
            uploads.append(_upload(part.name, part.filename, declared_type, bytes(body)))
    return fields, uploads


def string(body: Json, key: str) -> str:
    """The text of a field, empty where it is missing; raises `ApiError` for anything else."""
    value = body.get(key, "")
    if not isinstance(value, str):
        raise bad_request(f"{key} is a string")
    return value


def integer(body: Json, key: str) -> int:
    """The number of a field; raises `ApiError` where there is none."""
    try:
        return int(body[key])
    except (KeyError, TypeError, ValueError):
        raise bad_request(f"{key} is a number") from None


def name_in(body: Json) -> str:
    name = string(body, "first_name").strip()
    if not 1 <= len(name) <= 64:
        raise bad_request("a name has 1 to 64 characters")
    return name


def language_in(body: Json) -> str:
    language = string(body, "language_code")
    if not re.fullmatch(r"([a-z]{2,3}(-[A-Za-z]{2,8})?)?", language):
        raise bad_request("a language code is like en or pt-br")
    return language
