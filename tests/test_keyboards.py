"""What is packed into buttons fits, and comes out again."""

from dataclasses import replace

import pytest
from aiogram.types import InlineKeyboardMarkup
from aiogram.utils.i18n import I18n
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import HttpUrl

import keyboards
from keyboards import Repaint, without_owner
from languages import NAMES
from presets import PRESETS
from settings import ROOT, Settings
from wishes import FACES, SeasonWish, StyleWish

I18N = I18n(path=ROOT / "locales")
LARGEST_USER_ID = 2**52 - 1
own_styles = st.text("abcXYZ019_-", min_size=1, max_size=20)
styles = st.sampled_from(sorted(PRESETS)) | own_styles
wishes = st.builds(
    StyleWish,
    styles,
    st.none(),
    strength=st.sampled_from(["soft", "normal", "strong"]),
    variation=st.integers(0, 99),
    strokes=st.sampled_from(["fine", "normal", "large"]),
    keep_colours=st.booleans(),
    second=st.none() | styles,
    second_file_id=st.none(),
    as_file=st.booleans(),
    faces=st.sampled_from(["keep", "free"]),
    only=st.sampled_from(["all", "people", "background"]),
    background=st.none() | styles,
    share=st.sampled_from([25, 50, 75]),
).filter(lambda wish: not wish.second or wish.background in (None, *PRESETS))


def data_in(menu: InlineKeyboardMarkup) -> list[str]:
    return [button.callback_data or "" for row in menu.inline_keyboard for button in row]


@given(wishes)
def test_a_wish_comes_out_of_a_button_as_it_went_in(wish: StyleWish) -> None:
    chosen = (wish.style, wish.second, wish.background)
    kept = {name: f"file {name}" for name in chosen if name}
    packed = Repaint.unpack(Repaint.of(wish).pack()).wish(kept)
    assert packed is not None
    assert packed.file_id == kept[wish.style]
    assert packed.second_file_id == kept.get(wish.second or "")
    assert packed.background_file_id == kept.get(wish.background or "")
    assert wish == replace(packed, file_id=None, second_file_id=None, background_file_id=None)


@pytest.mark.parametrize(
    ("data", "wish"),
    [
        (
            "p:kiss::20107",
            StyleWish(
                "kiss", None, strength="strong", strokes="fine", keep_colours=True, variation=7
            ),
        ),
        (
            "p:own:ejiri:120042",
            StyleWish("own", "file", second="ejiri", strokes="large", variation=42),
        ),
        (
            f"p:kiss:ejiri:x{7 + 100 * (2 + 3 * 1):x}",
            StyleWish("kiss", None, second="ejiri", strength="strong", variation=7),
        ),
        (
            "p:kiss::y10l23",
            StyleWish(
                "kiss",
                None,
                strength="strong",
                variation=7,
                background="ejiri",
                season="summer2winter",
                share=75,
            ),
        ),
    ],
)
def test_a_button_of_before_says_what_it_said(data: str, wish: StyleWish) -> None:
    """Older messages have four digits and the variation, or hex."""
    assert Repaint.unpack(data).wish({"own": "file"}) == wish


def test_choices_about_people_leave_the_rest_and_lead_back() -> None:
    """The buttons of `people_menu` and those behind them, by what they ask for."""
    wish = StyleWish("kiss", None, strength="soft", only="people", variation=3)
    with I18N.context():
        menu = keyboards.people_menu(wish, is_file=True)
        shown = {b.text: b.callback_data or "" for row in menu.inline_keyboard for b in row}
        behind = keyboards.background_menu(wish, {"own": "file"}, is_file=True)
    asked = {
        text: Repaint.unpack(data).wish({}) for text, data in shown.items() if data.startswith("p:")
    }
    assert asked == {
        "🏞 Only the background": replace(wish, only="background"),
        "🎭 Faces free": replace(wish, faces="free"),
        "🎨 Everything": replace(wish, only="all"),
    }
    back = keyboards.PaintingMenu.unpack(shown["← Back"]).wish({})
    assert back == replace(wish, as_file=True)
    wave = next(b for row in behind.inline_keyboard for b in row if b.text == "The Great Wave")
    wanted = replace(wish, only="all", background="great_wave")
    assert Repaint.unpack(wave.callback_data or "").wish({}) == wanted


@given(wishes)
def test_a_style_that_is_no_longer_kept_is_none(wish: StyleWish) -> None:
    gone = {wish.style, wish.second, wish.background} - {None, *PRESETS}
    assert (Repaint.of(wish).wish({}) is None) == bool(gone)


@example(StyleWish("a" * 20, None, second="b" * 20, variation=99, background="ejiri"))
@given(wishes)
def test_buttons_fit_into_64_bytes_with_their_owner(wish: StyleWish) -> None:
    with I18N.context(), keyboards.owned_by(LARGEST_USER_ID):
        menus = [
            *(
                keyboards.painting_menu(wish, is_file=False, people=True, of_album=a)
                for a in (False, True)
            ),
            keyboards.people_menu(wish, is_file=True),
            keyboards.background_menu(wish, {"own": "file"}, is_file=True),
            keyboards.own_background_menu(replace(wish, second=None), ["a" * 20]),
            *(
                keyboards.season_menu(SeasonWish("summer2winter"), is_file=False, of_album=a)
                for a in (False, True)
            ),
            keyboards.mix_menu("moulin_de_la_galette"),
            keyboards.preset_menu(),
            keyboards.status_menu("1234567890-1234567890"),
        ]
    for menu in menus:
        for data in data_in(menu):
            assert len(data.encode()) <= 64
            assert without_owner(data)[1] == LARGEST_USER_ID


def test_buttons_of_a_private_chat_have_no_owner() -> None:
    with I18N.context():
        data = data_in(keyboards.preset_menu())
    assert [without_owner(packed) for packed in data] == [(packed, None) for packed in data]


@pytest.mark.parametrize("language", NAMES)
def test_words_on_half_a_row_are_short_enough_for_a_phone(language: str) -> None:
    """Telegram cuts what is longer, and does not say so."""
    wish = StyleWish("kiss", None, keep_colours=True, variation=7, second="ejiri")
    with I18N.context(), I18N.use_locale(language):
        menus = [
            keyboards.main_menu(Settings(source_url=HttpUrl("https://example.org"))),
            keyboards.photo_menu(),
            keyboards.style_menu({"a": "b"}),
            keyboards.preset_menu(),
            *(
                keyboards.painting_menu(wish, is_file=False, people=True, of_album=a)
                for a in (False, True)
            ),
            *(
                keyboards.people_menu(replace(wish, faces=faces, only="people"), is_file=False)
                for faces in FACES
            ),
            keyboards.background_menu(wish, {"a": "b"}, is_file=False),
            keyboards.language_menu(),
            keyboards.status_menu("1", with_all=True),
            *(
                keyboards.season_menu(SeasonWish("summer2winter"), is_file=False, of_album=a)
                for a in (False, True)
            ),
        ]
    for menu in menus:
        for row in menu.inline_keyboard:
            for button in row:
                assert len(button.text) <= (30 if len(row) == 1 else 18), button.text


@pytest.mark.parametrize(
    "data", ["", "@", "menu:main@", "menu:main@zz", "abc", "a@-5", "a@1_0", "@ 7"]
)
def test_forged_buttons_have_no_owner(data: str) -> None:
    assert without_owner(data) == (data, None)
