"""The conversation, one router a subject. The first router whose handler fits an update has it."""

from aiogram import Router

from handlers import anything_else, errors, examples, menu, photo, season, style


def conversation() -> Router:
    router = Router(name="conversation")
    router.include_routers(
        menu.router,
        style.router,
        season.router,
        examples.router,
        photo.router,
        anything_else.router,
        errors.router,
    )
    return router
