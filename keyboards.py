"""The buttons under what the bot says. English texts are gettext's message ids."""

import re
import string
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any, Self, TypeVar

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup
from aiogram.utils.i18n import gettext as _
from pydantic import Field

from languages import NAMES, Language
from presets import PRESETS
from settings import Settings
from wishes import (
    AMOUNTS,
    DIRECTIONS,
    FACES,
    ONLY,
    SHARES,
    STRENGTHS,
    STROKES,
    Amount,
    Direction,
    SeasonWish,
    StyleWish,
)

T = TypeVar("T")
OWNER = re.compile("[0-9a-f]{1,16}")  # anybody can forge what comes back from a button

LOOKS = r"^([yz][0-9a-z]{1,5}|x[0-9a-f]{1,5}|[0-2]{2}[01]{2}[0-9]{1,2})$"

OWN = "own"  # a background that is a picture of the user's own
# What `Repaint.look` counts. Buttons live as long as their message: what is new goes to the end.
LOOK: dict[str, Sequence[Any]] = {
    "variation": range(100),
    "strength": STRENGTHS,
    "strokes": STROKES,
    "keep_colours": (False, True),
    "as_file": (False, True),
    "faces": FACES,
    "only": ONLY,
    "background": (None, OWN, *PRESETS),
    "season": (None, *DIRECTIONS),
    "share": SHARES,
}
LOOK_OF_EIGHT = {**LOOK, "background": LOOK["background"][:10]}  # when there were eight paintings


def _in_base_36(number: int) -> str:
    digits = ""
    while number or not digits:
        number, digit = divmod(number, 36)
        digits = string.digits[digit] + digits if digit < 10 else chr(87 + digit) + digits
    return digits


class Menu(StrEnum):
    MAIN = "main"
    STYLE = "style"
    PRESETS = "presets"
    SUMMER_TO_WINTER = "summer2winter"
    WINTER_TO_SUMMER = "winter2summer"
    EXAMPLES = "examples"
    USE_AS_STYLE = "use_as_style"
    PAINT_RESULT = "paint_result"
    COMPARE = "compare"
    USE_RESULT = "use_result"
    OWN_STYLES = "own_styles"


class MenuChoice(CallbackData, prefix="menu"):
    item: Menu


class StyleChoice(CallbackData, prefix="style"):
    """A preset's name."""

    style: str


class Mix(CallbackData, prefix="mix"):
    """Two presets, picked one after the other."""

    first: str | None = None
    second: str | None = None


class LanguageChoice(CallbackData, prefix="language"):
    language: Language


class Repaint(CallbackData, prefix="p"):
    """Under a painting: the photo it answers is painted once more.

    Telegram gives a button 64 bytes, of which two styles' ids take up to 41 and the owner's up to
    14. That leaves 6 for `look`: one number, in base 36 after a z, of the places in `LOOK` of what
    is chosen. Older messages have it after a y, of `LOOK_OF_EIGHT`, or in hex after an x, or four
    digits and the variation. An own picture for the background stands in place of the second style,
    which it excludes.
    """

    style: str
    second: str | None = None
    look: Annotated[str, Field(pattern=LOOKS)]

    @classmethod
    def of(cls, wish: StyleWish) -> Self:
        chosen = {name: getattr(wish, name) for name in LOOK}
        chosen["variation"] %= 100
        second = wish.second
        if wish.background and wish.background not in PRESETS:
            chosen["background"], second = OWN, wish.background
        number = 0
        for name, choices in reversed(LOOK.items()):
            number = number * len(choices) + choices.index(chosen[name])
        return cls(style=wish.style, second=second, look=f"z{_in_base_36(number)}")

    def wish(self, own_styles: dict[str, str]) -> StyleWish | None:
        """None where a picture of the user's own is no longer kept."""
        for style in (self.style, self.second):
            if style and style not in PRESETS and style not in own_styles:
                return None
        chosen = self._chosen()
        second = self.second
        if chosen.get("background") == OWN:
            chosen["background"], second = second, None
        return StyleWish(
            self.style,
            own_styles.get(self.style),
            second=second,
            second_file_id=own_styles.get(second or ""),
            background_file_id=own_styles.get(chosen.get("background") or ""),
            **chosen,
        )

    def _chosen(self) -> dict[str, Any]:
        if self.look[0] not in "xyz":
            names = ("strength", "strokes", "keep_colours", "as_file")
            chosen = {
                name: LOOK[name][int(digit)]
                for name, digit in zip(names, self.look[:4], strict=True)
            }
            return {**chosen, "variation": int(self.look[4:])}
        number, chosen = int(self.look[1:], 16 if self.look[0] == "x" else 36), {}
        known = LOOK if self.look[0] == "z" else LOOK_OF_EIGHT
        for name, choices in known.items():
            number, place = divmod(number, len(choices))
            chosen[name] = choices[place]
        return chosen


class KeepStyle(Repaint, prefix="k"):
    """The same for the next photos."""


class PaintingMenu(Repaint, prefix="m"):
    """Puts the painting's buttons under it; `as_file` is whether the painting is a file."""


class PeopleMenu(Repaint, prefix="f"):
    """Puts what can be done with people in their place."""


class BackgroundMenu(Repaint, prefix="b"):
    """Puts the choice of another style for the background in their place."""


class OwnBackgrounds(Repaint, prefix="o"):
    """Shows the user's own pictures, one of which shall be the background's style."""


class ChangeSeason(CallbackData, prefix="s"):
    """Under a season: the photo it answers is changed once more."""

    direction: Direction
    amount: Amount
    as_file: bool = False


class KeepSeason(ChangeSeason, prefix="t"):
    """The same for the next photos."""


class CancelJob(CallbackData, prefix="cancel"):
    job_id: str


class CancelAll(CallbackData, prefix="cancel_all"):
    """All that the presser has waiting or in work."""


_owner: ContextVar[int | None] = ContextVar("owner", default=None)


@contextmanager
def owned_by(user_id: int | None) -> Iterator[None]:
    """Buttons made within are this user's in a group; `None`: they are in a private chat."""
    token = _owner.set(user_id)
    try:
        yield
    finally:
        _owner.reset(token)


def without_owner(data: str) -> tuple[str, int | None]:
    """Splits what `_button` packed into the callback data and the owner's id, if it names one."""
    packed, at, owner = data.rpartition("@")
    return (packed, int(owner, 16)) if at and OWNER.fullmatch(owner) else (data, None)


def _button(text: str, data: CallbackData) -> InlineKeyboardButton:
    owner = _owner.get()
    of_owner = "" if owner is None else f"@{owner:x}"
    return InlineKeyboardButton(text=text, callback_data=data.pack() + of_owner)


def _menu_button(text: str, item: Menu) -> InlineKeyboardButton:
    return _button(text, MenuChoice(item=item))


def _wish_rows() -> list[list[InlineKeyboardButton]]:
    """What can be done with a photo, a row each: Telegram cuts long words on half a row."""
    return [
        [_menu_button(_("🎨 Paint in a style"), Menu.STYLE)],
        [_menu_button(_("❄️ Summer to winter"), Menu.SUMMER_TO_WINTER)],
        [_menu_button(_("☀️ Winter to summer"), Menu.WINTER_TO_SUMMER)],
    ]


def _with_way_back(
    *rows: list[InlineKeyboardButton], last: list[InlineKeyboardButton] | None = None
) -> InlineKeyboardMarkup:
    """The rows, and below them the `last` one, which ends with the way back to the menu."""
    to_menu = _menu_button(_("☰ Menu"), Menu.MAIN)
    filled = [row for row in rows if row]
    return InlineKeyboardMarkup(inline_keyboard=[*filled, [*(last or []), to_menu]])


def main_menu(settings: Settings) -> InlineKeyboardMarkup:
    style, *seasons = _wish_rows()
    rows = [style, [_menu_button(_("🖼 Examples"), Menu.EXAMPLES)], *seasons]
    if settings.source_url:
        rows.append([InlineKeyboardButton(text=_("🔗 Source code"), url=str(settings.source_url))])
    return InlineKeyboardMarkup(inline_keyboard=rows)


def back_to_menu() -> InlineKeyboardMarkup:
    return _with_way_back()


def style_menu(own_styles: dict[str, str]) -> InlineKeyboardMarkup:
    rows = [[_menu_button(_("🖼 Famous paintings"), Menu.PRESETS)]]
    if own_styles:
        rows.append([_menu_button(_("🗂 My style pictures"), Menu.OWN_STYLES)])
    return _with_way_back(*rows)


def style_offer() -> InlineKeyboardMarkup:
    return _with_way_back([_menu_button(_("🎨 Paint in a style"), Menu.STYLE)])


def preset_menu() -> InlineKeyboardMarkup:
    mix = _button(_("🎭 Mix two of them"), Mix())
    return _with_way_back(*_named([StyleChoice(style=name) for name in PRESETS]), [mix])


def mix_menu(first: str | None) -> InlineKeyboardMarkup:
    choices = [Mix(first=first, second=name) if first else Mix(first=name) for name in PRESETS]
    rows = _named(choices)
    if first:
        number = list(PRESETS).index(first)
        button = rows[number // 2][number % 2]
        button.text = f"✓ {button.text}"
    return _with_way_back(*rows)


def own_style_menu(own_styles: Sequence[str]) -> InlineKeyboardMarkup:
    return _with_way_back(*_numbered([StyleChoice(style=name) for name in own_styles]))


def _named(choices: Sequence[CallbackData]) -> list[list[InlineKeyboardButton]]:
    """One for each preset, in their order."""
    buttons = [
        _button(_(preset.short), choice)
        for preset, choice in zip(PRESETS.values(), choices, strict=True)
    ]
    return [buttons[at : at + 2] for at in range(0, len(buttons), 2)]


def _numbered(choices: Sequence[CallbackData]) -> list[list[InlineKeyboardButton]]:
    buttons = [_button(str(number), choice) for number, choice in enumerate(choices, 1)]
    return [buttons[at : at + 4] for at in range(0, len(buttons), 4)]


def photo_menu(*, with_styles: bool = False, moves: bool = False) -> InlineKeyboardMarkup:
    """With buttons for the presets where a sheet shows the photo in them; `moves`: it is a clip."""
    styles = [Repaint.of(StyleWish(name, None)) for name in PRESETS]
    rows = _named(styles) if with_styles else []
    use_as_style = _menu_button(_("🖌 Use it as the style"), Menu.USE_AS_STYLE)
    last = [] if moves else [[use_as_style]]
    return InlineKeyboardMarkup(inline_keyboard=[*rows, *_wish_rows(), *last])


def did_you_mean(style: str, *, with_photo: bool) -> InlineKeyboardMarkup:
    """A preset, or else what can be done with the photo, where there is one."""
    preset = PRESETS[style]
    name = _("{author}, “{title}”").format(author=_(preset.author), title=_(preset.short))
    yes = [_button(name, StyleChoice(style=style))]
    if not with_photo:
        return _with_way_back(yes)
    return InlineKeyboardMarkup(inline_keyboard=[yes, *photo_menu().inline_keyboard])


def language_menu() -> InlineKeyboardMarkup:
    buttons = [_button(name, LanguageChoice(language=language)) for language, name in NAMES.items()]
    rows = [buttons[at : at + 2] for at in range(0, len(buttons), 2)]
    return InlineKeyboardMarkup(inline_keyboard=rows)


def status_menu(job_id: str, with_all: bool = False) -> InlineKeyboardMarkup:
    """`with_all`: more of the same person's photos wait."""
    rows = [[_button(_("✖️ Cancel"), CancelJob(job_id=job_id))]]
    if with_all:
        rows.append([_button(_("✖️ Cancel all"), CancelAll())])
    return InlineKeyboardMarkup(inline_keyboard=rows)


def painting_menu(
    wish: StyleWish,
    *,
    is_file: bool,
    people: bool = False,
    of_album: bool = False,
    moves: bool = False,
) -> InlineKeyboardMarkup:
    """The buttons under a painting; Softer, Finer and the like only while there is a next step.

    Under an album (`of_album`) each is about all its photos. `is_file`: the result is a file.
    `people`: some are in the painting. `moves`: it is a clip, which the quick network paints, one
    way only and without fine strokes.
    """
    of_people = PeopleMenu.of(replace(wish, as_file=is_file))
    wish = replace(wish, as_file=False)  # one file does not make the next ones files
    softer, stronger = _beside(STRENGTHS, wish.strength)
    finer, larger = _beside(STROKES[1:] if moves else STROKES, wish.strokes)
    strengths = ((_("🪶 Softer"), softer), (_("🔥 Stronger"), stronger))
    strokes = ((_("🖌 Finer strokes"), finer), (_("🧹 Larger strokes"), larger))
    colours = _("🌈 Its own colours") if wish.keep_colours else _("🌈 My colours")
    again = replace(wish, variation=wish.variation + 1)
    as_file = Repaint.of(replace(wish, as_file=True))
    return _with_way_back(
        [_button(text, Repaint.of(replace(wish, strength=s))) for text, s in strengths if s],
        [_button(text, Repaint.of(replace(wish, strokes=s))) for text, s in strokes if s],
        [
            _button(colours, Repaint.of(replace(wish, keep_colours=not wish.keep_colours))),
            *([] if moves else [_button(_("🎲 Again"), Repaint.of(again))]),
        ],
        [
            _menu_button(_("🎨 Another style"), Menu.STYLE),
            *([] if of_album or moves else [_menu_button(_("↔️ Compare"), Menu.COMPARE)]),
        ],
        _shares(wish),
        [_button(_("👥 People"), of_people)] if people else [],
        _for_the_next(KeepStyle.of(wish), usable=not (of_album or moves)),
        last=_as_files(as_file, is_file or moves, of_album),
    )


def _shares(wish: StyleWish) -> list[InlineKeyboardButton]:
    """How much of the second style is mixed in, where there is one."""
    others = [share for share in sorted(SHARES) if wish.second and share != wish.share]
    return [
        _button(_("Second: {share}%").format(share=share), Repaint.of(replace(wish, share=share)))
        for share in others
    ]


def _for_the_next(keep: CallbackData, *, usable: bool) -> list[InlineKeyboardButton]:
    """What a result is for photos to come; `usable`: it can be the next photo itself."""
    use = [_menu_button(_("🖼 Use this"), Menu.USE_RESULT)] if usable else []
    return [_button(_("📌 Same for next"), keep), *use]


def people_menu(wish: StyleWish, *, is_file: bool) -> InlineKeyboardMarkup:
    """What can be done with the people in a painting; the way back is to `painting_menu`."""
    shown, wish = replace(wish, as_file=is_file), replace(wish, as_file=False)
    all_alike = replace(wish, only="all", background=None, background_file_id=None)
    parts = (
        (_("👤 Only the people"), replace(all_alike, only="people")),
        (_("🏞 Only the background"), replace(all_alike, only="background")),
    )
    kept = wish.faces == "keep"
    faces = replace(wish, faces="free" if kept else "keep")
    everything = [_button(_("🎨 Everything"), Repaint.of(all_alike))] if wish.is_parted else []
    return InlineKeyboardMarkup(
        inline_keyboard=[
            *([_button(text, Repaint.of(part))] for text, part in parts if part != wish),
            [_button(_("🖼 Another background"), BackgroundMenu.of(shown))],
            [
                _button(_("🎭 Faces free") if kept else _("🎭 Faces kept"), Repaint.of(faces)),
                *everything,
            ],
            [_button(_("← Back"), PaintingMenu.of(shown))],
        ]
    )


def background_menu(
    wish: StyleWish, own_styles: dict[str, str], *, is_file: bool
) -> InlineKeyboardMarkup:
    """The paintings that the background may be like, by their short titles."""
    shown = replace(wish, as_file=is_file)
    plain = replace(wish, as_file=False, only="all", background_file_id=None)
    buttons = [
        _button(_(preset.short), Repaint.of(replace(plain, background=name)))
        for name, preset in PRESETS.items()
        if name != wish.background
    ]
    rows = [buttons[at : at + 2] for at in range(0, len(buttons), 2)]
    if own_styles and not wish.second:
        rows.append([_button(_("🗂 My style pictures"), OwnBackgrounds.of(shown))])
    back = [_button(_("← Back"), PeopleMenu.of(shown))]
    return InlineKeyboardMarkup(inline_keyboard=[*rows, back])


def own_background_menu(wish: StyleWish, own_styles: Sequence[str]) -> InlineKeyboardMarkup:
    wish = replace(wish, as_file=False, only="all")
    choices = [Repaint.of(replace(wish, background=name)) for name in own_styles]
    return _with_way_back(*_numbered(choices))


def _as_files(as_file: CallbackData, is_file: bool, of_album: bool) -> list[InlineKeyboardButton]:
    if is_file:
        return []
    return [_button(_("📎 As files") if of_album else _("📎 As a file"), as_file)]


def season_menu(
    wish: SeasonWish, *, is_file: bool, of_album: bool = False, moves: bool = False
) -> InlineKeyboardMarkup:
    """As `painting_menu`, under a changed season."""
    less, more = _beside(tuple(AMOUNTS), wish.amount)
    amounts = ((_("🌤 Weaker"), less), (_("🌪 Stronger"), more))
    as_file = ChangeSeason(direction=wish.direction, amount=wish.amount, as_file=True)
    return _with_way_back(
        [
            _button(text, ChangeSeason(direction=wish.direction, amount=amount))
            for text, amount in amounts
            if amount
        ],
        [_menu_button(_("🎨 Paint in a style"), Menu.STYLE)]
        if of_album
        else [
            _menu_button(_("🎨 Paint this"), Menu.PAINT_RESULT),
            *([] if moves else [_menu_button(_("↔️ Compare"), Menu.COMPARE)]),
        ],
        _for_the_next(
            KeepSeason(direction=wish.direction, amount=wish.amount),
            usable=not (of_album or moves),
        ),
        last=_as_files(as_file, is_file or moves, of_album),
    )


def season_already_menu(wish: SeasonWish) -> InlineKeyboardMarkup:
    """Under a photo that was in that season before: the other one, or more of this one."""
    more = ChangeSeason(direction=wish.direction, amount="deep")
    if wish.direction == "summer2winter":
        other, words = _("☀️ Winter to summer"), _("🌨 More snow")
    else:
        other, words = _("❄️ Summer to winter"), _("🌿 Greener")
    opposite: Direction = next(each for each in DIRECTIONS if each != wish.direction)
    turned = ChangeSeason(direction=opposite, amount="normal")
    return _with_way_back([_button(other, turned)], [_button(words, more)])


def _beside(steps: tuple[T, ...], step: T) -> tuple[T | None, T | None]:
    """The steps before and after `step`, None beyond the ends."""
    at = steps.index(step)
    return steps[at - 1] if at else None, steps[at + 1] if at + 1 < len(steps) else None
