// Inline mode: who types the bot's name is offered results, and sends one of them.

import { fileUrl, post } from "./api.js";
import { $, make, toast } from "./dom.js";
import { showSuggestions } from "./suggestions.js";
import { words } from "./words.js";

const PAUSE_MS = 250; // in typing, before the bot is asked

let timer = null;
let asked = null; // { queryId, chat, whenSent }
const early = new Map(); // answers that came before the query's id

/** Asks the bot if what was typed begins with its name; says whether it does. */
export function askBot(chat, typed, whenSent) {
  clearTimeout(timer);
  asked = null;
  const [, name, query] = typed.match(/^@(\w+)\s([^]*)$/) ?? [];
  if (name?.toLowerCase() !== chat.botName.toLowerCase()) return false;
  timer = setTimeout(() => ask(chat, query.trim(), whenSent).catch((error) => toast(error.message)), PAUSE_MS);
  return true;
}

/** Whether the bot was asked, so that what was typed is not sent itself; else it will not be. */
export function wasAsked() {
  clearTimeout(timer);
  return asked !== null;
}

async function ask(chat, query, whenSent) {
  showSuggestions([]);
  note(words.searching);
  const { query_id: queryId } = await post(chat.path("inline"), { query });
  asked = { queryId, chat, whenSent };
  if (early.has(queryId)) showOffer(early.get(queryId));
  early.clear();
}

/** An `inline_answer` event. */
export function showOffer(offer) {
  if (asked?.queryId !== offer.query_id) {
    early.set(offer.query_id, offer);
    return;
  }
  const { chat, whenSent } = asked;
  const options = offer.results.map((result) => ({
    nodes: nodesOf(result),
    choose: async () => {
      asked = null;
      whenSent();
      const body = { query_id: offer.query_id, result_id: result.id };
      await post(chat.path("inline/choose"), body).catch((error) => toast(error.message));
    },
  }));
  if (offer.button?.start_parameter) {
    options.unshift({
      nodes: [make("b", {}, offer.button.text)],
      choose: () => {
        asked = null;
        whenSent();
        chat.startBot(offer.button.start_parameter);
      },
    });
  }
  showSuggestions(options, offer.results.some((result) => result.photo));
  if (options.length === 0) note(words.nothingFound);
}

function nodesOf(result) {
  if (!result.photo) return [make("b", {}, result.title), make("span", {}, result.description)];
  const size = result.photo.find((s) => Math.max(s.width, s.height) >= 200) ?? result.photo.at(-1);
  return [make("img", { src: fileUrl(size.file_id), alt: result.title || result.message.caption || words.kinds.photo })];
}

function note(text) {
  $("offer-note").textContent = text;
  $("offer-note").hidden = false;
}
