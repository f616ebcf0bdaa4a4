// Small helpers to make elements. Text only ever becomes text nodes.

export const $ = (id) => document.getElementById(id);

/** An element with attributes (functions are listeners) and children (strings are text). */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

export function toast(text) {
  const shown = make("p", {}, text);
  $("toasts").replaceChildren(shown);
  setTimeout(() => shown.remove(), 3000 + 40 * text.length);
}

/** Shows someone's photo, or else their initials on a colour of their own. */
export function paintAvatar(element, name, number, photo = null) {
  const initials = name.trim().split(/\s+/).map((part) => [...part][0]);
  const face = photo ? make("img", { src: photo, alt: "" }) : initials.slice(0, 2).join("").toUpperCase();
  element.replaceChildren(face);
  element.dataset.colour = Math.abs(number) % 6;
}
