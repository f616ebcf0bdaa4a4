"""The words of captions in English and Russian, but for the names of paintings and painters.

Patterns are for words in lower case, without punctuation, single spaces between them, е for ё.
"""

import re
from typing import Any


def _words(said: str) -> frozenset[str]:
    return frozenset(said.split())


WINTER = re.compile(r"winter(?:y|s)?|wintry|snow(?:y|s)?|зим(?:а|у|ы|е|ой|н\w+)|снег\w*|снеж\w+")
SUMMER = re.compile(r"summer(?:y|s)?|лет(?:о|а|у|е|ом|н\w+)")
SEASONS = ("winter", "summer")  # of which typing errors are forgiven
# Words that only look as if one letter of a season's were wrong.
NO_SEASONS = {"winner", "winder", "wister", "hummer", "simmer", "bummer", "drummer", "slimmer"}

_PEOPLE, _BEHIND = "(?:people|persons?|люди|людей|человека?)", "(?:background|фон(?:а|е|ом)?)"
_ONLY = r"\b(?:(?:only|just|только|лишь) (?:the )?{part}|{part} (?:only|только))\b"
_STROKES = r"\b(?:(?:with )?(?:{english})(?: brush)? strokes?|(?:{russian}) мазк\w+)\b"
_MINE = r"(?:мои\w*|свои\w*|родны\w+|исходны\w+|настоящи\w+|оригинальн\w+)"
OPTIONS: list[tuple[re.Pattern[str], dict[str, Any]]] = [
    (re.compile(_ONLY.format(part=_PEOPLE)), {"only": "people", "background": None}),
    (re.compile(_ONLY.format(part=_BEHIND)), {"only": "background", "background": None}),
    (re.compile(r"\b(?:faces free|free faces|лица свободно|свободн\w+ лица)\b"), {"faces": "free"}),
    (
        re.compile(
            _STROKES.format(
                english="fine|finer|thin|thinner|small|smaller",
                russian=r"мелк\w+|тонк\w+|помельче|мельче|тоньше",
            )
        ),
        {"strokes": "fine"},
    ),
    (
        re.compile(
            _STROKES.format(
                english="large|larger|big|bigger|bold|bolder|broad|wide|wider",
                russian=r"крупн\w+|больш\w+|широк\w+|крупнее|шире",
            )
        ),
        {"strokes": "large"},
    ),
    (
        re.compile(
            r"\b(?:(?:keep|with|in|use) )?(?:the )?"
            r"(?:my|own|original|same|real)(?: own)? colou?rs?\b"
            r"|\bkeep (?:the )?colou?rs?\b"
            rf"|\b(?:в )?{_MINE} цвет\w*\b"
            rf"|\b(?:сохран\w+|остав\w+) (?:{_MINE} )?цвета\b"
            rf"|\bцвета (?:(?:сохран\w+|остав\w+)(?: {_MINE})?|{_MINE}(?: \w*остав\w+)?)"
        ),
        {"keep_colours": True},
    ),
    (
        re.compile(
            r"\b(?:soft(?:er|ly)?|gentl(?:e|y|er)|weaker|subtler?|"
            r"(?:по)?мягче|мягко|(?:по)?нежнее|нежно|(?:по)?слабее)\b"
        ),
        {"strength": "soft"},
    ),
    (
        re.compile(
            r"\b(?:strong(?:er|ly)?|intense(?:r|ly)?|wild(?:er)?|(?:по)?сильнее|сильно|(?:по)?ярче)\b"
        ),
        {"strength": "strong"},
    ),
    (
        re.compile(r"\b(?:as |in )?(?:a )?(?:png|file)\b|\b(?:как )?файл(?:ом)?\b"),
        {"as_file": True},
    ),
]
BACKGROUND = re.compile(rf"{_BEHIND}")

# Before a name, they say that it is not meant.
NOT = {"not", "no", "without", "dont", "don", "never", "не", "без", "нет"}
# Before the first of two seasons: the other one is meant.
FROM = {"from", "instead", "of", "из", "с", "вместо"}
# They show that something is asked for.
ASKING = _words(
    "style styles paint painted painting repaint draw make turn please plz pls want need mix "
    "mixed blend add let put convert change стиле стиль стилем нарисуй рисуй перерисуй раскрась "
    "сделай сделать преврати переделай хочу можно пожалуйста пожалуста пож плиз смешай смесь "
    "микс добавь давай "
)
# They say nothing of what is wanted.
FILLERS = ASKING | _words(
    "a an the this that it me us i we you my our your his her their of in on at to into by for "
    "from with and or but like as is are be look looks looking photo photos picture pictures "
    "pic image portrait selfie work art artwork artist so very much thank thanks thx hi hello "
    "hey can could would will do does bit little more some half x s t now also only just same "
    "brush strokes instead one off du de la le les и в во с со к на по под у за из от как это "
    "эта эту этот эти мне меня нас мой моя мою мои моей моего фото фотку фотка фотография "
    "фотографию фотографии картина картину картинка картинку портрет чтобы чтоб было будет бы "
    "то а но или спасибо большое огромное заранее привет еще немного чуть чуток пополам плюс "
    "только лишь вместо де ла "
)
