// The dialogs about people and groups. Each resolves when it is closed, with null if nothing is wanted.

import { post, upload } from "./api.js";
import { $, make } from "./dom.js";
import { LANGUAGES, language, words } from "./words.js";

function shown(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "done"), { once: true });
  });
}

/** Adds a person, or changes one. */
export async function askForPerson(person = null) {
  $("person-title").textContent = person ? words.editPersonTitle : words.addPerson;
  $("person-done").textContent = person ? words.save : words.add;
  $("person-name").value = person?.first_name ?? "";
  const languages = Object.entries({ ...LANGUAGES, ar: "العربية", "": "—" }); // one that we lack, and none
  $("person-language").replaceChildren(...languages.map(([value, name]) => make("option", { value }, name)));
  $("person-language").value = person?.language_code ?? language;
  $("person-photo").value = "";
  if (!(await shown($("person"))) || !$("person-name").value.trim()) return null;
  const names = { first_name: $("person-name").value, language_code: $("person-language").value };
  const changed = person ? await post(`people/${person.id}`, names) : await post("people", names);
  const [photo] = $("person-photo").files;
  if (photo) {
    const form = new FormData();
    form.append("photo", photo);
    await upload(`people/${changed.id}`, form);
  }
  return changed;
}

export async function askForGroup(people) {
  $("group-title").value = "";
  $("group-members").replaceChildren(
    ...people.map((person) =>
      make("label", { class: "check" }, make("input", { type: "checkbox", value: person.id, checked: true }), make("span", {}, person.first_name)),
    ),
  );
  if (!(await shown($("new-group"))) || !$("group-title").value.trim()) return null;
  const members = [...$("group-members").querySelectorAll(":checked")].map((box) => Number(box.value));
  return post("groups", { title: $("group-title").value, members });
}

/** One of these chats, to forward to. */
export async function askWhereTo(chats, chatItem) {
  let chosen = null;
  const choose = (chat) => {
    chosen = chat;
    $("forward").close("done");
  };
  $("forward-list").replaceChildren(...chats.map((chat) => chatItem(chat, choose)));
  await shown($("forward"));
  return chosen;
}
