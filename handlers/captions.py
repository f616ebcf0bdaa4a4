"""What a caption or a command's words ask for: paintings, a season, how to paint, and what shall
become of the people in the photo; in all languages that the bot speaks, whichever it speaks.
"""

import re
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

from aiogram.types import Message
from aiogram.utils.i18n import I18n
from rapidfuzz.distance import OSA

from handlers.vocabulary import (
    ALSO,
    ASKING,
    BACKGROUND,
    COMMON,
    FILLERS,
    FROM,
    LITTLE,
    NO_SEASONS,
    NOT,
    OPTIONS,
    SLIPS,
    STORIES,
    SUMMER,
    UNSPACED,
    WINTER,
    folded,
)
from presets import PRESETS
from users import User
from wishes import Amount, Direction, SeasonWish, StyleWish, Wish

MENTION = re.compile(r"@\w+")  # of the bot in a group
MOST_WORDS = 30  # a longer caption is not meant as a wish
SHORT = 4  # words, in which a slip may be asked about
NUMBERS = {"8": "viii"}
CHINESE = re.compile(r"[\u3400-\u9fff]")
CYRILLIC = re.compile(r"[\u0400-\u04ff]")
BEHIND = "background"  # in all languages, once that is read


@dataclass(frozen=True)
class Understood:
    """What was found in some words."""

    wish: StyleWish | SeasonWish | None = None
    unknown: tuple[str, ...] = ()  # words that may have meant something too
    near: str | None = None  # the preset that may be meant, where there is no wish


@dataclass(frozen=True)
class Name:
    """Words of a title or of a painter, and the presets that they may mean."""

    words: tuple[str, ...]
    presets: tuple[str, ...]
    is_title: bool
    is_close: bool = False  # nothing stands between the words


@dataclass(frozen=True)
class Span:
    """Words from `start` up to `end` that are a name."""

    start: int
    end: int
    name: Name


def understand(text: str, i18n: I18n, usual: Wish | None = None) -> Understood:
    """Finds what `text` asks for.

    A painting is named by its title, by a word of it that nothing else is called, or by its
    painter: then it is the first of theirs. Two are mixed. What is only about how to paint is done
    in the `usual` style. Of two seasons the last one counts, or the one that it is not made from.
    Typing errors are forgiven; of a word that is further off it is told what it is `near`. A text
    with more than a few other words tells a story, and no wish.
    """
    text = MENTION.sub(" ", text)
    words = words_of(text)
    if not words or len(words) > MOST_WORDS:
        return Understood()
    said, options = _options_in(" ".join(words))
    words = _spaced(said.split(), i18n)[: 2 * MOST_WORDS]
    spans = _spans(words, i18n)
    paintings = _paintings(words, spans, i18n)
    free = _free(words, spans, list(paintings), i18n)
    direction, free = _season_in(words, free)
    free = [i for i in free if words[i] not in FILLERS]
    behind = next((i for i in free if words[i] == BEHIND), None)
    unknown = tuple(words[i] for i in free if i != behind)
    if any(word in NOT for word in unknown):
        return Understood()
    wish = _wish(paintings, behind, direction, options, usual)
    if wish and len(unknown) <= _most_unknown(words, paintings, direction):
        return Understood(wish, _as_written(unknown, text))
    if wish or options or len(words) > SHORT:
        return Understood()
    return Understood(None, unknown, _near(unknown, i18n))


def _most_unknown(words: list[str], paintings: dict[str, int], direction: Direction | None) -> int:
    """How many words may say something else: more where something is asked for, and none where what
    was found may belong to a story.
    """
    asks = any(word in ASKING for word in words)
    if not paintings:
        return 2 if asks and direction else 0
    if all(words[at] in STORIES for at in paintings.values()):
        return 0
    return 5 if asks else 2


def _wish(
    paintings: dict[str, int],
    behind: int | None,
    direction: Direction | None,
    options: dict[str, Any],
    usual: Wish | None,
) -> StyleWish | SeasonWish | None:
    """`paintings` by their places in the text; `behind` is the place of the word background."""
    styles, background = list(paintings), None
    if behind is not None and styles:
        after = [style for style in styles if paintings[style] > behind]
        background = after[0] if after else styles[-1] if len(styles) > 1 else None
        styles = [style for style in styles if style != background]
    if background:
        options = options | {"only": "all", "background": background}
    if len(styles) > 2:
        return None
    if styles:
        second = styles[1] if len(styles) == 2 else None
        return StyleWish(styles[0], None, second=second, season=direction, **options)
    if isinstance(usual, StyleWish) and options and not direction:
        return replace(usual, **options)
    if background:  # and nothing else: people stay as they are
        options = options | {"only": "background", "background": None}
        return StyleWish(background, None, season=direction, **options)
    if direction:
        amounts: dict[str, Amount] = {"soft": "light", "strong": "deep"}
        amount = amounts.get(options.get("strength", ""), "normal")
        return SeasonWish(direction, amount, options.get("as_file", False))
    return None


def named_by(message: Message, user: User, i18n: I18n) -> Understood:
    """What the caption or the text asks for; a forwarded one was written for others."""
    text = message.caption or message.text
    if text and message.forward_origin is None:
        return understand(text, i18n, user.wish)
    return Understood()


async def names_a_wish(message: Message, user: User, i18n: I18n) -> dict[str, Understood] | bool:
    """A filter that hands its handler what was `understood`, where that is a wish or near one."""
    found = named_by(message, user, i18n)
    return {"understood": found} if found.wish or found.near else False


def words_of(text: str) -> list[str]:
    return [NUMBERS.get(word, word) for word in re.findall(r"[^\W_]+", folded(text))]


def _as_written(words: tuple[str, ...], text: str) -> tuple[str, ...]:
    """In lower case, but with the marks that `words_of` takes away."""
    written = {folded(word): word for word in re.findall(r"[^\W_]+", text.lower())}
    return tuple(written.get(word, word) for word in words)


def _options_in(said: str) -> tuple[str, dict[str, Any]]:
    """What is said besides, and the options of a `StyleWish`."""
    options: dict[str, Any] = {}
    for pattern, option in OPTIONS:
        said, times = pattern.subn(" ", said)
        if times:
            options |= option
    return BACKGROUND.sub(f" {BEHIND} ", said), options


def _spaced(words: list[str], i18n: I18n) -> list[str]:
    """The words, those apart that are written without spaces between them, as in Chinese."""
    return [part for word in words for part in _apart(i18n).findall(word)]


@cache
def _apart(i18n: I18n) -> re.Pattern[str]:
    names = {word for name in _names(i18n) for word in name.words if CHINESE.search(word)}
    known = "|".join(map(re.escape, sorted(names | UNSPACED, key=len, reverse=True)))
    return re.compile(rf"{known}|{CHINESE.pattern}|(?:(?!{CHINESE.pattern}).)+")


@cache
def _names(i18n: I18n) -> tuple[Name, ...]:
    """All names, the longest first."""
    names: set[Name] = set()
    for preset, titles in _titles(i18n).items():
        for language, title in titles:
            common = COMMON.get(language)
            parts = [title]
            if common is not None:
                parts += [title[:2]] if len(title) > 1 else []
                parts += [(word,) for word in title if word not in common]
            names |= {Name(part, (preset,), True) for part in parts}
            if len(title) > 1:
                names.add(Name(title[1::-1], (preset,), True, is_close=True))
    for language in _languages(i18n):
        works: dict[str, tuple[str, ...]] = {}
        for painting in PRESETS.values():
            author = i18n.gettext(painting.author, locale=language)
            works[author] = (*works.get(author, ()), painting.name)
        for author, presets in works.items():
            words = words_of(author)
            ways = [tuple(words[start:]) for start in range(len(words))]
            ways += [(words[0],), ("".join(words[-2:]),)]  # vincent, vangogh
            names |= {Name(way, presets, False) for way in ways}
    return tuple(sorted(names, key=lambda name: (-len(name.words), name.words, name.presets)))


@cache
def _titles(i18n: I18n) -> dict[str, set[tuple[str, tuple[str, ...]]]]:
    """For each preset the languages and words of its titles, without little ones and seasons."""
    titles: dict[str, set[tuple[str, tuple[str, ...]]]] = {}
    for preset in PRESETS.values():
        texts = {("en", preset.name.replace("_", " "))}
        texts |= {("also", name) for name in ALSO.get(preset.name, [])}
        for language in _languages(i18n):
            short, title = (i18n.gettext(t, locale=language) for t in (preset.short, preset.title))
            texts |= {(language, short), (language, title)}
        said = [(language, words_of(text)) for language, text in texts]
        kept = {(language, _of_title(words, language)) for language, words in said}
        titles[preset.name] = {(language, words) for language, words in kept if words}
    return titles


def _of_title(words: list[str], language: str) -> tuple[str, ...]:
    if language not in COMMON and any(map(season_of, words)):
        return ()  # what is left would be too little
    return tuple(word for word in words if word not in LITTLE and not season_of(word))


def _languages(i18n: I18n) -> tuple[str, ...]:
    return (i18n.default_locale, *i18n.available_locales)


def _spans(words: list[str], i18n: I18n) -> list[Span]:
    """The names in the text, none over another; those with typing errors after the right ones."""
    spans: list[Span] = []
    taken = [word in FILLERS and word in LITTLE for word in words]
    for forgiving in (False, True):
        for name in _names(i18n):
            for start in range(len(words)):
                end = _end_of(name, words, start, forgiving)
                if end and not any(taken[i] for i in (start, end - 1)):
                    spans.append(Span(start, end, name))
                    taken[start:end] = [True] * (end - start)
    return sorted(spans, key=lambda span: span.start)


def _end_of(name: Name, words: list[str], start: int, forgiving: bool) -> int | None:
    """Where the name ends, if it begins at `start`; little words may stand in it."""
    said, at = [], start
    for _ in name.words:
        while start < at < len(words) and words[at] in LITTLE and not name.is_close:
            at += 1
        if at == len(words):
            return None
        said.append(words[at])
        at += 1
    if forgiving:
        return at if _is_slip(" ".join(said), " ".join(name.words)) else None
    return at if all(map(is_form_of, said, name.words)) else None


def _paintings(words: list[str], spans: list[Span], i18n: I18n) -> dict[str, int]:
    """The presets that are named, each with the place of its name in the text."""
    places: dict[str, int] = {}
    for span in spans:
        if span.name.is_title:
            places.setdefault(span.name.presets[0], span.start)
    for span in spans:
        if not span.name.is_title and not places.keys() & set(span.name.presets):
            # Of a painter's works the one of whose title most is said.
            best = max(span.name.presets, key=lambda preset: _said_of(preset, words, i18n))
            places[best] = span.start
    return dict(sorted(places.items(), key=lambda item: item[1]))


def _said_of(preset: str, words: list[str], i18n: I18n) -> int:
    """How many words belong to the title of a preset."""
    title = {word for _, words in _titles(i18n)[preset] for word in words}
    return sum(any(is_form_of(word, part) for part in title) for word in words)


def _free(words: list[str], spans: list[Span], paintings: list[str], i18n: I18n) -> list[int]:
    """The places of words that are in no name, and in no title of the paintings that are named."""
    titles = {word for name in paintings for _, title in _titles(i18n)[name] for word in title}
    taken = {i for span in spans for i in range(span.start, span.end)}
    return [
        i
        for i, word in enumerate(words)
        if i not in taken and not any(is_form_of(word, part) for part in titles)
    ]


def _season_in(words: list[str], free: list[int]) -> tuple[Direction | None, list[int]]:
    """The direction that is asked for, and the places of other words."""
    seasons = {i: season for i in free if (season := season_of(words[i]))}
    if not seasons and len(words) <= SHORT:
        slips = {i: season_of(s) for i in free for s in SLIPS if _is_slip(words[i], s)}
        seasons = {i: s for i, s in slips.items() if s and words[i] not in NO_SEASONS}
    wanted = [s for i, s in seasons.items() if i == 0 or words[i - 1] not in FROM]
    if not seasons:
        return None, free
    last = (wanted or list(seasons.values()))[-1]
    free = [i for i in free if i not in seasons]
    return ("summer2winter" if last == "winter" else "winter2summer"), free


def season_of(word: str) -> str | None:
    """Winter or summer, if the word is one's name."""
    if WINTER.fullmatch(word):
        return "winter"
    return "summer" if SUMMER.fullmatch(word) else None


def is_form_of(word: str, name: str) -> bool:
    """Whether `word` is `name`, or a form of it: a Slavic name's last letters may differ."""
    if not CYRILLIC.match(name):
        return word == name
    ending = 0 if len(name) < 4 else 1 if len(name) < 6 else 2
    return word.startswith(name[: len(name) - ending]) and abs(len(word) - len(name)) <= 2


def _is_slip(word: str, name: str) -> bool:
    """Whether a letter of a name is wrong, left out, doubled, or in its neighbour's place; of a
    long one two.
    """
    most = 0 if len(name) < 5 else 1 if len(name) < 9 else 2
    return word not in FILLERS and OSA.distance(word, name, score_cutoff=most) <= most


def _near(unknown: tuple[str, ...], i18n: I18n) -> str | None:
    """The preset of which a word may be the beginning, or whose name has one more letter
    wrong, but not its first.
    """
    said = [*unknown, *map(" ".join, pairwise(unknown))]
    for name in _names(i18n):
        if STORIES.issuperset(name.words):
            continue  # ordinary words, which others resemble
        text = " ".join(name.words)
        for word in said:
            most = min(2 if len(text) < 9 else 3, (len(word) - 1) // 2)
            begins = len(word) >= 4 and len(name.words) == 1 and text.startswith(word)
            resembles = len(text) >= 5 and word[0] == text[0]
            if begins or (resembles and OSA.distance(word, text, score_cutoff=most) <= most):
                return name.presets[0]
    return None
