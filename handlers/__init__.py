"""The conversation, one router a subject. The first router whose handler fits an update has it."""

from aiogram import Dispatcher, Router
from aiogram.utils.i18n import I18n

from handlers import (
    anything_else,
    errors,
    examples,
    gate,
    inline,
    menu,
    photo,
    results,
    season,
    stats,
    style,
)
from handlers.groups import is_for_us
from handlers.middlewares import set_up_middlewares
from jobs.queue import JobContext


def make_dispatcher(context: JobContext, i18n: I18n) -> Dispatcher:
    """A dispatcher with the whole conversation; its routers are built once for each process."""
    dispatcher = Dispatcher(
        settings=context.settings, context=context, pace=context.pace, i18n=i18n
    )
    set_up_middlewares(dispatcher, context, i18n)
    dispatcher.include_router(conversation())
    return dispatcher


def conversation() -> Router:
    router = Router(name="conversation")
    router.message.filter(is_for_us)
    router.edited_message.filter(is_for_us)
    router.include_routers(
        gate.router,
        stats.router,
        menu.router,
        style.router,
        season.router,
        examples.router,
        photo.router,
        results.router,
        inline.router,
        anything_else.router,
        errors.router,
    )
    return router
