// What the page itself says, a file of words/ for each language; the bot's words come from the bot.

// By IETF tags, as Telegram and browsers have them.
export const LANGUAGES = {
  en: "English",
  ru: "Русский",
  uk: "Українська",
  de: "Deutsch",
  es: "Español",
  fr: "Français",
  it: "Italiano",
  "pt-br": "Português",
  tr: "Türkçe",
  fa: "فارسی",
  id: "Bahasa Indonesia",
  "zh-hans": "简体中文",
};
const codeOf = (tag) => tag.toLowerCase().split("-")[0];
const ours = (tag) => Object.keys(LANGUAGES).find((known) => codeOf(known) === codeOf(tag));

export const language = [localStorage.language, ...navigator.languages].filter(Boolean).map(ours).find(Boolean) ?? "en";
export const words = (await import(`./words/${codeOf(language)}.js`)).default;

/** Puts the words into the page's fixed elements. */
export function translatePage() {
  document.documentElement.lang = language;
  document.documentElement.dir = language === "fa" ? "rtl" : "ltr";
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = words[element.dataset.word] ?? words.kinds[element.dataset.word];
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", words[element.dataset.label]);
    if (element.matches("button, a")) element.title = words[element.dataset.label];
  }
  for (const element of document.querySelectorAll("[data-placeholder]")) {
    element.placeholder = words[element.dataset.placeholder];
  }
}

export function fileSize(bytes) {
  const [b, kb, mb] = words.bytes;
  const shown = (number) => number.toLocaleString(language, { maximumFractionDigits: 1 });
  if (bytes < 1024) return `${bytes} ${b}`;
  return bytes < 2 ** 20 ? `${shown(bytes / 1024)} ${kb}` : `${shown(bytes / 2 ** 20)} ${mb}`;
}

/** As players show it: 1:05. */
export function minutes(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export function clockTime(unixTime) {
  return new Date(unixTime * 1000).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
}

export function dayName(unixTime) {
  const day = new Date(unixTime * 1000);
  if (day.toDateString() === new Date().toDateString()) return words.today;
  return day.toLocaleDateString(language, { day: "numeric", month: "long" });
}
