"""Answers to pressed buttons and to inline queries."""

import re
import time
from typing import Any

from local_chat.api_error import bad_request
from local_chat.formatting import utf16_length
from local_chat.inline_mode import offered
from local_chat.state import InlineAnswer, State

Json = dict[str, Any]

MAX_CALLBACK_ANSWER = 200
QUERY_LIFETIME_S = 60.0


async def answer_callback_query(
    state: State,
    callback_query_id: str = "",
    text: str = "",
    show_alert: bool = False,
    url: str = "",
    cache_time: int = 0,
) -> bool:
    query = state.queries.get(callback_query_id)
    if query is None or time.monotonic() - query.asked_at > QUERY_LIFETIME_S:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    if utf16_length(text) > MAX_CALLBACK_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG")
    if url:
        raise bad_request("URL_INVALID")  # only games and t.me links of the bot may open one
    del state.queries[callback_query_id]
    state.publish(
        "callback_answer",
        chat_id=query.chat_id,
        person_id=query.person_id,
        query_id=callback_query_id,
        text=text,
        show_alert=show_alert,
    )
    return True


async def answer_inline_query(
    state: State,
    results: list[Json],
    inline_query_id: str = "",
    cache_time: int = 300,
    is_personal: bool = False,
    next_offset: str = "",
    button: Json | None = None,
) -> bool:
    query = state.inline_queries.get(inline_query_id)
    if query is None or time.monotonic() - query.asked_at > QUERY_LIFETIME_S:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    start = str((button or {}).get("start_parameter", "x"))
    if button is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", start):
        raise bad_request("START_PARAM_INVALID")
    if next_offset:
        raise bad_request("this server shows one page of results")
    answer = InlineAnswer(offered(results, state), button, time.monotonic() + max(cache_time, 0))
    # For all who ask the same, unless the answer is personal.
    state.inline_answers[query.text, query.person_id if is_personal else 0] = answer
    state.show_inline_answer(inline_query_id, answer)
    return True
