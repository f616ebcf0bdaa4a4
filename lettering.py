"""Letters in pictures, in all languages that the bot speaks, drawn alike on every machine: Pillow
orders and joins Arabic letters only where libraries are installed that it does not bring along.
"""

import re
import unicodedata
from functools import cache

from PIL import ImageFont

from settings import ROOT

FONTS = ROOT / "images" / "fonts"
CHINESE = re.compile("[\u3000-\u9fff]")
ARABIC = re.compile("[\u0600-\u06ff]")
LEFT_TO_RIGHT = re.compile(r"[0-9A-Za-z\u00c0-\u024f\u06f0-\u06f9]+")  # within Arabic letters, too


def font_for(text: str, size: int) -> ImageFont.FreeTypeFont:
    """One that has the text's letters, `size` pixels high."""
    name = "NotoSansCJKsc-Regular.otf" if CHINESE.search(text) else "DejaVuSansCondensed.ttf"
    return _font(name, size)


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONTS / name, size, layout_engine=ImageFont.Layout.BASIC)


def as_drawn(text: str) -> str:
    """The letters from left to right; Arabic ones without vowel signs, in the forms that their
    neighbours ask for.
    """
    if not ARABIC.search(text):
        return text
    bare = "".join(letter for letter in text if not unicodedata.combining(letter))
    letters = re.findall("\u0644\u0627|.", bare)
    before, after = [None, *letters[:-1]], [*letters[1:], None]
    forms = [_form(*near) for near in zip(before, letters, after, strict=True)]
    drawn = "".join(forms).replace("\u200c", "")[::-1]
    return LEFT_TO_RIGHT.sub(lambda run: run[0][::-1], drawn)


def _form(before: str | None, letter: str, after: str | None) -> str:
    forms = _forms()
    own = forms.get(letter, {})
    joins_before = "final" in own and "initial" in forms.get(before or "", {})
    joins_after = "initial" in own and "final" in forms.get(after or "", {})
    name = {
        (False, False): "isolated",
        (True, False): "final",
        (False, True): "initial",
        (True, True): "medial",
    }[joins_before, joins_after]
    return own.get(name, letter)


@cache
def _forms() -> dict[str, dict[str, str]]:
    """By letter, or by the two of a ligature, the characters of its forms, as Unicode has them."""
    forms: dict[str, dict[str, str]] = {}
    for code in (*range(0xFB50, 0xFC00), *range(0xFE80, 0xFEFD)):
        form, *parts = unicodedata.decomposition(chr(code)).split() or [""]
        letter = "".join(chr(int(part, 16)) for part in parts)
        if len(letter) == 1 or letter == "\u0644\u0627":
            forms.setdefault(letter, {})[form.strip("<>")] = chr(code)
    return forms
