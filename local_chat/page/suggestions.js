// The list above the field: commands, or what the bot offers inline. Arrows and Enter choose.

import { $, make } from "./dom.js";

/** Shows options, each { nodes, choose() }; `grid` for pictures side by side. None hides the list. */
export function showSuggestions(options, grid = false) {
  const shown = options.length > 0;
  $("suggestions").hidden = !shown;
  $("suggestions").classList.toggle("grid", grid);
  $("show-commands").setAttribute("aria-expanded", String(shown));
  $("text").removeAttribute("aria-activedescendant");
  $("offer-note").hidden = true;
  $("suggestions").replaceChildren(
    ...options.map(({ nodes, choose }, i) =>
      make("li", { role: "option", id: `suggestion-${i}`, "aria-selected": "false", click: choose }, ...nodes),
    ),
  );
}

/** A key while the list is open; true when it was used. */
export function useKey(event) {
  if ($("suggestions").hidden) return false;
  const options = [...$("suggestions").children];
  const current = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  const sideways = ["ArrowLeft", "ArrowRight"].includes(event.key);
  if (event.key === "Escape") showSuggestions([]);
  else if ((event.key === "Enter" || event.key === "Tab") && current >= 0) options[current].click();
  else if (step && !(sideways && current < 0)) {
    const next = (Math.max(current, step > 0 ? -1 : 0) + step + options.length) % options.length;
    options.forEach((option, i) => option.setAttribute("aria-selected", String(i === next)));
    options[next].scrollIntoView({ block: "nearest" });
    $("text").setAttribute("aria-activedescendant", options[next].id);
  } else return false;
  event.preventDefault();
  return true;
}
