"""The buttons under a result and under the status message."""

from contextlib import suppress

from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import BufferedInputFile, CallbackQuery, Message, ReplyParameters

import keyboards
import texts
from handlers.album import sheet_of_own
from handlers.reply import chat_of, photo_behind, photos_behind, reply_to_press, result_in
from handlers.turn import Turn, new_job, refuse
from jobs.answer import delete_statuses, edit_status
from jobs.queue import JobContext, cancel, submit
from keyboards import (
    BackgroundMenu,
    CancelAll,
    CancelJob,
    ChangeSeason,
    KeepSeason,
    KeepStyle,
    Menu,
    MenuChoice,
    OwnBackgrounds,
    PaintingMenu,
    PeopleMenu,
    Repaint,
)
from wishes import CompareWish, SeasonWish, StyleWish, Wish

router = Router(name="results")


@router.callback_query(Repaint.filter())
async def repaint(query: CallbackQuery, callback_data: Repaint, turn: Turn) -> None:
    own_styles = turn.user.own_styles
    if wish := callback_data.wish(own_styles):
        await submit_again(query, wish, turn)
    else:
        menu = keyboards.style_menu(own_styles)
        await reply_to_press(query, turn.bot, texts.style_forgotten(), menu)


@router.callback_query(PaintingMenu.filter())
@router.callback_query(PeopleMenu.filter())
@router.callback_query(BackgroundMenu.filter())
async def swap_buttons(
    query: CallbackQuery, callback_data: PaintingMenu | PeopleMenu | BackgroundMenu, turn: Turn
) -> None:
    """Puts other buttons under a painting, in place."""
    own_styles, result = turn.user.own_styles, result_in(query)
    of_album, moves = result is None, result is not None and result.moves
    wish = callback_data.wish(own_styles)
    if wish is None:
        menu = keyboards.style_menu(own_styles)
        await reply_to_press(query, turn.bot, texts.style_forgotten(), menu)
        return
    is_file = wish.as_file
    if isinstance(callback_data, PaintingMenu):
        menu = keyboards.painting_menu(
            wish, is_file=is_file, people=True, of_album=of_album, moves=moves
        )
    elif isinstance(callback_data, PeopleMenu):
        menu = keyboards.people_menu(wish, is_file=is_file)
    else:
        offered = {} if of_album or moves else own_styles
        menu = keyboards.background_menu(wish, offered, is_file=is_file)
    if isinstance(query.message, Message):
        with suppress(TelegramBadRequest):  # pressed twice: they are there already
            await query.message.edit_reply_markup(reply_markup=menu)


@router.callback_query(OwnBackgrounds.filter())
async def show_own_backgrounds(
    query: CallbackQuery, callback_data: OwnBackgrounds, turn: Turn
) -> None:
    """As an answer to the photo, so that the buttons are about it."""
    user, settings = turn.user, turn.context.settings
    photo, wish = photo_behind(query), callback_data.wish(user.own_styles)
    if photo is None:
        await reply_to_press(query, turn.bot, texts.photo_forgotten())
        return
    if wish is None or not user.own_styles:
        menu = keyboards.style_menu(user.own_styles)
        await reply_to_press(query, turn.bot, texts.style_forgotten(), menu)
        return
    sheet, shown = await sheet_of_own(user.thumbnails, turn.bot, settings)
    await turn.bot.send_photo(
        chat_of(query),
        BufferedInputFile(sheet, "styles.jpg"),
        caption=texts.choose_background(),
        reply_markup=keyboards.own_background_menu(wish, shown),
        reply_parameters=ReplyParameters(message_id=photo.message_id),
    )


@router.callback_query(ChangeSeason.filter())
async def change_season(query: CallbackQuery, callback_data: ChangeSeason, turn: Turn) -> None:
    wish = SeasonWish(callback_data.direction, callback_data.amount, callback_data.as_file)
    await submit_again(query, wish, turn)


@router.callback_query(MenuChoice.filter(F.item == Menu.COMPARE))
async def compare(query: CallbackQuery, turn: Turn) -> None:
    if result := result_in(query):
        await submit_again(query, CompareWish(result.file_id), turn)
    else:
        await reply_to_press(query, turn.bot, texts.photo_forgotten())


async def submit_again(query: CallbackQuery, wish: Wish, turn: Turn) -> None:
    """Queues the photo, or the album, that the button's message answers."""
    photos = photos_behind(query, turn.user)
    if not photos:
        album = photo_behind(query)
        words = texts.album_forgotten() if album else texts.photo_forgotten()
        await reply_to_press(query, turn.bot, words)
    else:
        turn.user.no_longer_pending(photos)
        job = new_job(photos, wish, turn)
        if refusal := await submit(job, turn.context):
            await refuse(job, refusal, turn.bot)


@router.callback_query(KeepStyle.filter())
async def keep_style(query: CallbackQuery, callback_data: KeepStyle, turn: Turn) -> None:
    """For photos to come, until something else is chosen."""
    if wish := callback_data.wish(turn.user.own_styles):
        await keep_wish(query, wish, turn)
    else:
        menu = keyboards.style_menu(turn.user.own_styles)
        await reply_to_press(query, turn.bot, texts.style_forgotten(), menu)


@router.callback_query(KeepSeason.filter())
async def keep_season(query: CallbackQuery, callback_data: KeepSeason, turn: Turn) -> None:
    await keep_wish(query, SeasonWish(callback_data.direction, callback_data.amount), turn)


async def keep_wish(query: CallbackQuery, wish: StyleWish | SeasonWish, turn: Turn) -> None:
    turn.user.choose(wish)
    text = texts.chosen(wish, photos_wait=False)
    await reply_to_press(query, turn.bot, text, keyboards.back_to_menu())


@router.callback_query(MenuChoice.filter(F.item == Menu.USE_RESULT))
async def use_result(query: CallbackQuery, turn: Turn) -> None:
    """As the next photo, or as its style: asked in answer to the picture."""
    if (result := result_in(query)) is None:
        await reply_to_press(query, turn.bot, texts.photo_forgotten())
        return
    turn.user.remember_photo(result)
    await turn.bot.send_message(
        chat_of(query),
        texts.what_to_do_with_result(),
        reply_markup=keyboards.photo_menu(),
        reply_parameters=ReplyParameters(message_id=result.message_id),
    )


@router.callback_query(CancelJob.filter(), flags={"answers": True})
async def cancel_job(
    query: CallbackQuery, callback_data: CancelJob, bot: Bot, context: JobContext
) -> None:
    """Where it is pressed under a status whose answer was lost, the other one goes."""
    job = await context.store.job(callback_data.job_id)
    cancelled = await cancel(callback_data.job_id, query.from_user.id, context)
    await _say_instead(query, texts.cancelled() if cancelled else texts.over(), bot)
    if job and cancelled and query.message and job.status_id != query.message.message_id:
        await delete_statuses([job], bot)


@router.callback_query(CancelAll.filter(), flags={"answers": True})
async def cancel_all(query: CallbackQuery, bot: Bot, context: JobContext) -> None:
    """Only the status with the button stays, to say so."""
    user_id, pressed = query.from_user.id, query.message
    jobs = await context.store.jobs(user_id)
    cancelled = [job for job in jobs if await cancel(job.id, user_id, context)]
    await _say_instead(query, texts.all_cancelled() if cancelled else texts.over(), bot)
    others = (job for job in cancelled if pressed is None or job.status_id != pressed.message_id)
    await delete_statuses(others, bot)


async def _say_instead(query: CallbackQuery, words: str, bot: Bot) -> None:
    """In a popup at once, since the edit of the status may have to wait for the chat's pace."""
    with suppress(TelegramBadRequest):  # pressed long ago
        await query.answer(words)
    if query.message:
        with suppress(TelegramBadRequest):  # the job was done first: its status is the picture
            where = query.message.chat.id, query.message.message_id
            await edit_status(bot, *where, words, keyboards.back_to_menu())
