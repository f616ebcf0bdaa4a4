"""What is remembered of a person."""

import time

import pytest

import users
from users import User, from_json, to_json
from wishes import StyleWish


def test_a_style_is_waited_for_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    user = User(7)
    assert not user.awaits_style
    user.choose(None)
    assert from_json(7, to_json(user)).awaits_style
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + users.ASKED_SECONDS + 1)
    assert not from_json(7, to_json(user)).awaits_style


def test_the_menu_ends_what_is_asked_but_not_what_is_chosen() -> None:
    user = User(7)
    user.choose(None)
    user.ask_no_longer()
    assert not user.awaits_style
    mix = StyleWish("kiss", None, second="ejiri", share=75, strokes="fine")
    user.choose(mix)
    user.ask_no_longer()
    assert from_json(7, to_json(user)).wish == mix


def test_a_background_of_their_own_stays_for_the_next_photos() -> None:
    user = User(7, own_styles={"own": "file"})
    wish = StyleWish("kiss", None, background="own", background_file_id="file")
    user.choose(wish)
    assert from_json(7, to_json(user)).wish == wish
