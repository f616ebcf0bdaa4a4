"""Inline mode: the user's last results, to be sent in any chat."""

from aiogram import Router
from aiogram.types import (
    InlineQuery,
    InlineQueryResultCachedDocument,
    InlineQueryResultCachedPhoto,
    InlineQueryResultsButton,
)

import texts
from jobs.queue import JobContext

router = Router(name="inline")


@router.inline_query()
async def offer_results(query: InlineQuery, context: JobContext) -> None:
    results: list[InlineQueryResultCachedPhoto | InlineQueryResultCachedDocument] = []
    for number, note in enumerate(await context.store.results(query.from_user.id)):
        kind, _, file_id = note.partition(" ")
        if kind == "photo":
            results.append(InlineQueryResultCachedPhoto(id=str(number), photo_file_id=file_id))
        else:
            title = texts.result_title()
            results.append(
                InlineQueryResultCachedDocument(
                    id=str(number), title=title, document_file_id=file_id
                )
            )
    button = InlineQueryResultsButton(text=texts.paint_first(), start_parameter="inline")
    await query.answer(
        [*results], cache_time=0, is_personal=True, button=None if results else button
    )
