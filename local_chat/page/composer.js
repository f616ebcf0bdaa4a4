// Where a person writes: text, commands, replies, and files chosen, pasted or dropped.

import { post, upload } from "./api.js";
import { $, icon, make, toast } from "./dom.js";
import { summary } from "./messages.js";
import { fileSize, words } from "./words.js";

let person = null; // whose chat is open
let replyTo = null;
let files = [];
const drafts = new Map(); // by person, what was not sent yet

/** The chat that is written to from now on. */
export function composeFor(someone) {
  if (person?.id !== someone.id) {
    if (person) drafts.set(person.id, $("text").value);
    $("text").value = drafts.get(someone.id) ?? "";
    setReply(null);
  }
  person = someone;
  $("show-commands").hidden = someone.commands.length === 0;
  fitText();
}

export async function sendText(text) {
  if (!text.trim()) return;
  const body = { text, reply_to: replyTo?.message_id };
  setReply(null);
  try {
    await post(`people/${person.id}/messages`, body);
  } catch (error) {
    toast(error.message);
    if (!$("text").value) $("text").value = text;
  }
}

export function setReply(message) {
  replyTo = message;
  $("replying").hidden = message === null;
  if (message === null) return;
  $("replying").querySelector("b").textContent = message.from.first_name;
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
  $("text").value = "";
  showCommands(null);
  fitText();
  sendText(text);
});
$("text").addEventListener("input", () => {
  fitText();
  const typed = $("text").value;
  showCommands(/^\/\w*$/.test(typed) ? typed.slice(1) : null);
});
$("text").addEventListener("keydown", (event) => {
  if (!$("commands").hidden && moveInCommands(event)) return;
  const onPhone = matchMedia("(pointer: coarse)").matches;
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !onPhone) {
    event.preventDefault();
    $("composer").requestSubmit();
  }
  if (event.key === "Escape") setReply(null);
});
$("replying").querySelector("button").addEventListener("click", () => setReply(null));

// Commands.

$("show-commands").addEventListener("click", () => {
  showCommands($("commands").hidden ? "" : null);
  $("text").focus();
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("footer")) showCommands(null);
});

function showCommands(prefix) {
  const fitting = prefix === null ? [] : person.commands.filter((c) => c.command.startsWith(prefix));
  $("commands").hidden = fitting.length === 0;
  $("show-commands").setAttribute("aria-expanded", String(fitting.length > 0));
  $("commands").replaceChildren(
    ...fitting.map((c, i) =>
      make("li", { role: "option", id: `command-${i}`, "aria-selected": "false", click: () => choose(c.command) }, make("b", {}, `/${c.command}`), make("span", {}, c.description)),
    ),
  );
  $("text").removeAttribute("aria-activedescendant");
}

function choose(command) {
  $("text").value = "";
  showCommands(null);
  fitText();
  sendText(`/${command}`);
}

/** Keys while the commands are open; true when the key was used. */
function moveInCommands(event) {
  const options = [...$("commands").children];
  const current = options.findIndex((o) => o.getAttribute("aria-selected") === "true");
  if (event.key === "Escape") showCommands(null);
  else if ((event.key === "Enter" || event.key === "Tab") && current >= 0) options[current].click();
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const step = event.key === "ArrowDown" ? 1 : -1;
    const next = (Math.max(current, step > 0 ? -1 : 0) + step + options.length) % options.length;
    options.forEach((o, i) => o.setAttribute("aria-selected", String(i === next)));
    options[next].scrollIntoView({ block: "nearest" });
    $("text").setAttribute("aria-activedescendant", options[next].id);
  } else return false;
  event.preventDefault();
  return true;
}

// Files.

function offer(chosen, asFiles) {
  files = [...files, ...chosen];
  if (files.length === 0) return;
  const pictures = files.every((file) => file.type.startsWith("image/"));
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
  $("sending-title").textContent = (asPhotos ? words.sendPhotos : words.sendFiles)(files.length);
  forgetPreviews();
  $("previews").className = asPhotos ? "as-photos" : "as-files";
  $("previews").replaceChildren(
    ...files.map((file) => {
      const picture = file.type.startsWith("image/");
      const cover = picture ? make("img", { src: URL.createObjectURL(file), alt: file.name }) : make("span", { class: "file-icon" }, icon("file"));
      return make("li", {}, cover, asPhotos ? null : make("span", { class: "file-words" }, make("b", {}, file.name), make("span", {}, fileSize(file.size))));
    }),
  );
}

function forgetPreviews() {
  for (const image of $("previews").querySelectorAll("img")) URL.revokeObjectURL(image.src);
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

$("sending").querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData();
  form.append("as", $("as-files").checked ? "document" : "photo");
  form.append("caption", $("caption").value);
  if (replyTo) form.append("reply_to", replyTo.message_id);
  for (const file of files) form.append("files", file, file.name);
  $("send-files").disabled = true;
  try {
    await upload(`people/${person.id}/media`, form);
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

const mayWrite = () => person !== null && !$("composer").hidden;

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
