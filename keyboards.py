"""What the bot says and the buttons under it. English texts are gettext's message ids."""

from enum import StrEnum

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup
from aiogram.utils.i18n import gettext as _

from image_processing import STRENGTHS, BadImage
from model_cyclegan.season import Direction
from model_nst.style_transfer import Strength
from presets import PRESETS, Preset
from settings import Settings
from users import Language


class Menu(StrEnum):
    MAIN = "main"
    STYLE = "style"
    PRESETS = "presets"
    SUMMER_TO_WINTER = "summer2winter"
    WINTER_TO_SUMMER = "winter2summer"
    EXAMPLES = "examples"
    USE_AS_STYLE = "use_as_style"
    PAINT_RESULT = "paint_result"


class MenuChoice(CallbackData, prefix="menu"):
    item: Menu


class StyleChoice(CallbackData, prefix="style"):
    """A preset's name."""

    style: str


class LanguageChoice(CallbackData, prefix="language"):
    language: Language


class Repaint(CallbackData, prefix="repaint"):
    """Under a result: the photo it answers is painted once more."""

    style: str
    strength: Strength
    variation: int


class CancelJob(CallbackData, prefix="cancel"):
    job_id: str


def _button(text: str, data: CallbackData) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=text, callback_data=data.pack())


def _menu_button(text: str, item: Menu) -> InlineKeyboardButton:
    return _button(text, MenuChoice(item=item))


def _wishes() -> list[list[InlineKeyboardButton]]:
    """What can be done with a photo."""
    return [
        [_menu_button(_("🎨 Paint in a style"), Menu.STYLE)],
        [
            _menu_button(_("❄️ Summer to winter"), Menu.SUMMER_TO_WINTER),
            _menu_button(_("☀️ Winter to summer"), Menu.WINTER_TO_SUMMER),
        ],
    ]


def _over_menu(*rows: list[InlineKeyboardButton]) -> InlineKeyboardMarkup:
    """These rows, and the way back under them."""
    to_menu = [_menu_button(_("☰ Menu"), Menu.MAIN)]
    return InlineKeyboardMarkup(inline_keyboard=[*rows, to_menu])


def main_menu(settings: Settings) -> InlineKeyboardMarkup:
    rows = [*_wishes(), [_menu_button(_("🖼 Examples"), Menu.EXAMPLES)]]
    if settings.source_url:
        rows[-1].append(
            InlineKeyboardButton(text=_("🔗 Source code"), url=str(settings.source_url))
        )
    return InlineKeyboardMarkup(inline_keyboard=rows)


def back_to_menu() -> InlineKeyboardMarkup:
    return _over_menu()


def style_menu() -> InlineKeyboardMarkup:
    return _over_menu([_menu_button(_("🖼 Famous paintings"), Menu.PRESETS)])


def style_offer() -> InlineKeyboardMarkup:
    return _over_menu([_menu_button(_("🎨 Paint in a style"), Menu.STYLE)])


def preset_menu() -> InlineKeyboardMarkup:
    """By the numbers that `choose_preset` lists."""
    buttons = [
        _button(str(number), StyleChoice(style=name)) for number, name in enumerate(PRESETS, 1)
    ]
    return _over_menu(buttons[:4], buttons[4:])


def photo_menu() -> InlineKeyboardMarkup:
    use_as_style = _menu_button(_("🖌 Use it as the style"), Menu.USE_AS_STYLE)
    return InlineKeyboardMarkup(inline_keyboard=[*_wishes(), [use_as_style]])


def language_menu() -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        inline_keyboard=[
            [
                _button("English", LanguageChoice(language="en")),
                _button("Русский", LanguageChoice(language="ru")),
            ]
        ]
    )


def status_menu(job_id: str) -> InlineKeyboardMarkup:
    cancel = _button(_("✖️ Cancel"), CancelJob(job_id=job_id))
    return InlineKeyboardMarkup(inline_keyboard=[[cancel]])


def painting_menu(style: str, strength: Strength, variation: int) -> InlineKeyboardMarkup:
    """What people do next; softer and stronger are there while there is something to go to."""
    place = STRENGTHS.index(strength)
    nudge = []
    if place > 0:
        softer = Repaint(style=style, strength=STRENGTHS[place - 1], variation=variation)
        nudge.append(_button(_("🪶 Softer"), softer))
    if place < len(STRENGTHS) - 1:
        stronger = Repaint(style=style, strength=STRENGTHS[place + 1], variation=variation)
        nudge.append(_button(_("🔥 Stronger"), stronger))
    again = Repaint(style=style, strength=strength, variation=variation + 1)
    return _over_menu(
        nudge,
        [_button(_("🎲 Again"), again), _menu_button(_("🎨 Another style"), Menu.STYLE)],
    )


def season_result_menu() -> InlineKeyboardMarkup:
    return _over_menu([_menu_button(_("🎨 Paint this in a style"), Menu.PAINT_RESULT)])


def greeting(name: str) -> str:
    return _(
        "Hello, {name}! I repaint photos: in the style of a painting, yours or a famous one, "
        "or in another season.\n\nWhat shall we do?"
    ).format(name=name)


def help_text() -> str:
    return _(
        "<b>How it works</b>\n"
        "1. Choose <i>Paint in a style</i> and pick a famous painting, "
        "or send a picture whose style you like.\n"
        "2. Send photos, as many as you like. Each comes back painted, at its own size.\n"
        "Or choose <i>Summer to winter</i> or <i>Winter to summer</i>, and send photos.\n\n"
        "Under each painting you can make it softer or stronger, or try another style. "
        "Telegram shrinks photos; send yours as a file to keep every pixel.\n\n"
        "/start – the menu\n"
        "/language – English or Russian\n"
        "/forget – erase what I keep of you\n"
        "/help – this text"
    )


def command_descriptions() -> dict[str, str]:
    return {
        "start": _("the menu"),
        "language": _("English or Russian"),
        "forget": _("erase what I keep of you"),
        "help": _("how it works"),
    }


def description() -> str:
    """What stands in an empty chat, at most 512 characters."""
    return _(
        "I repaint photos: in the style of a painting, yours or a famous one, "
        "or in another season. Each comes back at the size you sent it."
    )


def short_description() -> str:
    """What stands on the bot's own page, at most 120 characters."""
    return _("Photos in the style of paintings, and in another season.")


def menu_text() -> str:
    return _("What shall we do?")


def choose_language() -> str:
    return _("Which language do you prefer?")


def language_chosen() -> str:
    return _("I speak English now.")


def choose_style() -> str:
    return _(
        "Send me a picture whose style you like: a painting, a pattern, a drawing. "
        "Or pick a famous painting."
    )


def choose_preset() -> str:
    """Names the paintings, since Telegram shows an album's captions one at a time only."""
    question = _("Which one shall I paint in the style of?")
    paintings = [f"{number}. {caption_of(p)}" for number, p in enumerate(PRESETS.values(), 1)]
    return "\n".join([question, "", *paintings])


def caption_of(preset: Preset) -> str:
    return _("{author}, “{title}”, {year}").format(
        author=_(preset.author), title=_(preset.title), year=preset.year
    )


def example_caption(made: str) -> str:
    """For a preset's name or a direction."""
    if preset := PRESETS.get(made):
        return caption_of(preset)
    return _("❄️ Summer to winter") if made == "summer2winter" else _("☀️ Winter to summer")


def preset_chosen(preset: Preset, photos_wait: bool) -> str:
    text = _("Good choice: {painting}.").format(painting=caption_of(preset))
    return f"{text} {_what_now(photos_wait)}"


def own_style_chosen(photos_wait: bool) -> str:
    text = _("I will paint in the style of this picture.")
    return f"{text} {_what_now(photos_wait)}"


def _what_now(photos_wait: bool) -> str:
    if photos_wait:
        return _("I am starting. You can send me more photos.")
    return _("Now send me photos, as many as you like.")


def what_to_do_with_photo() -> str:
    return _("A fine photo! What shall I do with it?")


def style_forgotten() -> str:
    return _("I no longer have that style picture. Please send it again, or pick a painting.")


def photo_forgotten() -> str:
    return _("I can no longer see that photo. Please send it again.")


def season_chosen(direction: Direction, photos_wait: bool) -> str:
    if direction == "summer2winter":
        text = _("Let it snow: I turn summer into winter.")
    else:
        text = _("Let it thaw: I turn winter into summer.")
    return f"{text} {_what_now(photos_wait)}"


def anything_else() -> str:
    return _("I work with photos. Send me one, or choose what we shall do:")


def old_button() -> str:
    return _("That button no longer works. Here is the menu:")


def file_too_big(megabytes: int) -> str:
    return _(
        "That file is too big for me: I can take {megabytes} MB at most. "
        "Send it as a photo and Telegram will shrink it."
    ).format(megabytes=megabytes)


def queued(place: int, seconds: float | None) -> str:
    """`place` counts from 1; `seconds` until its turn, where they can be told."""
    if seconds is None:
        return _("🕓 Place {place} in the queue.").format(place=place)
    return _("🕓 Place {place} in the queue, about {duration} to wait.").format(
        place=place, duration=duration(seconds)
    )


def duration(seconds: float) -> str:
    """No more exact than an estimate is: in steps of five seconds, from a minute on in minutes."""
    if seconds <= 57.5:
        return _("{seconds} s").format(seconds=max(5, 5 * round(seconds / 5)))
    return _("{minutes} min").format(minutes=max(1, round(seconds / 60)))


def queue_full() -> str:
    return _(
        "So many photos are waiting that I can't take another one now. "
        "Please send it again in a few minutes."
    )


def too_many_waiting(most: int) -> str:
    return _(
        "That is more than I can keep: at most {most} of your photos may wait. "
        "Please send this one again when some are done."
    ).format(most=most)


def slow_down() -> str:
    return _("That was very quick! Give me a minute, then I listen again.")


def not_allowed() -> str:
    return _("This is a private bot: it works for people on its owner's list only.")


def forgotten() -> str:
    return _(
        "Done: your choices, your style pictures and your waiting photos are erased. "
        "I kept no pictures. Send /start whenever you like to begin anew."
    )


def timed_out() -> str:
    return _("I took too long over this photo and stopped. Please try a smaller one.")


def gave_up() -> str:
    return _(
        "I broke down over this photo twice, sorry. Please send a smaller one, or another one."
    )


def over() -> str:
    return _("That photo is done already.")


def progress(fraction: float) -> str:
    """`fraction` of the work that is done, 0 to 1."""
    done = round(fraction * 10)
    bar = "▓" * done + "░" * (10 - done)
    return _("🎨 Painting… {bar} {percent}%").format(bar=bar, percent=round(fraction * 100))


def explained(problem: BadImage) -> str:
    """What is wrong with a picture; one problem may be told within another."""
    values = {
        name: explained(value) if isinstance(value, BadImage) else value
        for name, value in problem.values.items()
    }
    return _(problem.sentence).format(**values)


def cancelled() -> str:
    return _("Cancelled. Send another photo whenever you like.")


def failed() -> str:
    return _("Something went wrong on my side, sorry. Please try again, or send another photo.")


def examples_text() -> str:
    return _("On the left the photo, on the right what I made of it. Your turn: send me a photo.")
