"""Text with formatting: Telegram's HTML, and the entities that are found in plain text.

Offsets and lengths of entities count UTF-16 code units, as everywhere in the Bot API.
"""

import html
import re
from typing import Any

from local_chat.api_error import ApiError, bad_request

Json = dict[str, Any]

_TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline",
    "ins": "underline", "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough",
    "tg-spoiler": "spoiler", "code": "code", "pre": "pre", "blockquote": "blockquote",
}  # fmt: skip
_TYPES = {*_TAGS.values(), "expandable_blockquote", "text_link"}
_TOKEN = re.compile(r"<(/?)([A-Za-z][\w-]*)?([^>]*)>?|&(?:lt|gt|amp|quot|#\d+|#x[0-9A-Fa-f]+);")
_ATTRIBUTE = re.compile(r"""([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
_FOUND = re.compile(
    r"(?P<url>https?://[^\s<>\"]*[^\s<>\".,;:!?)\]'])"
    r"|(?<![\w@.])(?P<email>[\w.+-]+@[\w-]+\.[\w.-]*\w)"
    r"|(?<![\w/<>])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@[A-Za-z]\w{2,31})?)(?![\w/<>])"
    r"|(?<![\w@])(?P<mention>@[A-Za-z]\w{3,31})\b"
    r"|(?<!\w)(?P<hashtag>#\w*[^\W\d]\w*)"
)


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def entity_text(text: str, entity: Json) -> str:
    """The part of a text that an entity marks."""
    units = text.encode("utf-16-le", "surrogatepass")
    start, end = 2 * entity["offset"], 2 * (entity["offset"] + entity["length"])
    return units[start:end].decode("utf-16-le", "replace")


def formatted(text: str, parse_mode: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """The text as it is shown and its entities, from a `parse_mode` or from explicit entities.

    Raises `ApiError` for a mode other than HTML, for HTML that Telegram refuses, and for entities
    that Telegram does not know or that reach beyond the text.
    """
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise bad_request("strings must be encoded in UTF-8")
    if parse_mode:
        if parse_mode.lower() != "html":
            raise bad_request("unsupported parse_mode")
        text, entities = _parse_html(text)
    else:
        for entity in entities:
            _check_entity(entity, utf16_length(text))
    text, entities = _trimmed(text, entities)
    return text, sorted(entities + _found_entities(text, entities), key=lambda e: e["offset"])


def _parse_html(source: str) -> tuple[str, list[Json]]:
    text, length, end = "", 0, 0
    entities: list[Json] = []
    open_tags: list[tuple[str, Json]] = []
    for token in _TOKEN.finditer(source):
        plain = source[end : token.start()]
        end = token.end()
        if token[0].startswith("&"):
            plain += html.unescape(token[0])
        text += plain
        length += utf16_length(plain)
        if token[0].startswith("&"):
            continue
        closing, name = token[1], (token[2] or "").lower()
        if not token[0].endswith(">"):
            raise _bad_html(f"Unclosed start tag {_at(source, token)}")
        if closing:
            if not open_tags:
                raise _bad_html(f"Unexpected end tag {_at(source, token)}")
            expected, entity = open_tags.pop()
            if name and name != expected:
                raise _bad_html(
                    f"Unmatched end tag {_at(source, token)}, "
                    f'expected "</{expected}>", found "</{name}>"'
                )
            entity["length"] = length - entity["offset"]
            continue
        described = _entity_of(name, token[3], open_tags)
        if described is None:
            raise _bad_html(f'Unsupported start tag "{name}" {_at(source, token)}')
        entity = {"offset": length, **described}
        entities.append(entity)
        open_tags.append((name, entity))
    if open_tags:
        name = open_tags[-1][0]
        raise _bad_html(f'Can\'t find end tag corresponding to start tag "{name}"')
    return text + source[end:], [e for e in entities if e["length"] and e["type"]]


def _bad_html(reason: str) -> ApiError:
    return bad_request(f"can't parse entities: {reason}")


def _at(source: str, token: re.Match[str]) -> str:
    return f"at byte offset {len(source[: token.start()].encode())}"


def _entity_of(name: str, attributes: str, open_tags: list[tuple[str, Json]]) -> Json | None:
    """A start tag's entity: without a type where Telegram drops it, None for an unknown tag."""
    values = {
        m[1].lower(): html.unescape(next((v for v in m.groups()[1:] if v is not None), ""))
        for m in _ATTRIBUTE.finditer(attributes)
    }
    if name == "a":  # a link that is no link is shown as plain text
        url = values.get("href", "")
        return {"type": "text_link", "url": url} if "." in url or ":" in url else {"type": ""}
    if name == "span" and values.get("class") == "tg-spoiler":
        return {"type": "spoiler"}
    if name == "blockquote" and "expandable" in values:
        return {"type": "expandable_blockquote"}
    if name == "code" and open_tags and open_tags[-1][0] == "pre":
        language = values.get("class", "").removeprefix("language-")
        if language:
            open_tags[-1][1]["language"] = language
        return {"type": ""}
    return {"type": _TAGS[name]} if name in _TAGS else None


def _check_entity(entity: Json, length: int) -> None:
    kind, start, size = entity.get("type"), entity.get("offset"), entity.get("length")
    if kind not in _TYPES | set(_FOUND.groupindex):
        raise bad_request(f"can't parse MessageEntity: Unsupported type {kind!r} specified")
    if not isinstance(start, int) or not isinstance(size, int) or start < 0 or size < 1:
        raise bad_request("can't parse MessageEntity: wrong offset or length")
    if start + size > length:
        raise bad_request("entity beginning or end is beyond the end of the text")


def _trimmed(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    cut = utf16_length(text) - utf16_length(text.lstrip())
    text = text.strip()
    length = utf16_length(text)
    kept = []
    for entity in entities:
        start = max(entity["offset"] - cut, 0)
        end = min(entity["offset"] + entity["length"] - cut, length)
        if end > start:
            kept.append({**entity, "offset": start, "length": end - start})
    return text, kept


def _found_entities(text: str, explicit: list[Json]) -> list[Json]:
    """Commands, links, mentions and hashtags, where no explicit entity rules them out."""
    blocked = [
        range(e["offset"], e["offset"] + e["length"])
        for e in explicit
        if e["type"] in ("code", "pre", "text_link", *_FOUND.groupindex)
    ]
    found = []
    for match in _FOUND.finditer(text):
        offset = utf16_length(text[: match.start()])
        if not any(offset in span for span in blocked):
            entity = {"type": match.lastgroup, "offset": offset, "length": utf16_length(match[0])}
            found.append(entity)
    return found
