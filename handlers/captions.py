"""What a caption or a command's words ask for: a preset or a season, by name, in any language."""

import re

from aiogram.types import Message
from aiogram.utils.i18n import I18n

from presets import PRESETS, Preset
from wishes import SeasonWish, StyleWish

MOST_WORDS = 8  # a longer caption is not meant as a wish
WINTER = {"winter", "зима", "зиму", "зимы", "зиме", "зимой", "зимний", "зимнее"}
SUMMER = {"summer", "лето", "лета", "лету", "лете", "летом", "летний", "летнее"}
UNIMPORTANT = {"the", "off", "du", "de", "la", "in", "в", "де", "ла"}


def wish_in(text: str, i18n: I18n) -> StyleWish | SeasonWish | None:
    """Finds the preset or the season that `text` names, None where it names none.

    A preset is named by its name, by its title's first two words, or by its painter: then it is the
    first of theirs. Of two seasons the last one counts: "from summer to winter".
    """
    words = words_of(text)
    if not words or len(words) > MOST_WORDS:
        return None
    score, name = max(
        ((fitting(preset, words, i18n), preset.name) for preset in PRESETS.values()),
        key=lambda pair: pair[0],
    )
    if score:
        return StyleWish(name, None)
    seasons = [word for word in words if word in WINTER | SUMMER]
    if not seasons:
        return None
    return SeasonWish("summer2winter" if seasons[-1] in WINTER else "winter2summer")


def named_by(message: Message, i18n: I18n) -> StyleWish | SeasonWish | None:
    """What the caption or the text asks for by name; a forwarded one was written for others."""
    text = message.caption or message.text
    return wish_in(text, i18n) if text and message.forward_origin is None else None


async def names_a_wish(message: Message, i18n: I18n) -> dict[str, StyleWish | SeasonWish] | bool:
    """A filter that hands its handler the `wish`."""
    wish = named_by(message, i18n)
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
