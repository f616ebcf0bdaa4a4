// Where a person writes: text, commands, replies, and files chosen, pasted or dropped.

import { post, upload } from "./api.js";
import { $, icon, make, toast } from "./dom.js";
import { askBot, wasAsked } from "./inline.js";
import { summary } from "./messages.js";
import { showSuggestions, useKey } from "./suggestions.js";
import { sendVoice } from "./voice.js";
import { fileSize, words } from "./words.js";

let chat = null; // what is open: `person` writes in it, `path` leads there
let replyTo = null;
let editing = null;
let files = [];
const drafts = new Map(); // by chat, what was not sent yet

/** The chat that is written to from now on: { id, path, commands, botName, inGroup, lastOwn }. */
export function composeFor(opened) {
  if (chat?.id !== opened.id) {
    if (chat) drafts.set(chat.id, $("text").value);
    $("text").value = drafts.get(opened.id) ?? "";
    replyTo = editing = null;
    showContext();
    showSuggestions([]);
  }
  chat = opened;
  $("show-commands").hidden = chat.commands.length === 0;
  fitText();
}

export async function sendText(text) {
  if (!text.trim()) return;
  const body = editing ? { message_id: editing.message_id, text } : { text, reply_to: replyTo?.message_id };
  const path = chat.path(editing ? "edit" : "messages");
  setReply(null);
  try {
    await post(path, body);
  } catch (error) {
    toast(error.message);
    if (!$("text").value) $("text").value = text;
  }
}

export function setReply(message) {
  if (editing) $("text").value = "";
  [replyTo, editing] = [message, null];
  showContext();
}

export function setEditing(message) {
  [replyTo, editing] = [null, message];
  showContext();
  $("text").value = message.text ?? message.caption ?? "";
  fitText();
}

/** Puts words into the field, as a button under a message can. */
export function startWriting(text) {
  $("text").value = text;
  $("text").dispatchEvent(new Event("input"));
  $("text").focus();
}

function showContext() {
  const message = replyTo ?? editing;
  $("replying").hidden = message === null;
  if (message === null) return;
  $("replying").querySelector("use").setAttribute("href", replyTo ? "#icon-reply" : "#icon-edit");
  $("replying").querySelector("b").textContent = replyTo ? message.from.first_name : words.editing;
  $("replying").querySelector("span").textContent = summary(message);
  $("text").focus();
}

function fitText() {
  const text = $("text");
  text.style.height = "auto";
  text.style.height = `${Math.min(text.scrollHeight, 180)}px`;
  $("send").classList.toggle("ready", text.value.trim() !== "");
}

// Text.

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value;
  if (wasAsked()) return; // its results are there to be chosen
  $("text").value = "";
  showSuggestions([]);
  sendText(text);
  fitText();
});
$("text").addEventListener("input", () => {
  fitText();
  const typed = $("text").value;
  if (askBot(chat, typed, sent)) return;
  showCommands(/^\/\w*$/.test(typed) ? typed.slice(1) : null);
});
$("text").addEventListener("keydown", (event) => {
  if (useKey(event)) return;
  const onPhone = matchMedia("(pointer: coarse)").matches;
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !onPhone) {
    event.preventDefault();
    $("composer").requestSubmit();
  }
  if (event.key === "Escape") setReply(null);
  if (event.key === "ArrowUp" && !$("text").value && chat.lastOwn()) {
    event.preventDefault();
    setEditing(chat.lastOwn());
  }
});
$("replying").querySelector("button").addEventListener("click", () => setReply(null));

function sent() {
  $("text").value = "";
  showSuggestions([]);
  fitText();
}

// Commands.

$("show-commands").addEventListener("click", () => {
  showCommands($("suggestions").hidden ? "" : null);
  $("text").focus();
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("footer")) showSuggestions([]);
});

function showCommands(prefix) {
  const fitting = prefix === null ? [] : chat.commands.filter((c) => c.command.startsWith(prefix));
  showSuggestions(
    fitting.map((c) => ({
      nodes: [make("b", {}, `/${c.command}`), make("span", {}, c.description)],
      choose: () => {
        sent();
        sendText(chat.inGroup ? `/${c.command}@${chat.botName}` : `/${c.command}`);
      },
    })),
  );
}

// Files.

/** As what Telegram's apps send a file. */
function wayOf(file) {
  if (file.type === "image/gif") return "animation";
  if (file.type.startsWith("video/")) return "video";
  return file.type.startsWith("image/") ? "photo" : "document";
}

function offer(chosen, asFiles) {
  files = [...files, ...chosen];
  if (files.length === 0) return;
  const pictures = files.every((file) => wayOf(file) !== "document");
  $("as-files").checked = asFiles || !pictures;
  $("as-files").disabled = !pictures;
  $("as-files").closest("label").hidden = !pictures;
  $("sending-error").hidden = true;
  if (!$("sending").open) {
    $("caption").value = $("text").value;
    $("sending").showModal();
  }
  showPreviews();
  $("caption").focus();
}

function showPreviews() {
  const asPhotos = !$("as-files").checked;
  const ways = new Set(files.map(wayOf));
  const clips = !ways.has("photo");
  const title = !asPhotos || (ways.has("photo") && ways.size > 1) ? words.sendFiles : clips ? words.sendClips : words.sendPhotos;
  $("sending-title").textContent = title(files.length);
  forgetPreviews();
  $("previews").className = asPhotos ? "as-photos" : "as-files";
  $("previews").replaceChildren(
    ...files.map((file) => {
      const tag = { photo: "img", animation: "img", video: "video" }[wayOf(file)];
      const cover = tag ? make(tag, { src: URL.createObjectURL(file), alt: file.name }) : make("span", { class: "file-icon" }, icon("file"));
      return make("li", {}, cover, asPhotos ? null : make("span", { class: "file-words" }, make("b", {}, file.name), make("span", {}, fileSize(file.size))));
    }),
  );
}

function forgetPreviews() {
  for (const image of $("previews").querySelectorAll("img, video")) URL.revokeObjectURL(image.src);
}

$("as-files").addEventListener("change", showPreviews);
for (const [button, input, asFiles] of [["attach-photo", "choose-photo", false], ["attach-file", "choose-file", true]]) {
  $(button).addEventListener("click", () => {
    $("attach-menu").hidePopover();
    $(input).click();
  });
  $(input).addEventListener("change", () => {
    offer([...$(input).files], asFiles);
    $(input).value = "";
  });
}

/** One for each way of sending; the first has the caption. */
function forms() {
  const ways = Map.groupBy(files, (file) => ($("as-files").checked ? "document" : wayOf(file)));
  return [...ways].map(([way, together], i) => {
    const form = new FormData();
    form.append("as", way);
    if (i === 0) form.append("caption", $("caption").value);
    if (i === 0 && replyTo) form.append("reply_to", replyTo.message_id);
    for (const file of together) form.append("files", file, file.name);
    return form;
  });
}

$("sending").querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("send-files").disabled = true;
  try {
    for (const form of forms()) await upload(chat.path("media"), form);
    $("text").value = "";
    setReply(null);
    fitText();
    $("sending").close();
  } catch (error) {
    $("sending-error").textContent = error.message;
    $("sending-error").hidden = false;
  } finally {
    $("send-files").disabled = false;
  }
});
$("sending").addEventListener("close", () => {
  files = [];
  forgetPreviews();
  $("previews").replaceChildren();
  $("text").focus();
});

$("attach-sticker").addEventListener("click", () => {
  $("attach-menu").hidePopover();
  $("choose-sticker").click();
});
$("choose-sticker").addEventListener("change", async () => {
  const form = new FormData();
  form.append("as", "sticker");
  form.append("files", $("choose-sticker").files[0]);
  $("choose-sticker").value = "";
  await upload(chat.path("media"), form).catch((error) => toast(error.message));
});

$("attach-voice").addEventListener("click", () => {
  $("attach-menu").hidePopover();
  sendVoice(chat.path);
});

const mayWrite = () => chat !== null && !$("composer").hidden;

document.addEventListener("paste", (event) => {
  const pasted = [...(event.clipboardData?.files ?? [])];
  if (pasted.length === 0 || !mayWrite()) return;
  event.preventDefault();
  offer(pasted, false);
});
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  $("drop").hidden = !mayWrite();
});
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) $("drop").hidden = true;
});
document.addEventListener("drop", (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  $("drop").hidden = true;
  if (mayWrite()) offer([...event.dataTransfer.files], false);
});
