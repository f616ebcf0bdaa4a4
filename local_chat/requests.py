"""Reading what a request carries: JSON, a form, or a form with files."""

import json
import mimetypes
from dataclasses import dataclass
from typing import Any

from aiohttp import BodyPartReader, ClientResponse, MultipartReader, web

from local_chat.api_error import bad_request

Json = dict[str, Any]

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
        form = await request.post()
    except ValueError:
        raise bad_request("can't parse the form") from None
    fields: Json = {}
    uploads = []
    for name, value in form.items():
        if isinstance(value, web.FileField):
            with value.file as file:
                data = file.read()
            uploads.append(_upload(name, value.filename, value.content_type, data))
        else:
            fields[name] = (
                value if isinstance(value, str) else bytes(value).decode(errors="replace")
            )
    return fields, uploads


async def read_answer(response: ClientResponse) -> tuple[Json, list[Upload]]:
    """The same of what a webhook answers. Raises `ValueError` for a body that cannot be read."""
    fields: Json = {}
    uploads = []
    if response.content_type == "application/json":
        body = json.loads(await response.read() or "{}")
        return (body, []) if isinstance(body, dict) else ({}, [])
    if response.content_type == "multipart/form-data":
        async for part in MultipartReader.from_response(response):
            if not isinstance(part, BodyPartReader) or part.name is None:
                continue
            data = bytes(await part.read(decode=True))
            if part.filename is None:
                fields[part.name] = data.decode(errors="replace")
            else:
                declared_type = part.headers.get("Content-Type", "")
                uploads.append(_upload(part.name, part.filename, declared_type, data))
    return fields, uploads
