// What the page itself says; the bot's words come from the bot.

const WORDS = {
  en: {
    add: "Add",
    addPerson: "Add a person",
    asFiles: "Send as files, without compression",
    attach: "Attach",
    block: "Block the bot",
    bot: "bot",
    cancel: "Cancel",
    caption: "Add a caption…",
    close: "Close",
    commands: "Commands",
    connecting: "connecting…",
    copied: "Copied",
    download: "Download",
    dropHere: "Drop pictures or files here",
    edited: "edited",
    file: "File",
    forwarded: "Forwarded from",
    language: "Telegram language",
    message: "Message",
    messages: "Messages",
    more: "More",
    name: "Name",
    next: "Next",
    nothingYet: "No messages yet",
    onlyHere: "A Telegram of your own: everything stays on this computer and is forgotten when the server stops.",
    photo: "Photo",
    previous: "Previous",
    reply: "Reply",
    send: "Send",
    sendFiles: (n) => (n === 1 ? "Send 1 file" : `Send ${n} files`),
    sendPhotos: (n) => (n === 1 ? "Send 1 photo" : `Send ${n} photos`),
    start: "Start",
    switchPerson: "Switch person",
    talkAs: "Talk as",
    toBottom: "To the newest message",
    today: "Today",
    unblock: "Unblock the bot",
    viewer: "Photo",
    whatCan: "What can this bot do?",
    you: "You",
    actions: {
      typing: "typing…",
      upload_photo: "sending a photo…",
      upload_document: "sending a file…",
      upload_video: "sending a video…",
      upload_voice: "sending a voice message…",
      choose_sticker: "choosing a sticker…",
      find_location: "finding a place…",
    },
    kinds: {
      animation: "Animation",
      audio: "Music",
      contact: "Contact",
      dice: "Dice",
      document: "File",
      location: "Location",
      photo: "Photo",
      sticker: "Sticker",
      video: "Video",
      video_note: "Video message",
      voice: "Voice message",
    },
    bytes: ["B", "KB", "MB"],
  },
  ru: {
    add: "Добавить",
    addPerson: "Добавить человека",
    asFiles: "Отправить файлами, без сжатия",
    attach: "Прикрепить",
    block: "Заблокировать бота",
    bot: "бот",
    cancel: "Отмена",
    caption: "Добавить подпись…",
    close: "Закрыть",
    commands: "Команды",
    connecting: "соединение…",
    copied: "Скопировано",
    download: "Скачать",
    dropHere: "Перетащите сюда фото или файлы",
    edited: "изменено",
    file: "Файл",
    forwarded: "Переслано от",
    language: "Язык Telegram",
    message: "Сообщение",
    messages: "Сообщения",
    more: "Ещё",
    name: "Имя",
    next: "Следующее",
    nothingYet: "Сообщений пока нет",
    onlyHere: "Ваш собственный Telegram: всё остаётся на этом компьютере и забывается, когда сервер останавливается.",
    photo: "Фото",
    previous: "Предыдущее",
    reply: "Ответить",
    send: "Отправить",
    sendFiles: (n) => `Отправить файлы: ${n}`,
    sendPhotos: (n) => `Отправить фото: ${n}`,
    start: "Начать",
    switchPerson: "Сменить человека",
    talkAs: "Вы пишете как",
    toBottom: "К последнему сообщению",
    today: "Сегодня",
    unblock: "Разблокировать бота",
    viewer: "Фото",
    whatCan: "Что умеет этот бот?",
    you: "Вы",
    actions: {
      typing: "печатает…",
      upload_photo: "отправляет фото…",
      upload_document: "отправляет файл…",
      upload_video: "отправляет видео…",
      upload_voice: "отправляет голосовое…",
      choose_sticker: "выбирает стикер…",
      find_location: "ищет место…",
    },
    kinds: {
      animation: "Анимация",
      audio: "Музыка",
      contact: "Контакт",
      dice: "Кубик",
      document: "Файл",
      location: "Место",
      photo: "Фото",
      sticker: "Стикер",
      video: "Видео",
      video_note: "Видеосообщение",
      voice: "Голосовое сообщение",
    },
    bytes: ["Б", "КБ", "МБ"],
  },
};

export const language = navigator.language.startsWith("ru") ? "ru" : "en";
export const words = WORDS[language];

/** Puts the words into the page's fixed elements. */
export function translatePage() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = words[element.dataset.word];
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

export function clockTime(unixTime) {
  return new Date(unixTime * 1000).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
}

export function dayName(unixTime) {
  const day = new Date(unixTime * 1000);
  if (day.toDateString() === new Date().toDateString()) return words.today;
  return day.toLocaleDateString(language, { day: "numeric", month: "long" });
}
