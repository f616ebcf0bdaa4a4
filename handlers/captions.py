"""What a caption or a command's words ask for: a preset or a season, by name, in any language, and
what shall become of the people in the photo.
"""

import re
from dataclasses import replace
from typing import Any

from aiogram.types import Message
from aiogram.utils.i18n import I18n

from presets import PRESETS, Preset
from users import User
from wishes import SeasonWish, StyleWish, Wish

MOST_WORDS = 8  # a longer caption is not meant as a wish
WINTER = {"winter", "зима", "зиму", "зимы", "зиме", "зимой", "зимний", "зимнее"}
SUMMER = {"summer", "лето", "лета", "лету", "лете", "летом", "летний", "летнее"}
# Of words with single spaces between them.
_PEOPLE, _BEHIND = "(?:people|persons?|люди|людей|человека?)", "(?:background|фон(?:а|е|ом)?)"
_ONLY = r"\b(?:(?:only|just|только|лишь) (?:the )?{part}|{part} (?:only|только))\b"
_FREE_FACES = r"\b(?:faces free|free faces|лица свободно|свободн\w+ лица)\b"
ABOUT_PEOPLE: list[tuple[re.Pattern[str], dict[str, Any]]] = [
    (re.compile(_ONLY.format(part=_PEOPLE)), {"only": "people", "background": None}),
    (re.compile(_ONLY.format(part=_BEHIND)), {"only": "background", "background": None}),
    (re.compile(_FREE_FACES), {"faces": "free"}),
]
BACKGROUND = re.compile(rf"\b{_BEHIND}\b(.+)")  # and its style, to the end
UNIMPORTANT = {"the", "off", "du", "de", "la", "in", "в", "де", "ла"}


def wish_in(text: str, i18n: I18n, usual: Wish | None = None) -> StyleWish | SeasonWish | None:
    """Finds the preset or the season that `text` names, and what it says of the people; None where
    it names nothing.

    A preset is named by its name, by its title's first two words, or by its painter: then it is the
    first of theirs. What is only about people is done in the `usual` style. Of two seasons the last
    one counts: "from summer to winter".
    """
    words = words_of(text)
    if not words or len(words) > MOST_WORDS:
        return None
    said, options = _about_people(" ".join(words), i18n)
    if style := _preset_in(said.split(), i18n):
        return StyleWish(style, None, **options)
    if options and isinstance(usual, StyleWish):
        return replace(usual, **options)
    if background := options.get("background"):  # and nothing else: people stay as they are
        return StyleWish(background, None, only="background")
    return _season_in(words)


def _about_people(said: str, i18n: I18n) -> tuple[str, dict[str, Any]]:
    """What is said besides, and the options of a `StyleWish` that are about people."""
    options: dict[str, Any] = {}
    for pattern, option in ABOUT_PEOPLE:
        said, times = pattern.subn("", said)
        if times:
            options |= option
    behind = BACKGROUND.search(said)
    if behind and (background := _preset_in(behind[1].split(), i18n)):
        said = said[: behind.start()]
        options |= {"only": "all", "background": background}
    return said, options


def _preset_in(words: list[str], i18n: I18n) -> str | None:
    score, name = max(
        ((fitting(preset, words, i18n), preset.name) for preset in PRESETS.values()),
        key=lambda pair: pair[0],
    )
    return name if score else None


def _season_in(words: list[str]) -> SeasonWish | None:
    seasons = [word for word in words if word in WINTER | SUMMER]
    if not seasons:
        return None
    return SeasonWish("summer2winter" if seasons[-1] in WINTER else "winter2summer")


def named_by(message: Message, user: User, i18n: I18n) -> StyleWish | SeasonWish | None:
    """What the caption or the text asks for by name; a forwarded one was written for others."""
    text = message.caption or message.text
    return wish_in(text, i18n, user.wish) if text and message.forward_origin is None else None


async def names_a_wish(
    message: Message, user: User, i18n: I18n
) -> dict[str, StyleWish | SeasonWish] | bool:
    """A filter that hands its handler the `wish`."""
    wish = named_by(message, user, i18n)
    return {"wish": wish} if wish else False


def words_of(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold().replace("ё", "е"))


def fitting(preset: Preset, words: list[str], i18n: I18n) -> int:
    """Scores how well the words name the preset, 0 for not at all."""
    best = 0
    for language in (i18n.default_locale, *i18n.available_locales):
        author = words_of(i18n.gettext(preset.author, locale=language))
        title = words_of(i18n.gettext(preset.title, locale=language))
        of_title = [word for word in title if word not in UNIMPORTANT | WINTER | SUMMER]
        if of_title and stands_in(of_title[:2], words):
            best = max(best, 1 + count(of_title, words))
        if count(author[-1:], words):
            best = max(best, 1)
    of_name = words_of(preset.name)
    return max(best, 1 + len(of_name)) if count(of_name, words) == len(of_name) else best


def count(names: list[str], words: list[str]) -> int:
    """Counts the names of which some form is among the words."""
    return sum(any(is_form_of(word, name) for word in words) for name in names)


def stands_in(phrase: list[str], words: list[str]) -> bool:
    """Whether forms of the phrase's words follow one another, unimportant ones left out."""
    said = [word for word in words if word not in UNIMPORTANT]
    starts = range(len(said) - len(phrase) + 1)
    return any(all(map(is_form_of, said[at:], phrase)) for at in starts)


def is_form_of(word: str, name: str) -> bool:
    """Whether `word` is `name`, or a form of it: a Russian name's last letters may differ."""
    if name.isascii():
        return word == name
    ending = 0 if len(name) < 4 else 1 if len(name) < 6 else 2
    return word.startswith(name[: len(name) - ending]) and abs(len(word) - len(name)) <= 2
