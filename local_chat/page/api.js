// The server's chat API; what it refuses is thrown as an Error with words for people.

import { words } from "./words.js";

/** The server says it in the Bot API's terms, which the inspector shows. */
function explained(problem) {
  const known = words.problems.find(([part]) => problem?.includes(part));
  return known ? known[1] : words.refused;
}

async function answer(response) {
  const body = await response.json().catch(() => ({ error: response.statusText }));
  if (!response.ok) throw new Error(explained(body.error));
  return body;
}

export const get = async (path) => answer(await fetch(`/chat/${path}`));

export const post = async (path, body) =>
  answer(
    await fetch(`/chat/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    }),
  );

export const upload = async (path, form) =>
  answer(await fetch(`/chat/${path}`, { method: "POST", body: form }));

export const fileUrl = (id) => `/chat/files/${id}`;

/** Calls back with every event, and with `null` when the connection is lost; it comes back alone. */
export function listen(callback, path = "events") {
  const source = new EventSource(`/chat/${path}`);
  source.onmessage = (event) => callback(JSON.parse(event.data));
  source.onerror = () => {
    callback(null);
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(callback, path), 1000);
  };
}
