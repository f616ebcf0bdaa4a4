"""Server-sent events: what the page and the inspector are told while they are open."""

import asyncio
import json
from contextlib import suppress

from aiohttp import web

from local_chat.state import Json, Listeners

HEARTBEAT_S = 15.0


async def event_stream(
    request: web.Request, listeners: Listeners, first: list[Json]
) -> web.StreamResponse:
    """The first events, then those that the listeners are told, until the page is closed."""
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    await response.prepare(request)
    queue: asyncio.Queue[Json | None] = asyncio.Queue()
    for known in first:
        queue.put_nowait(known)
    listeners.add(queue)
    try:
        with suppress(ConnectionError):  # the page was closed
            while True:
                try:
                    event = await asyncio.wait_for(queue.get(), HEARTBEAT_S)
                except TimeoutError:
                    await response.write(b": still here\n\n")
                    continue
                if event is None:
                    break
                await response.write(f"data: {json.dumps(event)}\n\n".encode())
    finally:
        listeners.discard(queue)
    return response
