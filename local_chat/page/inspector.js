// The inspector: each request of the bot and the answer to it, beside the chat.

import { listen } from "./api.js";
import { $, icon, make, toast } from "./dom.js";
import { fileSize, language, words } from "./words.js";

const MOST = 300; // calls shown

let openChatId = () => null;
let listening = false;
let stale = false; // the connection was lost: all calls come again

/** `chatId` returns the open chat's id, for the filter. */
export function setUpInspector(chatId) {
  openChatId = chatId;
  $("show-calls").addEventListener("click", () => toggle($("inspector").hidden));
  $("close-calls").addEventListener("click", () => toggle(false));
  $("inspector").addEventListener("keydown", (event) => event.key === "Escape" && toggle(false));
  $("clear-calls").addEventListener("click", () => $("calls").replaceChildren());
  $("call-filter").addEventListener("input", filterCalls);
  $("only-this-chat").addEventListener("change", filterCalls);
  if (sessionStorage.inspector) toggle(true, false);
}

/** Shows the calls that fit the filter; also when another chat was opened. */
export function filterCalls() {
  for (const row of $("calls").children) row.hidden = !fits(row.call);
}

function toggle(shown, focus = true) {
  $("inspector").hidden = !shown;
  $("show-calls").setAttribute("aria-expanded", String(shown));
  if (shown) sessionStorage.inspector = "shown";
  else delete sessionStorage.inspector;
  if (focus) $(shown ? "call-filter" : "show-calls").focus();
  if (shown && !listening) listen(add, "calls");
  listening ||= shown;
}

function add(call) {
  if (call === null) {
    stale = true;
    return;
  }
  const list = $("calls");
  if (stale) list.replaceChildren();
  stale = false;
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  list.append(rowOf(call));
  if (list.children.length > MOST) list.firstChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function fits(call) {
  const wanted = $("call-filter").value.trim().toLowerCase();
  const whole = JSON.stringify(call);
  if ($("only-this-chat").checked && !whole.includes(`:${openChatId()}`) && !whole.includes(`"${openChatId()}"`)) return false;
  return !wanted || whole.toLowerCase().includes(wanted);
}

function rowOf(call) {
  const good = call.status >= 200 && call.status < 400;
  const details = make(
    "details",
    {
      toggle: () => {
        if (details.open && details.children.length === 1) details.append(bodyOf(call));
        if (details.open) details.scrollIntoView({ block: "nearest" });
      },
    },
    make(
      "summary",
      {},
      make("span", { class: good ? "good" : "bad" }, String(call.status)),
      make("b", {}, call.method),
      make("span", { class: "gist" }, gist(call)),
      make("span", { class: "ms" }, `${call.ms < 10 ? call.ms : Math.round(call.ms)} ms`),
    ),
  );
  const row = make("li", {}, details);
  row.call = call;
  row.hidden = !fits(call);
  return row;
}

/** What a call is about, in a few words. */
function gist({ method, parameters: p, answer }) {
  if (!answer.ok && answer.description) return answer.description;
  if (method === "webhook") return Object.keys(p)[1];
  if (method === "getUpdates") return answer.result.map((update) => Object.keys(update)[1]).join(", ");
  return p.text ?? p.caption ?? p.media?.caption ?? p.action ?? p.file_path ?? p.language_code ?? "";
}

function bodyOf(call) {
  const files = call.files.map((file) => make("li", {}, `${file.field}: ${file.name}, ${fileSize(file.bytes)}`));
  const when = new Date(call.at * 1000).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
  const copy = async () => {
    await navigator.clipboard.writeText(curl(call));
    toast(words.copied);
  };
  return make(
    "div",
    { class: "call" },
    make("p", {}, make("time", {}, when), call.method === "webhook" ? null : make("button", { type: "button", class: "flat", click: copy }, icon("copy"), words.copyCurl)),
    make("h3", {}, words.parameters),
    make("pre", { tabindex: 0 }, JSON.stringify(call.parameters, null, 2)),
    files.length ? make("ul", {}, ...files) : null,
    make("h3", {}, words.answer),
    make("pre", { tabindex: 0 }, JSON.stringify(call.answer, null, 2)),
  );
}

/** The call as a command for a shell in which BOT_TOKEN is set. */
function curl({ method, parameters, files }) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  if (method === "download") return `curl "${location.origin}/file/bot$BOT_TOKEN/${parameters.file_path}" -O`;
  const address = `curl "${location.origin}/bot$BOT_TOKEN/${method}"`;
  if (files.length === 0) {
    if (Object.keys(parameters).length === 0) return address;
    return `${address} -H 'Content-Type: application/json' -d ${quoted(JSON.stringify(parameters))}`;
  }
  const asText = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  const fields = Object.entries(parameters).map(([name, value]) => ` \\\n  --form-string ${quoted(`${name}=${asText(value)}`)}`);
  const sent = files.map((file) => ` \\\n  -F ${quoted(`${file.field}=@${file.name}`)}`);
  return [address, ...fields, ...sent].join("");
}
