"""The conversation, one router a subject. The first router whose handler fits an update has it."""

from aiogram import Router

from handlers import (
    anything_else,
    errors,
    examples,
    gate,
    inline,
    menu,
    photo,
    season,
    style,
)
from handlers.groups import Manners, is_for_us


def conversation() -> Router:
    router = Router(name="conversation")
    router.message.filter(is_for_us)
    router.edited_message.filter(is_for_us)
    router.message.outer_middleware(Manners())
    router.edited_message.outer_middleware(Manners())
    router.callback_query.outer_middleware(Manners())
    router.include_routers(
        gate.router,
        menu.router,
        style.router,
        season.router,
        examples.router,
        photo.router,
        inline.router,
        anything_else.router,
        errors.router,
    )
    return router
