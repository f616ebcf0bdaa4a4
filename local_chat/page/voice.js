// Voice messages: recorded where the browser can and may; else one without sound is sent.

import { post, upload } from "./api.js";
import { $, toast } from "./dom.js";
import { minutes } from "./words.js";

/** `path` leads to the chat's actions. */
export async function sendVoice(path) {
  const stream = window.MediaRecorder && (await navigator.mediaDevices?.getUserMedia({ audio: true }).catch(() => null));
  try {
    if (!stream) await post(path("messages"), { other: { voice: {} } });
    else await sendRecording(path, stream);
  } catch (error) {
    toast(error.message);
  }
}

async function sendRecording(path, stream) {
  const recorder = new MediaRecorder(stream);
  const parts = [];
  recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
  const stopped = new Promise((resolve) => recorder.addEventListener("stop", resolve, { once: true }));
  recorder.start();
  const seconds = await shownUntilClosed();
  recorder.stop();
  await stopped;
  for (const track of stream.getTracks()) track.stop();
  if ($("recording").returnValue !== "send") return;
  const form = new FormData();
  form.append("as", "voice");
  form.append("duration", Math.max(1, Math.round(seconds)));
  form.append("files", new Blob(parts, { type: recorder.mimeType.split(";")[0] }), "voice");
  await upload(path("media"), form);
}

/** Shows how long it records; the seconds in the end. */
function shownUntilClosed() {
  const dialog = $("recording");
  const began = Date.now();
  const seconds = () => (Date.now() - began) / 1000;
  const show = () => ($("recording-time").textContent = minutes(Math.floor(seconds())));
  show();
  const timer = setInterval(show, 200);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => (clearInterval(timer), resolve(seconds())), { once: true });
  });
}
