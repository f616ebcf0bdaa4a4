// The page: who talks, whose chat is open, and what the server's events change.

import { get, listen, post } from "./api.js";
import { composeFor, sendText, setReply } from "./composer.js";
import { $, make, paintAvatar, toast } from "./dom.js";
import { showMessages, summary } from "./messages.js";
import { openViewer } from "./viewer.js";
import { clockTime, language, translatePage, words } from "./words.js";

const ACTION_MS = 5000; // how long Telegram shows a chat action
const ANSWER_MS = 15000; // how long a pressed button waits for its answer
const NEAR_BOTTOM = 80; // pixels

let bot = null;
let people = [];
let open = null; // the person whose chat is open
let messages = new Map(); // of that chat, by id
let connected = false;
let unreadBelow = 0;
const unread = new Map(); // by person
const doing = new Map(); // by person, the bot's chat action and its timer
const waiting = new Map(); // by query, the pressed button

// Drawing.

function showPeople() {
  $("people-list").replaceChildren(
    ...people.map((person) => {
      const avatar = make("span", { class: "avatar", "aria-hidden": "true" });
      paintAvatar(avatar, person.first_name, person.id);
      const last = person.last_message;
      const count = unread.get(person.id) ?? 0;
      return make(
        "li",
        {},
        make(
          "button",
          { type: "button", "aria-current": person.id === open?.id ? "true" : undefined, click: () => choosePerson(person) },
          avatar,
          make("span", { class: "name" }, make("span", {}, person.first_name), make("i", {}, person.language_code || "—")),
          make("time", {}, last ? clockTime(last.date) : ""),
          make("span", { class: "last" }, last ? summary(last) : words.nothingYet),
          count ? make("span", { class: "count" }, String(count)) : null,
        ),
      );
    }),
  );
  paintAvatar($("show-people").firstElementChild, open.first_name, open.id);
}

function showHeader() {
  const name = open.bot_name || bot.first_name;
  $("bot-name").textContent = name;
  paintAvatar($("bot-avatar"), name, bot.id);
  document.title = name;
  const action = doing.get(open.id)?.action;
  $("status").textContent = connected ? (words.actions[action] ?? words.bot) : words.connecting;
  $("status").classList.toggle("active", Boolean(action) && connected);
  $("block").textContent = open.blocked ? words.unblock : words.block;
}

function showChat() {
  const started = messages.size > 0;
  showMessages([...messages.values()], { press, command: sendText, open: viewPhoto, reply: setReply, botName: () => open.bot_name || bot.first_name });
  $("about").hidden = started;
  $("description").textContent = open.description;
  $("about").classList.toggle("empty", !open.description);
  $("start").hidden = started || open.blocked;
  $("unblock").hidden = !open.blocked;
  $("composer").hidden = !started || open.blocked;
  if (open.blocked) setReply(null);
}

const viewPhoto = (message) => openViewer([...messages.values()], message);

/** Changes the chat, and stays at its end if that is where the reader is. */
function keepingPlace(change, added = 0) {
  const scroller = $("scroller");
  const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_BOTTOM;
  change();
  if (atEnd) scroller.scrollTop = scroller.scrollHeight;
  else unreadBelow += added;
  showToBottom();
}

function showToBottom() {
  const scroller = $("scroller");
  const away = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
  if (away < NEAR_BOTTOM) unreadBelow = 0;
  $("to-bottom").hidden = away < NEAR_BOTTOM;
  $("to-bottom").querySelector(".count").textContent = unreadBelow || "";
}

// People.

async function choosePerson(person) {
  history.replaceState(null, "", `#${person.id}`);
  $("people").classList.remove("open");
  $("people-shade").hidden = true;
  await openChat(person);
  if (matchMedia("(pointer: fine)").matches) $("text").focus();
}

async function openChat(person) {
  const loaded = (await get(`people/${person.id}/messages`)).messages;
  open = person;
  unread.delete(person.id);
  messages = new Map(loaded.map((message) => [message.message_id, message]));
  $("log").setAttribute("aria-busy", "true"); // a history is not news to be read aloud
  composeFor(person);
  showHeader();
  showPeople();
  showChat();
  $("scroller").scrollTop = $("scroller").scrollHeight;
  unreadBelow = 0;
  showToBottom();
  setTimeout(() => $("log").removeAttribute("aria-busy"), 200);
}

/** Reads everything anew: at the start, and after the connection was lost. */
async function reload() {
  let state = await get("state");
  if (state.people.length === 0) {
    const someone = { first_name: language === "ru" ? "Саша" : "Alex", language_code: language };
    await post("people", someone);
    state = await get("state");
  }
  ({ bot, people } = state);
  const wanted = Number(location.hash.slice(1)) || open?.id;
  const person = people.find((p) => p.id === wanted) ?? people[0];
  if (person.id !== open?.id || messages.size === 0) await openChat(person);
  else await refreshChat(person);
}

async function refreshChat(person) {
  const loaded = (await get(`people/${person.id}/messages`)).messages;
  keepingPlace(() => {
    open = person;
    messages = new Map(loaded.map((message) => [message.message_id, message]));
    composeFor(person);
    showHeader();
    showPeople();
    showChat();
  });
}

async function reloadPeople() {
  ({ bot, people } = await get("state"));
  open = people.find((p) => p.id === open.id) ?? open;
  composeFor(open);
  showHeader();
  showPeople();
  keepingPlace(showChat);
}

// Events.

const events = {
  hello: async () => {
    connected = true;
    await reload();
  },
  people: reloadPeople,
  profile: reloadPeople,
  messages: ({ chat_id, messages: added }) => {
    const person = people.find((p) => p.id === chat_id);
    if (!person) return;
    person.last_message = added.at(-1);
    if (added[0].from.is_bot) stopAction(chat_id);
    if (chat_id === open.id) {
      const own = !added[0].from.is_bot;
      keepingPlace(() => {
        for (const message of added) messages.set(message.message_id, message);
        showChat();
      }, added.length);
      if (own) $("scroller").scrollTop = $("scroller").scrollHeight;
    } else if (added[0].from.is_bot) {
      unread.set(chat_id, (unread.get(chat_id) ?? 0) + added.length);
    }
    showPeople();
  },
  edited: ({ chat_id, message }) => {
    if (chat_id !== open.id || !messages.has(message.message_id)) return;
    keepingPlace(() => {
      messages.set(message.message_id, message);
      showChat();
    });
  },
  deleted: ({ chat_id, message_ids }) => {
    if (chat_id !== open.id) return;
    keepingPlace(() => {
      for (const id of message_ids) messages.delete(id);
      showChat();
    });
  },
  action: ({ chat_id, action }) => {
    stopAction(chat_id);
    doing.set(chat_id, { action, timer: setTimeout(() => stopAction(chat_id), ACTION_MS) });
    showHeader();
  },
  callback_answer: ({ chat_id, query_id, text, show_alert }) => {
    release(query_id);
    if (chat_id !== open.id || !text) return;
    if (!show_alert) return toast(text);
    $("alert-text").textContent = text;
    if (!$("alert").open) $("alert").showModal();
  },
};

function stopAction(chatId) {
  clearTimeout(doing.get(chatId)?.timer);
  doing.delete(chatId);
  showHeader();
}

// One event is handled after the other, for some of them wait for the server.
let queue = Promise.resolve();
listen((event) => {
  if (event === null) {
    connected = false;
    if (open) showHeader();
    return;
  }
  queue = queue.then(() => events[event.type]?.(event)).catch((error) => toast(error.message));
});

// Buttons under messages.

async function press(message, button, element) {
  if (button.copy_text) {
    await navigator.clipboard.writeText(button.copy_text.text);
    return toast(words.copied);
  }
  if (!button.callback_data || element.ariaBusy === "true") return;
  element.ariaBusy = "true";
  try {
    const body = { message_id: message.message_id, data: button.callback_data };
    const { query_id } = await post(`people/${open.id}/press`, body);
    if (answeredEarly.delete(query_id)) element.ariaBusy = null;
    else waiting.set(query_id, element);
    setTimeout(() => waiting.has(query_id) && release(query_id), ANSWER_MS);
  } catch (error) {
    element.ariaBusy = null;
    toast(error.message);
  }
}

const answeredEarly = new Set(); // queries whose answer came before the press was confirmed

function release(queryId) {
  if (waiting.has(queryId)) waiting.get(queryId).ariaBusy = null;
  else answeredEarly.add(queryId);
  waiting.delete(queryId);
}

// The rest of the page.

$("start").addEventListener("click", () => {
  const payload = new URLSearchParams(location.search).get("start"); // a deep link, as t.me/bot?start=
  sendText(payload ? `/start ${payload}` : "/start");
});
const setBlocked = (blocked) => post(`people/${open.id}/block`, { blocked }).catch((error) => toast(error.message));
$("unblock").addEventListener("click", () => setBlocked(false));
$("block").addEventListener("click", () => {
  $("more-menu").hidePopover();
  setBlocked(!open.blocked);
});
$("to-bottom").addEventListener("click", () => $("scroller").scrollTo({ top: $("scroller").scrollHeight, behavior: "smooth" }));
$("scroller").addEventListener("scroll", showToBottom, { passive: true });
new ResizeObserver(() => keepingPlaceOnResize()).observe($("scroller"));

let height = 0;
function keepingPlaceOnResize() {
  const scroller = $("scroller");
  const wasAtEnd = scroller.scrollHeight - scroller.scrollTop - height < NEAR_BOTTOM;
  height = scroller.clientHeight;
  if (wasAtEnd) scroller.scrollTop = scroller.scrollHeight;
  showToBottom();
}

function togglePeople(shown) {
  $("people").classList.toggle("open", shown);
  $("people-shade").hidden = !shown;
  (shown ? $("people-list").querySelector("button") : $("show-people")).focus();
}
$("show-people").addEventListener("click", () => togglePeople(true));
$("close-people").addEventListener("click", () => togglePeople(false));
$("people-shade").addEventListener("click", () => togglePeople(false));
$("people").addEventListener("keydown", (event) => {
  if (event.key === "Escape" && $("people").classList.contains("open")) togglePeople(false);
});

$("add-person").addEventListener("click", () => {
  $("new-person").returnValue = "";
  $("person-name").value = "";
  $("person-language").value = language;
  $("new-person").showModal();
});
$("new-person").addEventListener("close", async () => {
  if ($("new-person").returnValue !== "add" || !$("person-name").value.trim()) return;
  try {
    const made = await post("people", { first_name: $("person-name").value, language_code: $("person-language").value });
    await reloadPeople();
    await choosePerson(people.find((person) => person.id === made.id));
  } catch (error) {
    toast(error.message);
  }
});

for (const button of document.querySelectorAll("dialog .close")) {
  button.addEventListener("click", () => button.closest("dialog").close(""));
}
window.addEventListener("hashchange", () => reload().catch((error) => toast(error.message)));
translatePage();
