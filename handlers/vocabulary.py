"""The words of captions, but for the names of paintings and painters.

Each language that the bot speaks has a file in vocabularies/, of regular expressions (in single
quotes) and of words (in double quotes); all languages are understood by everybody. They are
compared with captions after both are `folded`. A file's keys:

- `winter`, `summer`: one word; `slips`: words of them whose typing errors are forgiven, and
  `no_seasons`: words that only look like such errors;
- `background`: of a picture, what is behind people;
- `not`: before a name, that it is not meant; `from`: before the first of two seasons;
- `asking`: something is asked for; `fillers`: they say nothing of what is wanted;
- `little`: words of titles that may be left out; `stories`: titles of one word that are said of
  many other things too, and so name a painting only where nothing else is said;
- `common`: words of titles that name no painting alone, while all others do; where it is missing,
  only whole titles name one;
- `options`: what is said of how to paint; `also`: more names of paintings, | between them;
- `spaces`: false where words stand together without any.
"""

import re
import tomllib
import unicodedata
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("vocabularies")

# Letters that are written in two ways, and are no base and mark for Unicode.
LETTERS = str.maketrans("ıґيىك", "iгییک")
APOSTROPHE = re.compile(r"(?<=[а-яєі])['’ʼ](?=[а-яєі])")  # Ukrainian ones are no end of a word


def folded(text: str) -> str:
    """Lower case without marks over letters: е for ё, e for é; of digits 0 to 9."""
    letters = unicodedata.normalize("NFKD", text.casefold()).translate(LETTERS)
    kept = "".join(
        str(unicodedata.decimal(letter, letter))
        for letter in letters
        if not unicodedata.combining(letter)
    )
    return APOSTROPHE.sub("", kept)


_FILES = {
    path.stem: tomllib.loads(folded(path.read_text("utf-8")))
    for path in sorted(FOLDER.glob("*.toml"))
}


def _words(key: str) -> frozenset[str]:
    return frozenset(word for file in _FILES.values() for word in file.get(key, "").split())


def _pattern(file: dict[str, Any], pattern: str) -> str:
    pattern = pattern.replace("\n", "")
    return rf"\b(?:{pattern})\b" if file.get("spaces", True) else pattern


def _any_language(key: str) -> re.Pattern[str]:
    return re.compile("|".join(_pattern(file, file[key]) for file in _FILES.values()))


WINTER, SUMMER, BACKGROUND = map(_any_language, ("winter", "summer", "background"))
SLIPS, NO_SEASONS = _words("slips"), _words("no_seasons")
NOT, FROM, ASKING = _words("not"), _words("from"), _words("asking")
FILLERS = ASKING | _words("fillers")
LITTLE, STORIES = _words("little"), _words("stories")
# Of each language where single words of titles name paintings.
COMMON = {
    language: frozenset(file["common"].split())
    for language, file in _FILES.items()
    if "common" in file
}
ALSO: dict[str, list[str]] = {}
for _file in _FILES.values():
    for _preset, _names in _file.get("also", {}).items():
        ALSO.setdefault(_preset, []).extend(name.strip() for name in _names.split("|"))

_MEANT: dict[str, dict[str, Any]] = {
    "nothing": {},
    "only_people": {"only": "people", "background": None},
    "only_background": {"only": "background", "background": None},
    "free": {"faces": "free"},
    "fine": {"strokes": "fine"},
    "large": {"strokes": "large"},
    "colours": {"keep_colours": True},
    "soft": {"strength": "soft"},
    "strong": {"strength": "strong"},
    "file": {"as_file": True},
}
OPTIONS = [
    (re.compile(_pattern(file, file["options"][name])), meant)
    for name, meant in _MEANT.items()
    for file in _FILES.values()
    if name in file["options"]
]
# Words of languages without spaces, which tell where others end.
UNSPACED = frozenset(
    word
    for file in _FILES.values()
    if not file.get("spaces", True)
    for key in ("winter", "summer", "background", "not", "from", "asking", "fillers")
    for word in file[key].replace("|", " ").split()
)
