"""The conversation, one router a subject. The first router whose handler fits an update has it."""

from aiogram import F, Router
from aiogram.enums import ChatType

from handlers import anything_else, errors, examples, gate, menu, photo, season, style


def conversation() -> Router:
    router = Router(name="conversation")
    router.message.filter(F.chat.type == ChatType.PRIVATE)  # in groups people talk to each other
    router.include_routers(
        gate.router,
        menu.router,
        style.router,
        season.router,
        examples.router,
        photo.router,
        anything_else.router,
        errors.router,
    )
    return router
