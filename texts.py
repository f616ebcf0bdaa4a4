"""Every sentence that the bot says. English texts are gettext's message ids."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

from aiogram.utils.i18n import gettext as _
from aiogram.utils.i18n import ngettext

from presets import PRESETS, Preset
from untranslated import Problem
from wishes import MOST_CLIP_SECONDS, SeasonWish, StyleWish


@dataclass(frozen=True)
class Day:
    """What operators are told of a day."""

    date: str
    people: int
    mean_wait: float  # seconds
    jobs: Mapping[str, int]  # by kind and outcome


def greeting(name: str) -> str:
    return _(
        "Hello, {name}! I repaint photos: in the style of a painting, yours or a famous one, "
        "or in another season.\n\nWhat shall we do?"
    ).format(name=name)


def help_text() -> str:
    return _(
        "<b>How it works</b>\n"
        "1. Choose <i>Paint in a style</i> and pick a famous painting, or send a picture whose "
        "style you like. Two pictures in one album are mixed.\n"
        "2. Send photos, whole albums too. Each comes back painted, at its own size.\n"
        "Or choose a season, and send photos.\n\n"
        "<b>Quicker</b>\n"
        "Write what you want under your photo: <i>Klimt</i>, <i>great wave</i>, <i>winter</i>.\n\n"
        "<b>Clips</b>\n"
        "GIFs and videos of up to 10 seconds come back painted like a famous painting, "
        "or in another season, with their sound.\n\n"
        "<b>Every pixel</b>\n"
        "Telegram shrinks photos: send yours as a file.\n\n"
        "<b>Among friends</b>\n"
        "In a group, reply to a photo with /style, /winter or /summer. "
        "In any chat, type my name to send one of your last pictures.\n\n"
        "/styles – the famous paintings\n"
        "/me – paint your profile picture\n"
        "/language – the language I speak\n"
        "/forget – erase what I keep about you"
    )


def command_descriptions() -> dict[str, str]:
    return {
        "start": _("the menu"),
        "style": _("paint a photo in a style"),
        "styles": _("the famous paintings"),
        "winter": _("summer becomes winter"),
        "summer": _("winter becomes summer"),
        "me": _("your profile picture"),
        "language": _("the language I speak"),
        "forget": _("erase what I keep about you"),
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
    """Tells painters and years too, which the sheet does not."""
    question = _("Which style shall I paint in?")
    return f"{question}\n\n{_list_of_paintings()}"


def _list_of_paintings() -> str:
    paintings = [f"{number}. {caption_of(p)}" for number, p in enumerate(PRESETS.values(), 1)]
    return "\n".join(paintings)


def caption_of(preset: Preset) -> str:
    return _("{author}, “{title}”, {year}").format(
        author=_(preset.author), title=_(preset.title), year=preset.year
    )


def example_caption(made: str) -> str:
    """For a preset's name or a direction."""
    if preset := PRESETS.get(made):
        return caption_of(preset)
    return _("❄️ Summer to winter") if made == "summer2winter" else _("☀️ Winter to summer")


def choose_mix(first: str | None) -> str:
    """Asks for the first preset, or for the second where the first is known."""
    question = _("And the second one?") if first else _("Which two shall I mix? The first one:")
    return f"{question}\n\n{_list_of_paintings()}"


def choose_own_style() -> str:
    return _("Your latest style pictures. Which one shall I take?")


def choose_background() -> str:
    return _("Your latest style pictures. Which one shall the background be like?")


def chosen(wish: StyleWish | SeasonWish, photos_wait: bool) -> str:
    """Says what is done with photos from now on, and whether some are begun with at once."""
    if isinstance(wish, StyleWish):
        details = _details(wish)
        text = _style_chosen(wish)
        if details:
            text += " " + _("{details}.").format(details=details[0].upper() + details[1:])
    elif wish.direction == "summer2winter":
        text = _("Let it snow: I turn summer into winter.")
    else:
        text = _("Let it thaw: I turn winter into summer.")
    if photos_wait:
        what_now = _("I am starting. You can send me more photos.")
    else:
        what_now = _("Now send me photos, as many as you like.")
    return f"{text} {what_now}"


def _style_chosen(wish: StyleWish) -> str:
    first, second = PRESETS.get(wish.style), PRESETS.get(wish.second or "")
    if first and second:
        return _("A mix: “{one}” and “{other}”.").format(one=_(first.title), other=_(second.title))
    if first:
        return _("Good choice: {painting}.").format(painting=caption_of(first))
    if wish.second:
        return _("I will mix the styles of these two pictures.")
    return _("I will paint in the style of this picture.")


def what_to_do_with_you() -> str:
    return _("Here you are! What shall I do with it?")


def no_profile_photo() -> str:
    return _(
        "I see no profile picture of yours: there is none, or your privacy settings hide it. "
        "Send me a photo instead."
    )


def style_in_group() -> str:
    return _(
        "Reply to a photo with /style, or with a painter's name at once: /style Klimt. "
        "Or send me a photo as a reply to this message."
    )


def season_in_group() -> str:
    return _("Reply to a photo with /winter or /summer, and I will change its season.")


def not_yours() -> str:
    """A popup: at most 200 characters."""
    return _("These buttons are somebody else's. Reply to a photo with /style to get your own.")


def paint_first() -> str:
    """On the button of inline mode for who has no results yet."""
    return _("Send me a photo first")


def result_title() -> str:
    return _("Your picture")


def sticker_moves() -> str:
    return _(
        "That sticker is too quick for me. Send me one that stands still, or a GIF, or a video."
    )


def what_to_do_with_clip() -> str:
    return _(
        "A fine clip! I can paint it like a famous painting, or change its season. "
        "What shall I do with it?"
    )


def clip_needs_painting() -> str:
    return _(
        "Clips I paint quickly, and so only like the famous paintings. "
        "Please pick one of them, or send me a photo."
    )


def clip_is_no_style() -> str:
    return _("A clip cannot be the style. Please send me a picture for it.")


def clip_too_long(seconds: int) -> str:
    return _("That clip lasts {seconds} seconds, the limit is {limit}. Please cut it.").format(
        seconds=seconds, limit=MOST_CLIP_SECONDS
    )


def sounds() -> str:
    return _("I have eyes only, no ears. Send me a photo, or choose what we shall do:")


def what_to_do_with_photo() -> str:
    return _("A fine photo! What shall I do with it?")


def did_you_mean(style: str) -> str:
    return _("Did you mean {painting}?").format(painting=caption_of(PRESETS[style]))


def understood_in_part(unknown: Sequence[str]) -> str:
    """Words of the user's own among it."""
    said = _listed(_("“{word}”").format(word=word) for word in unknown)
    return _("I have begun, but what to do about {words} I do not know.").format(words=said)


def choose_by_looking() -> str:
    return _(
        "A fine photo! So it looks in our famous styles, quickly sketched. "
        "Which one shall I paint with care? Or what else shall I do with it?"
    )


def titles() -> list[str]:
    """Of the presets, as their buttons have them."""
    return [_(preset.short) for preset in PRESETS.values()]


def what_to_do_with_result() -> str:
    return _("A picture of ours! What shall I do with it?")


def style_forgotten() -> str:
    return _("I no longer have that style picture. Please send it again, or pick a painting.")


def photo_forgotten() -> str:
    return _("I can no longer see that photo. Please send it again.")


def album_forgotten() -> str:
    return _("I no longer remember that album. Please send it again.")


def anything_else() -> str:
    return _("I work with photos. Send me one, or choose what we shall do:")


def no_picture() -> str:
    return _("That file is no picture. Send me a photo, or a picture as a file.")


def old_button() -> str:
    return _("That button no longer works. Here is the menu:")


def file_too_big(megabytes: int, moves: bool = False) -> str:
    """`moves`: it is a clip."""
    if moves:
        return _(
            "That clip is too big for me: I can take {megabytes} MB at most. "
            "Please send a shorter or a smaller one."
        ).format(megabytes=megabytes)
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
    """Rounds an estimate: to five seconds, from a minute on to minutes."""
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
    return _(
        "This is a private bot: it works for people on its owner's list only. "
        "Please ask its owner to add you."
    )


def forgotten() -> str:
    return _(
        "Done: your choices, your style pictures and your waiting photos are erased. "
        "I keep no picture longer than an hour. Send /start whenever you like to begin anew."
    )


def timed_out() -> str:
    return _("I took too long over this photo and stopped. Please try a smaller one.")


def gave_up() -> str:
    return _(
        "I broke down over this photo twice, sorry. Please send a smaller one, or another one."
    )


def over() -> str:
    return _("That photo is done already. Send me another one whenever you like.")


def progress(fraction: float, part: int = 1, parts: int = 1, left: float | None = None) -> str:
    """`fraction` of the work on this part that is done, 0 to 1; the bar shows all parts. `left` are
    the seconds that a single part still takes.
    """
    fraction = (part - 1 + fraction) / parts
    done = round(fraction * 10)
    bar = "▓" * done + "░" * (10 - done)
    percent = round(fraction * 100)
    if parts == 1 and left is not None:
        return _("🎨 Painting… {bar} {percent}%, about {duration} left").format(
            bar=bar, percent=percent, duration=duration(left)
        )
    if parts == 1:
        return _("🎨 Painting… {bar} {percent}%").format(bar=bar, percent=percent)
    return _("🎨 Painting {part} of {parts}… {bar}").format(part=part, parts=parts, bar=bar)


def painting_caption(wish: StyleWish, people: bool, kept: bool = False) -> str:
    """The paintings' names, then what is not as usual: so that results can be told apart.

    `people`: some were found in the photo; `kept`: more of it was kept than usual.
    """
    names = [_name_of(style) for style in (wish.style, wish.second) if style]
    if names == [_("Your style picture")] * 2:
        names = [_("A mix of your two style pictures")]
    seen = wish if people else replace(wish, only="all", background=None, faces="keep")
    details = _details(seen)
    lines = [*names, *([f"({details})"] if details else [])]
    if wish.is_parted and not people:
        lines.append(_("I found nobody in this photo, so I painted all of it."))
    if kept:
        lines.append(_("This style leaves little of a photo, so more of it was kept."))
    return "\n".join(lines)


def _name_of(style: str) -> str:
    return caption_of(PRESETS[style]) if style in PRESETS else _("Your style picture")


def _details(wish: StyleWish) -> str:
    """What is not as usual."""
    background = PRESETS.get(wish.background or "")
    behind = _(background.short) if background else _("your picture")
    unusual = (
        (_("in winter"), wish.season == "summer2winter"),
        (_("in summer"), wish.season == "winter2summer"),
        (_("only the people"), wish.only == "people"),
        (_("only the background"), wish.only == "background"),
        (_("background: {style}").format(style=behind), wish.background is not None),
        (_("faces free"), wish.faces == "free"),
        (_("second style: {share}%").format(share=wish.share), wish.share != 50),
        (_("softer"), wish.strength == "soft"),
        (_("stronger"), wish.strength == "strong"),
        (_("finer strokes"), wish.strokes == "fine"),
        (_("larger strokes"), wish.strokes == "large"),
        (_("your colours"), wish.keep_colours),
    )
    return _listed(words for words, is_so in unusual if is_so)


def _listed(words: Iterable[str]) -> str:
    return _(", ").join(words)


def season_caption(wish: SeasonWish) -> str:
    season = example_caption(wish.direction)
    details = {"light": _("weaker"), "deep": _("stronger"), "normal": ""}[wish.amount]
    return f"{season} ({details})" if details else season


def season_already(wish: SeasonWish) -> str:
    if wish.direction == "summer2winter":
        return _("It is winter here already, it seems: I have left the photo as it is.")
    return _("It is summer here already, it seems: I have left the photo as it is.")


def compared() -> str:
    return _("Before and after")


def album_done(count: int, unreadable: list[int], whole: list[int], arrived: bool) -> str:
    """Photos are told by their places in the album, from 1: those `unreadable`, and those painted
    `whole` because nobody was found in them.
    """
    sentences = []
    if arrived:
        done = ngettext("Done: {count} picture.", "Done: {count} pictures.", count)
        sentences.append(done.format(count=count))
    else:
        sentences.append(
            _(
                "Telegram did not tell me whether the album arrived. "
                "If it is not here, please send me the photos again."
            )
        )
    if unreadable:
        problem = ngettext(
            "Photo {numbers} I could not read: please send it again, or another one.",
            "Photos {numbers} I could not read: please send them again, or others.",
            len(unreadable),
        )
        sentences.append(problem.format(numbers=_listed(map(str, unreadable))))
    if whole:
        nobody = ngettext(
            "In photo {numbers} I found nobody, so I painted all of it.",
            "In photos {numbers} I found nobody, so I painted all of them.",
            len(whole),
        )
        sentences.append(nobody.format(numbers=_listed(map(str, whole))))
    return " ".join(sentences)


def explained(problem: Problem) -> str:
    """What is wrong; one problem may be told within another."""
    values = {
        name: explained(value) if isinstance(value, Problem) else value
        for name, value in problem.values.items()
    }
    return _(problem.sentence).format(**values)


def stats(days: Sequence[Day], waiting: int) -> str:
    """What came of the photos of each day, and how many wait now."""
    now = _("Waiting now: {count}.").format(count=waiting)
    told = [_day(day) for day in days] or [_("Nothing was done in the last days.")]
    return "\n\n".join([now, *told])


def _day(day: Day) -> str:
    people = _("People: {count}").format(count=day.people)
    wait = _("mean wait: {duration}").format(duration=duration(day.mean_wait))
    jobs = [f"<code>{escape(what)}</code>: {count}" for what, count in day.jobs.items()]
    return "\n".join([f"<b>{day.date}</b>", f"{people}, {wait}", *jobs])


def cancelled() -> str:
    return _("Cancelled. Send another photo whenever you like.")


def all_cancelled() -> str:
    return _("All of your photos are cancelled. Send another one whenever you like.")


def failed() -> str:
    return _("Something went wrong on my side, sorry. Please try again, or send another photo.")


def examples_text() -> str:
    return _("On the left the photo, on the right what I made of it. Your turn: send me a photo.")
