// Text with entities as DOM nodes. Offsets count UTF-16 units, as JavaScript's strings do.

import { make } from "./dom.js";

const TAGS = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code", blockquote: "blockquote", expandable_blockquote: "blockquote" };

/** Nodes for a text; `onCommand` is called with a bot command that is clicked. */
export function richText(text, entities = [], onCommand = () => {}) {
  // Longest first where several begin together, so that inner ones nest in outer ones.
  const sorted = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return nodes(text, sorted, 0, text.length, onCommand);
}

function nodes(text, entities, start, end, onCommand) {
  const made = [];
  let position = start;
  for (let i = 0; i < entities.length; i++) {
    const entity = entities[i];
    if (entity.offset < position || entity.offset >= end) continue; // lies in one already made
    const stop = Math.min(entity.offset + entity.length, end);
    made.push(text.slice(position, entity.offset));
    made.push(wrapped(entity, text.slice(entity.offset, stop), nodes(text, entities.slice(i + 1), entity.offset, stop, onCommand), onCommand));
    position = stop;
  }
  made.push(text.slice(position, end));
  return made.filter((node) => node !== "");
}

function wrapped(entity, text, children, onCommand) {
  switch (entity.type) {
    case "pre":
      return make("pre", {}, make("code", {}, ...children));
    case "spoiler":
      return pressable("spoiler", (event) => event.currentTarget.classList.add("revealed"), children);
    case "text_link":
      return link(entity.url, children);
    case "url":
      return link(text, children);
    case "email":
      return link(`mailto:${text}`, children);
    case "bot_command":
      return pressable("command", () => onCommand(text), children);
    case "mention":
    case "hashtag":
      return make("span", { class: "mention" }, ...children);
    default:
      return make(TAGS[entity.type] ?? "span", {}, ...children);
  }
}

/** A button that breaks across lines like the words around it. */
function pressable(name, act, children) {
  const keydown = (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    act(event);
  };
  return make("span", { class: name, role: "button", tabindex: 0, click: act, keydown }, ...children);
}

function link(address, children) {
  const url = /^[a-z]+:/i.test(address) ? address : `https://${address}`;
  if (!/^(https?|mailto|tg):/i.test(url)) return make("span", {}, ...children);
  return make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...children);
}
