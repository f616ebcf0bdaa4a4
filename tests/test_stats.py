"""/stats, with the real bot."""

import json
import re

import pytest

from local_chat.client import join
from settings import ROOT
from tests.conftest import PHOTOS, bot_in_chat, start_chat
from tests.test_conversation import next_result

SUMMER = (PHOTOS / "summer_rice_fields.jpg").read_bytes()


@pytest.mark.asyncio
async def test_stats_are_told_to_admins_alone() -> None:
    chat = await start_chat()
    async with (
        join(chat.url, "Ann", "en") as ann,
        join(chat.url, "Bob", "en") as bob,
        bot_in_chat(chat, ADMINS=f"5,{ann.id}"),
    ):
        await ann.say("/stats")
        assert "Nothing was done" in (await ann.next_message()).text
        await bob.send_photo(SUMMER, caption="winter")
        await next_result(bob)
        await bob.say("/stats")
        assert "I work with photos" in (await bob.next_message()).text
        await bob.send_document(b"no picture", "a.jpg", caption="winter")
        await bob.wait_for(lambda m: "not a picture" in m.text, 20)
        await ann.say("/stats")
        told = (await ann.next_message()).text
    assert "People: 1, mean wait: 5 s" in told
    assert "season done: 1" in told
    assert "season bad_image: 1" in told
    assert "Bob" not in told
    assert str(bob.id) not in told
    await chat.close()


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    dashboard = (ROOT / "deploy" / "grafana" / "paintbox.json").read_text()
    queries = [
        target["expr"] for panel in json.loads(dashboard)["panels"] for target in panel["targets"]
    ]
    names = {name for query in queries for name in re.findall(r"paintbox_\w+", query)}
    asked = {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}
    labels_of = {
        name: set(re.findall(r'"(\w+)"', labels))
        for name, labels in re.findall(
            r'"(paintbox_\w+)",\s*"[^"]*"(?:,\s*\[([^\]]*)\])?', (ROOT / "metrics.py").read_text()
        )
    }
    assert asked == labels_of.keys()
    for query in queries:
        grouped = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", query)))) - {"le"}
        [name] = re.findall(r"paintbox_\w+", query)
        assert grouped <= labels_of[re.sub(r"_bucket$", "", name)], query
