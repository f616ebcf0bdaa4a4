"""The languages that the bot speaks."""

from typing import Literal

Language = Literal["en", "ru", "uk", "de", "es", "fr", "it", "pt_BR", "tr", "fa", "id", "zh"]

# As their speakers call them. Messages are in locales/, but for English, which stands in the code.
NAMES: dict[Language, str] = {
    "en": "English",
    "ru": "Русский",
    "uk": "Українська",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "it": "Italiano",
    "pt_BR": "Português",
    "tr": "Türkçe",
    "fa": "فارسی",
    "id": "Bahasa Indonesia",
    "zh": "简体中文",
}


def code_of(language: str) -> str:
    """ISO 639-1, which is all that Telegram takes for commands and descriptions."""
    return language[:2]


def language_of(tag: str) -> Language:
    """The language of an IETF tag, as Telegram tells of each person; English for those we lack."""
    code = tag.lower().partition("-")[0]
    return next((language for language in NAMES if code_of(language) == code), "en")
