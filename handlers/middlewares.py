"""What every update passes on its way to a handler."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from aiogram import BaseMiddleware, Dispatcher
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.dispatcher.flags import get_flag
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, TelegramObject, Update
from aiogram.types import User as TelegramUser
from aiogram.types.update import UpdateTypeLookupError
from aiogram.utils.i18n import I18n
from aiogram.utils.i18n.middleware import I18nMiddleware

import keyboards
import texts
from handlers.groups import GROUPS
from handlers.turn import Turn
from jobs.queue import JobContext
from logs import about
from store import PEOPLE, StoreError, last_days
from users import User, from_json, to_json

log = logging.getLogger(__name__)

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


def set_up_middlewares(dispatcher: Dispatcher, context: JobContext, i18n: I18n) -> None:
    """In the order in which an update passes them."""
    dispatcher.update.outer_middleware(LogIds())
    dispatcher.update.outer_middleware(TakeTurns(context))
    dispatcher.update.outer_middleware(KnownKinds())
    SpeakTheirLanguage(i18n).setup(dispatcher)
    for events in (dispatcher.message, dispatcher.edited_message, dispatcher.callback_query):
        events.outer_middleware(OwnButtons())
    dispatcher.callback_query.middleware(AnswerFirst())  # once a handler for it is found


class LogIds(BaseMiddleware):
    """What is logged meanwhile carries the ids of the update and of its user."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        assert isinstance(event, Update)
        sender = data.get("event_from_user")
        with about(update=event.update_id, **({"user": sender.id} if sender else {})):
            return await handler(event, data)


class TakeTurns(BaseMiddleware):
    """Hands each handler its `turn` and its `user`, a new one for somebody never seen before, and
    keeps the user afterwards.

    The updates of one user are handled one after the other, and each once: one that comes again
    waits until the first is handled, and is passed over. At `StoreError` nothing is kept: the inbox
    brings the update again.
    """

    def __init__(self, context: JobContext) -> None:
        self.context = context

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        assert isinstance(event, Update)
        store = self.context.store
        sender: TelegramUser | None = data.get("event_from_user")
        user_id = sender.id if sender else 0  # a channel's post has no sender
        async with store.lock(user_id):
            if await store.is_handled(event.update_id):
                log.info("update %s of user %s came again", event.update_id, user_id)
                return None
            before = await store.user(user_id)
            user = data["user"] = from_json(user_id, before)
            user.telegram_language = (sender.language_code if sender else None) or ""
            data["turn"] = Turn(event.update_id, user, data["bot"], self.context)
            try:
                result = await handler(event, data)
            except StoreError:
                raise
            except Exception:  # the user is told, and the update is done with
                await store.save(user_id, before, event.update_id)
                raise
            await self._count(user)
            await store.save(user_id, to_json(user), event.update_id)
            return result

    async def _count(self, user: User) -> None:
        """Once a day each of whom anything is kept."""
        [today] = last_days(1)
        if user.seen != today and to_json(user) is not None:
            user.seen = today
            with suppress(StoreError):
                await self.context.store.count(PEOPLE)


class KnownKinds(BaseMiddleware):
    """Passes over what aiogram does not know: it would print the whole update."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        assert isinstance(event, Update)
        try:
            event.event_type  # noqa: B018 raises
        except UpdateTypeLookupError:
            log.info("update %s is of an unknown kind", event.update_id)
            return UNHANDLED
        return await handler(event, data)


class SpeakTheirLanguage(I18nMiddleware):
    """Texts and buttons are in the language of the update's sender."""

    async def get_locale(self, event: TelegramObject, data: dict[str, Any]) -> str:
        user: User = data["user"]
        return user.speaks


class OwnButtons(BaseMiddleware):
    """In a group, the buttons of what a user gets are theirs: to others a popup says so."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        sender: TelegramUser | None = data.get("event_from_user")
        chat = data.get("event_chat")
        if sender is None or chat is None or chat.type not in GROUPS:
            return await handler(event, data)
        if isinstance(event, CallbackQuery):
            pressed, owner = keyboards.without_owner(event.data or "")
            if owner != sender.id:
                return await event.answer(texts.not_yours(), show_alert=True)
            event = event.model_copy(update={"data": pressed})
        with keyboards.owned_by(sender.id):
            return await handler(event, data)


class AnswerFirst(BaseMiddleware):
    """Answers a press of a button before its work starts, so that its clock stops turning.

    A handler with the flag "answers" does so itself, in words.
    """

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        if isinstance(event, CallbackQuery) and not get_flag(data, "answers"):
            with suppress(TelegramBadRequest):  # pressed long ago: the work is wanted all the same
                await event.answer()
        return await handler(event, data)
