// The full-size photo viewer: arrows move through the chat's photos, Esc closes.

import { fileUrl } from "./api.js";
import { $ } from "./dom.js";
import { pictures } from "./messages.js";

let all = [];
let place = 0;

export function openViewer(messages, message) {
  all = pictures(messages);
  place = all.findIndex((picture) => picture.message.message_id === message.message_id);
  show();
  $("viewer").showModal();
}

function show() {
  const { message, size } = all[place];
  const image = $("viewer-image");
  image.src = fileUrl(size.file_id);
  image.alt = message.caption ?? "";
  $("viewer-place").textContent = `${place + 1} / ${all.length} · ${size.width} × ${size.height}`;
  $("viewer-caption").textContent = message.caption ?? "";
  $("viewer-download").href = `${fileUrl(size.file_id)}?download`;
  $("viewer-download").download = `photo_${message.message_id}.jpg`;
  $("viewer-previous").hidden = place === 0;
  $("viewer-next").hidden = place === all.length - 1;
}

function move(step) {
  if (!all[place + step]) return;
  place += step;
  show();
}

$("viewer-previous").addEventListener("click", () => move(-1));
$("viewer-next").addEventListener("click", () => move(1));
$("viewer").addEventListener("click", (event) => {
  if (event.target === event.currentTarget) event.currentTarget.close();
});
$("viewer").addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") move(-1);
  if (event.key === "ArrowRight") move(1);
});
