// The page: who talks, which chat is open, and what the server's events change.

import { fileUrl, get, listen, post } from "./api.js";
import { composeFor, sendText, setEditing, setReply, startWriting } from "./composer.js";
import { askForGroup, askForPerson, askWhereTo } from "./dialogs.js";
import { $, icon, make, paintAvatar, toast } from "./dom.js";
import { showOffer } from "./inline.js";
import { filterCalls, setUpInspector } from "./inspector.js";
import { clearMessages, showMessages, summary } from "./messages.js";
import { openViewer } from "./viewer.js";
import { LANGUAGES, clockTime, language, translatePage, words } from "./words.js";

const ACTION_MS = 5000; // how long Telegram shows a chat action
const ANSWER_MS = 15000; // how long a pressed button waits for its answer
const NEAR_BOTTOM = 80; // pixels

let bot = null;
let people = [];
let groups = [];
let open = null; // the chat: a person, whose private chat with the bot it is, or a group
let me = null; // who writes there
let messages = new Map(); // of that chat, by id
let connected = false;
let unreadBelow = 0;
const unread = new Map(); // by chat
const doing = new Map(); // by chat, the bot's chat action and its timer
const waiting = new Map(); // by query, the pressed button

const isGroup = (chat) => "members" in chat;
const titleOf = (chat) => (isGroup(chat) ? chat.title : chat.first_name);
const chats = () => [...people, ...groups];
const path = (action) => `people/${me.id}/${action}?chat=${open.id}`;
const botName = () => me.bot_name || bot.first_name;
const nameOf = (user) => (user.id === bot.id ? botName() : (people.find((p) => p.id === user.id) ?? user).first_name);
const photoOf = (chat) => (chat.photo ? fileUrl(chat.photo) : null);

// Drawing.

/** A chat in a list, as a button. */
function chatItem(chat, choose) {
  const avatar = make("span", { class: "avatar", "aria-hidden": "true" });
  paintAvatar(avatar, titleOf(chat), chat.id, photoOf(chat));
  const last = chat.last_message;
  const count = unread.get(chat.id) ?? 0;
  const badge = isGroup(chat) ? null : make("i", {}, chat.language_code || "—");
  return make(
    "li",
    {},
    make(
      "button",
      { type: "button", "data-chat": chat.id, "aria-current": chat.id === open?.id ? "true" : undefined, click: () => choose(chat) },
      avatar,
      make("span", { class: "name" }, make("span", {}, titleOf(chat)), badge),
      make("time", {}, last ? clockTime(last.date) : ""),
      make("span", { class: "last" }, last ? summary(last) : words.nothingYet),
      count ? make("span", { class: "count" }, String(count)) : null,
    ),
  );
}

function showChats() {
  const focused = document.activeElement.dataset.chat;
  $("people-list").replaceChildren(...people.map((person) => chatItem(person, chooseChat)));
  $("groups-list").replaceChildren(...groups.map((group) => chatItem(group, chooseChat)));
  if (focused) document.querySelector(`#people [data-chat="${focused}"]`)?.focus();
  paintAvatar($("show-people").firstElementChild, me.first_name, me.id, photoOf(me));
}

function showHeader() {
  const group = isGroup(open);
  const name = group ? open.title : botName();
  $("bot-name").textContent = name;
  paintAvatar($("bot-avatar"), name, group ? open.id : bot.id);
  document.title = name;
  const action = doing.get(open.id)?.action;
  const members = group ? [...open.members.map((id) => nameOf({ id })), botName()].join(", ") : words.bot;
  $("status").textContent = connected ? (words.actions[action] ?? members) : words.connecting;
  $("status").classList.toggle("active", Boolean(action) && connected);
  const [put, back] = group ? [words.blockInGroup, words.unblockInGroup] : [words.block, words.unblock];
  $("block").textContent = open.blocked ? back : put;
  $("unblock").textContent = back;
}

const actions = {
  press,
  command: sendText,
  open: (message) => openViewer([...messages.values()], message),
  reply: setReply,
  menu: showMessageMenu,
  isOwn: (message) => message.from.id === me.id,
  nameOf,
  inGroup: () => isGroup(open),
};

function showChat() {
  const started = messages.size > 0;
  showMessages([...messages.values()], actions);
  $("about").hidden = started;
  $("description").textContent = me.description;
  $("about").classList.toggle("empty", !me.description);
  $("start").hidden = started || open.blocked;
  $("unblock").hidden = !open.blocked;
  $("composer").hidden = !started || open.blocked;
  $("sender").hidden = !isGroup(open) || open.blocked;
  if (open.blocked) setReply(null);
}

function showComposer() {
  composeFor({
    id: open.id,
    path,
    commands: open.commands,
    botName: bot.username,
    inGroup: isGroup(open),
    lastOwn: () => [...messages.values()].findLast((m) => mayEdit(m)),
    startBot: async (parameter) => {
      await openChat(me, me);
      sendText(`/start ${parameter}`);
    },
  });
  if (!isGroup(open)) return;
  const member = (id) => make("option", { value: id, selected: id === me.id }, nameOf({ id }));
  $("sender").querySelector("select").replaceChildren(...open.members.map(member));
}

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

// Messages' own menu.

const mayEdit = (m) => m.from.id === me.id && !m.forward_origin && !m.via_bot && ("text" in m || "photo" in m || "document" in m || "video" in m);

function showMessageMenu(message, button) {
  const text = message.text ?? message.caption;
  const item = (name, iconName, act) =>
    make("button", { type: "button", role: "menuitem", click: () => ($("message-menu").hidePopover(), act()) }, icon(iconName), words[name]);
  const items = [item("reply", "reply", () => setReply(message))];
  if (mayEdit(message)) items.push(item("edit", "edit", () => setEditing(message)));
  items.push(item("forward", "forward", () => forward(message)));
  if (text) items.push(item("copyText", "copy", () => navigator.clipboard.writeText(text).then(() => toast(words.copied))));
  const menu = $("message-menu");
  menu.replaceChildren(...items);
  menu.showPopover();
  const place = button.getBoundingClientRect();
  menu.style.left = `${Math.min(Math.max(place.left - menu.offsetWidth / 2, 8), innerWidth - menu.offsetWidth - 8)}px`;
  menu.style.top = `${place.top > innerHeight / 2 ? place.top - menu.offsetHeight : place.bottom}px`;
  items[0].focus();
}

async function forward(message) {
  const from = open.id;
  const mine = [me, ...groups.filter((group) => group.members.includes(me.id))];
  const target = await askWhereTo(mine, chatItem);
  if (!target) return;
  await openChat(target, me);
  await post(path("forward"), { from, message_id: message.message_id }).catch((error) => toast(error.message));
}

// Arrows move in an open menu, Escape and Tab leave it.
document.addEventListener("keydown", (event) => {
  const menu = document.querySelector(".menu:popover-open");
  if (!menu) return;
  const items = [...menu.querySelectorAll("[role^=menuitem]")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    const current = items.indexOf(document.activeElement);
    items[(current + step + items.length) % items.length].focus();
  }
  if (event.key === "Tab") menu.hidePopover();
});
for (const menu of document.querySelectorAll(".menu[id]")) {
  menu.addEventListener("toggle", (event) => event.newState === "open" && (menu.querySelector("[aria-checked=true]") ?? menu.querySelector("[role^=menuitem]"))?.focus());
}

// Chats.

async function chooseChat(chat) {
  $("people").classList.remove("open");
  $("people-shade").hidden = true;
  await openChat(chat);
  if (matchMedia("(pointer: fine)").matches) $("text").focus();
}

/** Opens a chat; in a group, `writer` writes, or who did before, or its first member. */
async function openChat(chat, writer = null) {
  const member = () => people.find((p) => p.id === (chat.members.includes(me?.id) ? me.id : chat.members[0]));
  const person = writer ?? (isGroup(chat) ? member() : chat);
  const loaded = (await get(`people/${person.id}/messages?chat=${chat.id}`)).messages;
  [open, me] = [chat, person];
  history.replaceState(null, "", isGroup(open) ? `#${open.id}/${me.id}` : `#${open.id}`);
  unread.delete(open.id);
  messages = new Map(loaded.map((message) => [message.message_id, message]));
  $("live").setAttribute("aria-busy", "true"); // a history is not news to be read aloud
  clearMessages();
  showComposer();
  showHeader();
  showChats();
  showChat();
  filterCalls();
  $("scroller").scrollTop = $("scroller").scrollHeight;
  unreadBelow = 0;
  showToBottom();
  setTimeout(() => $("live").removeAttribute("aria-busy"), 200);
}

/** Reads everything anew: at the start, and after the connection was lost. */
async function reload() {
  let state = await get("state");
  if (state.people.length === 0) {
    const someone = { first_name: words.someone, language_code: language };
    await post("people", someone);
    state = await get("state");
  }
  ({ bot, people, groups } = state);
  const [chatId, personId] = location.hash.slice(1).split("/").map(Number);
  const chat = chats().find((c) => c.id === (chatId || open?.id)) ?? people[0];
  const writer = isGroup(chat) ? people.find((p) => p.id === personId && chat.members.includes(p.id)) : null;
  if (chat.id !== open?.id || messages.size === 0) await openChat(chat, writer);
  else await refreshChat(chat);
}

async function refreshChat(chat) {
  me = people.find((p) => p.id === me.id) ?? people[0];
  const loaded = (await get(`people/${me.id}/messages?chat=${chat.id}`)).messages;
  keepingPlace(() => {
    open = chat;
    messages = new Map(loaded.map((message) => [message.message_id, message]));
    showComposer();
    showHeader();
    showChats();
    showChat();
  });
}

async function reloadPeople() {
  ({ bot, people, groups } = await get("state"));
  me = people.find((p) => p.id === me.id) ?? me;
  open = chats().find((c) => c.id === open.id) ?? open;
  showComposer();
  showHeader();
  showChats();
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
    const chat = chats().find((c) => c.id === chat_id);
    if (!chat) return;
    chat.last_message = added.at(-1);
    if (added[0].from.is_bot) stopAction(chat_id);
    if (chat_id === open.id) {
      const own = added[0].from.id === me.id;
      keepingPlace(() => {
        for (const message of added) messages.set(message.message_id, message);
        showChat();
      }, added.length);
      if (own) $("scroller").scrollTop = $("scroller").scrollHeight;
    } else if (added[0].from.is_bot) {
      unread.set(chat_id, (unread.get(chat_id) ?? 0) + added.length);
    }
    showChats();
  },
  edited: ({ chat_id, message }) => {
    if (message.from.is_bot && (message.photo || message.document || message.video || message.animation)) stopAction(chat_id);
    const chat = chats().find((c) => c.id === chat_id);
    if (chat?.last_message?.message_id === message.message_id) {
      chat.last_message = message;
      showChats();
    }
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
    open.last_message = [...messages.values()].at(-1);
    showChats();
  },
  action: ({ chat_id, action }) => {
    stopAction(chat_id);
    doing.set(chat_id, { action, timer: setTimeout(() => stopAction(chat_id), ACTION_MS) });
    showHeader();
  },
  inline_answer: (offer) => offer.person_id === me.id && showOffer(offer),
  callback_answer: ({ chat_id, person_id, query_id, text, show_alert }) => {
    release(query_id);
    if (chat_id !== open.id || person_id !== me.id || !text) return;
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
  const query = button.switch_inline_query_current_chat ?? button.switch_inline_query;
  if (query !== undefined) return startWriting(`@${bot.username} ${query}`);
  if (!button.callback_data || element.ariaBusy === "true") return;
  element.ariaBusy = "true";
  try {
    const body = { message_id: message.message_id, data: button.callback_data };
    const { query_id } = await post(path("press"), body);
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
const setBlocked = (blocked) => post(path("block"), { blocked }).catch((error) => toast(error.message));
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

// Who there is, and how they see the page.

async function addedChat(made, findIn) {
  if (!made) return;
  await reloadPeople();
  await chooseChat(findIn().find((chat) => chat.id === made.id));
}
const complaining = (act) => () => act().catch((error) => toast(error.message));
$("add-person").addEventListener("click", complaining(async () => addedChat(await askForPerson(), () => people)));
$("add-group").addEventListener("click", complaining(async () => addedChat(await askForGroup(people), () => groups)));
$("edit-person").addEventListener("click", complaining(async () => {
  $("more-menu").hidePopover();
  await askForPerson(me);
}));
$("sender").querySelector("select").addEventListener("change", complaining(async () => {
  await openChat(open, people.find((p) => p.id === Number($("sender").querySelector("select").value)));
  $("text").focus();
}));

$("switch-language").textContent = `🌐 ${words.switchLanguage}`;
$("switch-language").addEventListener("click", () => {
  $("more-menu").hidePopover();
  $("language-menu").showPopover();
});
/** Of the page, and of the Telegram of who talks. */
async function switchLanguage(chosen) {
  localStorage.language = chosen;
  await post(`people/${me.id}`, { language_code: chosen });
  location.reload();
}
$("language-menu").replaceChildren(
  ...Object.entries(LANGUAGES).map(([tag, name]) =>
    make(
      "button",
      { type: "button", role: "menuitemradio", "aria-checked": String(tag === language), lang: tag, click: complaining(() => switchLanguage(tag)) },
      name,
    ),
  ),
);

function showTheme() {
  const dark = localStorage.theme ? localStorage.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.style.colorScheme = localStorage.theme ?? "";
  $("switch-theme").textContent = dark ? words.light : words.dark;
  $("switch-theme").value = dark ? "light" : "dark";
}
$("switch-theme").addEventListener("click", () => {
  localStorage.theme = $("switch-theme").value;
  showTheme();
  $("more-menu").hidePopover();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);

for (const button of document.querySelectorAll("dialog .close")) {
  button.addEventListener("click", () => button.closest("dialog").close(""));
}
window.addEventListener("hashchange", () => reload().catch((error) => toast(error.message)));
translatePage();
showTheme();
setUpInspector(() => open?.id);
