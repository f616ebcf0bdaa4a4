"""What is packed into buttons fits, and comes out again."""

import pytest
from aiogram.types import InlineKeyboardMarkup
from aiogram.utils.i18n import I18n
from hypothesis import given
from hypothesis import strategies as st
from pydantic import HttpUrl

import keyboards
from keyboards import Repaint, without_owner
from presets import PRESETS
from settings import ROOT, Settings
from wishes import SeasonWish, StyleWish

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
)


def data_in(menu: InlineKeyboardMarkup) -> list[str]:
    return [button.callback_data or "" for row in menu.inline_keyboard for button in row]


@given(wishes)
def test_a_wish_comes_out_of_a_button_as_it_went_in(wish: StyleWish) -> None:
    kept = {name: f"file {name}" for name in (wish.style, wish.second) if name}
    packed = Repaint.unpack(Repaint.of(wish).pack()).wish(kept)
    assert packed is not None
    assert packed.file_id == kept[wish.style]
    assert packed.second_file_id == kept.get(wish.second or "")
    assert Repaint.of(packed) == Repaint.of(wish)


@given(wishes)
def test_a_style_that_is_no_longer_kept_is_none(wish: StyleWish) -> None:
    gone = {wish.style, wish.second or wish.style} - PRESETS.keys()
    assert (Repaint.of(wish).wish({}) is None) == bool(gone)


@given(wishes)
def test_buttons_fit_into_64_bytes_with_their_owner(wish: StyleWish) -> None:
    with I18N.context(), keyboards.owned_by(LARGEST_USER_ID):
        menus = [
            *(keyboards.painting_menu(wish, is_file=False, of_album=a) for a in (False, True)),
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


@pytest.mark.parametrize("language", ["en", "ru"])
def test_words_on_half_a_row_are_short_enough_for_a_phone(language: str) -> None:
    """Telegram cuts what is longer, and does not say so."""
    wish = StyleWish("kiss", None, keep_colours=True)
    with I18N.context(), I18N.use_locale(language):
        menus = [
            keyboards.main_menu(Settings(source_url=HttpUrl("https://example.org"))),
            keyboards.photo_menu(),
            keyboards.style_menu({"a": "b"}),
            keyboards.preset_menu(),
            *(keyboards.painting_menu(wish, is_file=False, of_album=a) for a in (False, True)),
            *(
                keyboards.season_menu(SeasonWish("summer2winter"), is_file=False, of_album=a)
                for a in (False, True)
            ),
        ]
    for menu in menus:
        for row in menu.inline_keyboard:
            for button in row:
                assert len(button.text) <= (30 if len(row) == 1 else 18), button.text
