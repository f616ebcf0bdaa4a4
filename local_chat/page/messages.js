// The log: messages as bubbles, albums as one bubble, updated in place when something changes.

import { fileUrl } from "./api.js";
import { $, icon, make } from "./dom.js";
import { richText } from "./rich_text.js";
import { clockTime, dayName, fileSize, minutes, words } from "./words.js";

const ALBUM_ROWS = { 1: [1], 2: [2], 3: [1, 2], 4: [2, 2], 5: [2, 3], 6: [3, 3], 7: [2, 2, 3], 8: [2, 3, 3], 9: [3, 3, 3], 10: [2, 3, 2, 3] };
const GROUP_SECONDS = 600; // messages of one sender that follow within this time stand together

let shown = new Map(); // first message's id -> { messages, node }

/** Empties the log, for another chat or another reader. */
export function clearMessages() {
  shown = new Map();
  $("log").replaceChildren();
}

/**
 * Makes the log show these messages, and touches only what changed.
 * `actions`: press(message, button), command(text), open(message), menu(message, button),
 * isOwn(message), nameOf(user), inGroup().
 */
export function showMessages(messages, actions) {
  const log = $("log");
  const next = new Map();
  let day = "";
  let before = null;
  const nodes = [];
  for (const group of albums(messages)) {
    const first = group[0];
    if (dayName(first.date) !== day) {
      day = dayName(first.date);
      nodes.push(dayNode(day));
      before = null;
    }
    const kept = shown.get(first.message_id);
    const same = kept && kept.messages.length === group.length && kept.messages.every((m, i) => m === group[i]);
    const node = same ? kept.node : bubbleItem(group, actions);
    if (kept && !same) {
      // A bar that moves is no news to be read aloud; a text that became a picture is.
      node.ariaLive = kindOf(first) === kindOf(kept.messages[0]) ? "off" : null;
      replaceSoftly(kept.node, node);
    }
    const service = "new_chat_members" in first;
    const joins = !service && before && before.from.id === first.from.id && first.date - before.date < GROUP_SECONDS;
    node.classList.toggle("joins", Boolean(joins));
    if (joins) nodes.at(-1).classList.remove("last");
    node.classList.add("last");
    nodes.push(node);
    next.set(first.message_id, { messages: group, node });
    before = service ? null : group.at(-1);
  }
  shown = next;
  nodes.forEach((node, i) => {
    if (log.children[i] !== node) log.insertBefore(node, log.children[i] ?? null);
  });
  while (log.children.length > nodes.length) log.lastChild.remove();
}

export function scrollToMessage(id) {
  const node = document.querySelector(`[data-message="${Number(id)}"]`);
  node?.scrollIntoView({ block: "center", behavior: "smooth" });
  node?.classList.add("found");
  setTimeout(() => node?.classList.remove("found"), 1500);
}

/** A line that stands for a message, in lists and quotes. */
export function summary(message) {
  if (message.new_chat_members) return addedText(message);
  const kind = kindOf(message);
  const text = message.text ?? message.caption;
  return text ?? (kind === "document" ? message.document.file_name : undefined) ?? words.kinds[kind] ?? "";
}

const kindOf = (message) => Object.keys(words.kinds).find((name) => name in message);

const addedText = ({ from, new_chat_members: [bot] }) => words.addedBot(from.first_name, bot.first_name);

function albums(messages) {
  const groups = [];
  for (const message of messages) {
    const album = message.media_group_id;
    if (album && groups.at(-1)?.[0].media_group_id === album) groups.at(-1).push(message);
    else groups.push([message]);
  }
  return groups;
}

const dayNodes = new Map();

function dayNode(day) {
  if (!dayNodes.has(day)) dayNodes.set(day, make("li", { class: "day" }, make("span", {}, day)));
  return dayNodes.get(day);
}

/** A clip goes on playing where only what stands under it has changed. */
function keepClips(old, node) {
  const video = node.querySelector("video");
  const before = old.querySelector("video");
  if (video && before?.src === video.src) video.replaceWith(before);
}

/** Takes over the focus of the old node, and its pictures until the new ones are decoded. */
function replaceSoftly(old, node) {
  const focused = old.contains(document.activeElement) ? document.activeElement.textContent : null;
  keepClips(old, node);
  const pictures = [...node.querySelectorAll("img")];
  const before = [...old.querySelectorAll("img")];
  pictures.forEach((picture, i) => {
    if (!before[i] || before[i].src === picture.src) return;
    const cover = before[i].cloneNode();
    cover.classList.add("cover");
    picture.parentElement.append(cover);
    picture.decode().catch(() => {}).finally(() => cover.remove());
  });
  old.replaceWith(node);
  if (focused === null) return;
  const buttons = [...node.querySelectorAll(".keyboard button, .keyboard a")];
  (buttons.find((button) => button.textContent === focused) ?? buttons[0])?.focus({ preventScroll: true });
}

function bubbleItem(group, actions) {
  const [message] = group;
  const attributes = { "data-message": message.message_id };
  if (message.new_chat_members) return make("li", { class: "day", ...attributes }, make("span", {}, addedText(message)));
  const own = actions.isOwn(message);
  const described = group.filter((m) => m.caption);
  const caption = described.length === 1 ? described[0] : null; // as Telegram: several show in the viewer
  const text = message.text === undefined ? caption : message;
  const words_ = text ? textNode(text, actions) : null;
  const media = mediaNode(group, actions);
  const time = timeNode(group, own);
  const bubble = make("div", { class: "bubble", dblclick: () => actions.reply(message) });
  bubble.append(make("span", { class: "unseen" }, `${own ? words.you : actions.nameOf(message.from)}: `));
  if (actions.inGroup() && !own) bubble.append(make("b", { class: "sender", "aria-hidden": "true", "data-colour": message.from.id % 6 }, actions.nameOf(message.from)));
  if (message.forward_origin) bubble.append(make("p", { class: "forwarded" }, `${words.forwarded} ${originName(message.forward_origin, actions)}`));
  if (message.via_bot) bubble.append(make("p", { class: "forwarded" }, `${words.via} @${message.via_bot.username}`));
  if (message.reply_to_message) bubble.append(quoteNode(message.reply_to_message, actions));
  const above = message.show_caption_above_media;
  bubble.append(...[above ? words_ : null, media, above ? null : words_].filter(Boolean));
  (words_ ?? (media?.matches(".other") ? media : bubble)).append(time);
  bubble.classList.toggle("bare", !words_);
  bubble.classList.toggle("pictured", Boolean(media?.matches(".pictures, .sticker")));
  bubble.classList.toggle("sticky", Boolean(media?.matches(".sticker")));
  if (text?.text && /^(\p{Extended_Pictographic}\uFE0F?\u200D?){1,3}$/u.test(text.text)) bubble.classList.add("emoji");
  if (media?.matches(".pictures")) bubble.style.setProperty("--width", `${media.dataset.width}px`);
  const menu = make("button", { type: "button", class: "more round", "aria-label": words.menu, "aria-haspopup": "menu", title: words.menu, click: (event) => actions.menu(message, event.currentTarget) }, icon("more"));
  const body = make("div", { class: "body" }, make("div", { class: "line" }, bubble, menu));
  const keyboard = keyboardNode(message, actions);
  if (keyboard) body.append(keyboard);
  return make("li", { class: own ? "message out" : "message in", ...attributes }, body);
}

function originName(origin, actions) {
  return origin.sender_user_name ?? actions.nameOf(origin.sender_user);
}

function textNode(message, actions) {
  const entities = message.text === undefined ? message.caption_entities : message.entities;
  return make("div", { class: "text", dir: "auto" }, ...richText(message.text ?? message.caption, entities, actions.command));
}

function timeNode(group, own) {
  const last = group.at(-1);
  // As in Telegram's apps, what has buttons is not marked: bots edit it all the time.
  const edited = group.some((m) => m.edit_date && !m.reply_markup) ? `${words.edited} ` : "";
  const when = make("time", { datetime: new Date(last.date * 1000).toISOString() }, clockTime(last.date));
  return make("span", { class: "meta" }, edited, when, own ? icon("sent") : null);
}

function quoteNode(message, actions) {
  const name = actions.nameOf(message.from);
  const open = () => scrollToMessage(message.message_id);
  const small = message.photo?.[0] ?? clipIn(message)?.thumbnail;
  return make(
    "button",
    { type: "button", class: "quote", click: open },
    small ? make("img", { src: fileUrl(small.file_id), alt: "" }) : null,
    make("span", {}, make("b", {}, name), make("span", {}, summary(message))),
  );
}

function mediaNode(group, actions) {
  const [message] = group;
  if (message.photo) return picturesNode(group, actions);
  if (message.sticker) return stickerNode(message.sticker);
  if (clipIn(message)) return clipNode(message);
  if (message.voice) return voiceNode(message.voice);
  if (message.document) return make("div", { class: "files" }, ...group.map(fileNode));
  const kind = kindOf(message);
  return kind ? make("p", { class: "other" }, otherText(kind, message[kind])) : null;
}

function picturesNode(group, actions) {
  const rows = ALBUM_ROWS[group.length] ?? [group.length];
  const node = make("div", { class: "pictures" });
  let index = 0;
  for (const count of rows) {
    const row = make("div", { class: "pictures-row" });
    let ratios = 0;
    for (const message of group.slice(index, index + count)) {
      const size = message.photo.find((s) => Math.max(s.width, s.height) >= 640) ?? message.photo.at(-1);
      const ratio = Math.min(Math.max(size.width / size.height, 0.5), 2.4);
      const image = make("img", { src: fileUrl(size.file_id), alt: message.caption ?? words.kinds.photo });
      const button = make("button", { type: "button", class: "picture", click: () => actions.open(message) }, image);
      if (message.caption) button.title = message.caption;
      button.style.flexGrow = 100 * ratio; // a sum below 1 would leave a gap
      ratios += ratio;
      row.append(button);
    }
    row.style.aspectRatio = ratios;
    index += count;
    node.append(row);
  }
  node.dataset.width = Math.round(group.length > 1 ? 420 : pictureWidth(group[0].photo.at(-1)));
  return node;
}

/** A lone picture fills at most 420 x 420 pixels and is not blown up, except the tiny. */
function pictureWidth({ width, height }) {
  const ratio = Math.min(Math.max(width / height, 0.5), 2.4);
  return Math.max(Math.min(width, 420, 420 * ratio), 120);
}

const clipIn = (message) => message.animation ?? message.video ?? message.video_note;

/** An animation plays by itself, unless one's system wants to see less motion; a video waits. */
function clipNode(message) {
  const kind = kindOf(message);
  const clip = message[kind];
  const width = clip.width ?? clip.length;
  const height = clip.height ?? clip.length;
  const node = make("div", { class: "pictures" });
  const attributes = { class: "clip", src: fileUrl(clip.file_id), width, height };
  let shown;
  if (clip.mime_type === "image/gif") {
    shown = make("img", { ...attributes, alt: message.caption ?? words.kinds[kind] });
  } else {
    const playing = kind === "animation" && !matchMedia("(prefers-reduced-motion: reduce)").matches;
    const poster = clip.thumbnail ? fileUrl(clip.thumbnail.file_id) : undefined;
    const label = message.caption ?? words.kinds[kind];
    shown = make("video", { ...attributes, poster, preload: "metadata", playsinline: true, loop: kind === "animation", autoplay: playing, controls: !playing, "aria-label": label });
    shown.muted = kind === "animation"; // as an attribute it does not count on new elements
  }
  if (kind === "video_note") shown.classList.add("round");
  shown.addEventListener("error", () => node.replaceWith(make("p", { class: "other" }, otherText(kind, clip))));
  node.append(shown);
  node.dataset.width = Math.round(pictureWidth({ width, height }));
  return node;
}

function voiceNode(voice) {
  const node = make("div", { class: "voice" });
  const sound = make("audio", { src: fileUrl(voice.file_id), controls: true, preload: "metadata", "aria-label": words.kinds.voice });
  sound.addEventListener("error", () => sound.replaceWith(make("p", { class: "other" }, otherText("voice", voice))));
  node.append(sound);
  return node;
}

function stickerNode(sticker) {
  const image = make("img", { src: fileUrl(sticker.file_id), alt: sticker.emoji ?? words.kinds.sticker });
  const node = make("div", { class: "sticker" }, image);
  image.addEventListener("error", () => node.replaceChildren(sticker.emoji ?? words.kinds.sticker));
  return node;
}

function fileNode({ document: file }) {
  const url = `${fileUrl(file.file_id)}?download`;
  const cover = file.thumbnail
    ? make("img", { src: fileUrl(file.thumbnail.file_id), alt: "" })
    : make("span", { class: "file-icon" }, icon("file"));
  const name = make("b", {}, file.file_name ?? words.kinds.document);
  const label = `${words.download}: ${file.file_name ?? words.kinds.document}`;
  return make(
    "a",
    { class: "file", href: url, download: file.file_name ?? "file", "aria-label": label },
    make("span", { class: "file-cover" }, cover, make("span", { class: "file-arrow" }, icon("download"))),
    make("span", { class: "file-words" }, name, make("span", {}, fileSize(file.file_size ?? 0))),
  );
}

function otherText(kind, content) {
  const details = {
    contact: () => `${content.first_name}, ${content.phone_number}`,
    dice: () => `${content.emoji} ${content.value}`,
    location: () => `${content.latitude}, ${content.longitude}`,
  }[kind];
  if (details) return `${words.kinds[kind]}: ${details()}`;
  return `${words.kinds[kind]} ${minutes(content.duration ?? 0)}`;
}

function keyboardNode(message, actions) {
  const rows = message.reply_markup?.inline_keyboard;
  if (!rows?.length) return null;
  const button = (b) => {
    if (b.url) return make("a", { href: b.url, target: "_blank", rel: "noopener noreferrer" }, b.text, icon("link"));
    return make("button", { type: "button", click: (event) => actions.press(message, b, event.currentTarget) }, b.text);
  };
  return make("div", { class: "keyboard" }, ...rows.map((row) => make("div", { class: "keyboard-row" }, ...row.map(button))));
}

/** All pictures of these messages, for the viewer. */
export function pictures(messages) {
  return messages.filter((m) => m.photo).map((message) => ({ message, size: message.photo.at(-1) }));
}

