"""A bot's calls over HTTP: its token, failures on purpose, and what the inspector shows of them."""

import asyncio
import json
import logging
import secrets
import time
from contextlib import suppress
from typing import Any

from aiohttp import ClientResponse, web

from local_chat.api_error import ApiError
from local_chat.bot_api import BotApi, Uploads
from local_chat.requests import Upload, read_answer, read_form
from local_chat.state import Failure, State

logger = logging.getLogger(__name__)

NO_UPDATES = json.dumps({"ok": True, "result": []})
Json = dict[str, Any]


class BotCalls:
    """Carries out what comes to `/bot<token>/<method>` and in the answers of a webhook."""

    def __init__(self, state: State, bot_api: BotApi, token: str) -> None:
        self.state, self.bot_api, self.token = state, bot_api, token

    def routes(self) -> list[web.RouteDef]:
        return [
            web.route("*", "/bot{token}/{method}", self.call),
            web.get("/file/bot{token}/{path:.+}", self.download),
        ]

    async def call(self, request: web.Request) -> web.StreamResponse:
        if not self._is_token(request):
            return _answer(ApiError(401, "Unauthorized"))
        method = request.match_info["method"]
        fields: Json = {}
        uploads: list[Upload] = []
        begun = time.perf_counter()
        try:
            fields, uploads = await read_form(request)
            fields = {**request.query, **fields}
            failure = _next_failure(self.state, method, fields)
            if failure is not None and failure.error != "drop_after":
                response = await _fail(request, failure)
            else:
                response = await self._carried_out(method, fields, uploads)
                if failure is not None:
                    response = _drop(request)
        except ApiError as error:
            response = _answer(error)
        except web.HTTPRequestEntityTooLarge:
            response = _answer(ApiError(413, "Request Entity Too Large"))
        # A poll that brings nothing happens all the time and tells nothing.
        if method.lower() != "getupdates" or response.text != NO_UPDATES:
            self.state.record_call(_call(method, fields, uploads, response, begun))
        return response

    async def download(self, request: web.Request) -> web.Response:
        if not self._is_token(request):
            return _answer(ApiError(401, "Unauthorized"))
        path = request.match_info["path"]
        begun = time.perf_counter()
        failure = _next_failure(self.state, "download", {})
        if failure is not None:
            return await _fail(request, failure)
        file = next((f for f in self.state.files.values() if f.path == path), None)
        if file is None:
            response = _answer(ApiError(404, "Not Found"))
        else:
            response = web.Response(body=file.data, content_type="application/octet-stream")
        self.state.record_call(_call("download", {"file_path": path}, [], response, begun))
        return response

    async def run_reply(self, response: ClientResponse) -> None:
        """Runs the method call that the body of a webhook's answer may hold; its result is lost."""
        begun = time.perf_counter()
        try:
            fields, uploads = await read_answer(response)
            method = fields.pop("method", None)
            if isinstance(method, str):
                answer = await self._carried_out(method, fields, uploads)
                self.state.record_call(_call(method, fields, uploads, answer, begun))
        except (ValueError, ApiError) as error:
            logger.warning("the webhook's answer could not be carried out: %s", error)

    async def _carried_out(self, method: str, fields: Json, uploads: list[Upload]) -> web.Response:
        named = Uploads({upload.field: upload for upload in uploads})
        result = await self.bot_api.execute(method, fields, named)
        return web.json_response({"ok": True, "result": result})

    def _is_token(self, request: web.Request) -> bool:
        told = request.match_info["token"]
        return secrets.compare_digest(told.encode(), self.token.encode())


def _call(
    method: str, fields: Json, uploads: list[Upload], response: web.Response, begun: float
) -> Json:
    """A request and its answer, as the inspector shows them."""
    if response.content_type == "application/json" and response.text:
        answer = _readable(response.text)
    else:
        size = len(response.body) if isinstance(response.body, bytes) else 0
        answer = f"{size} bytes"
    return {
        "at": time.time(),
        "ms": round(1000 * (time.perf_counter() - begun), 1),
        "method": method,
        "parameters": {name: _readable(value) for name, value in fields.items()},
        "files": [
            {"field": upload.field, "name": upload.name, "bytes": len(upload.data)}
            for upload in uploads
        ],
        "status": response.status,
        "answer": answer,
    }


def _readable(value: Any) -> Any:
    """Objects and lists come as JSON in a form."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def _answer(error: ApiError) -> web.Response:
    body: Json = {
        "ok": False,
        "error_code": error.code,
        "description": error.description,
    }
    if error.retry_after is not None:
        body["parameters"] = {"retry_after": error.retry_after}
    return web.json_response(body, status=error.code)


def _next_failure(state: State, method: str, fields: Json) -> Failure | None:
    for failure in state.failures:
        elsewhere = failure.chat_id and str(fields.get("chat_id")) != str(failure.chat_id)
        if failure.method.lower() in ("*", method.lower()) and not elsewhere:
            failure.times -= 1
            if failure.times <= 0:
                state.failures.remove(failure)
            return failure
    return None


async def _fail(request: web.Request, failure: Failure) -> web.Response:
    if failure.error == "hang":
        await asyncio.Event().wait()  # until the other side gives up or the server stops
    if isinstance(failure.error, str):
        return _drop(request)
    if failure.body is not None:
        return web.Response(
            status=failure.error, text=failure.body, content_type="application/json"
        )
    if failure.retry_after is not None:
        words = f"Too Many Requests: retry after {failure.retry_after}"
    else:
        words = {
            400: "Bad Request: failed on purpose",
            403: "Forbidden: bot was blocked by the user",
            429: "Too Many Requests",
            502: "Bad Gateway",
        }.get(failure.error, "Internal Server Error")
    return _answer(ApiError(failure.error, words, failure.retry_after))


def _drop(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
