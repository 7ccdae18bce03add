/**
 * Finds the coordinates of an address: our own server asks the geocoder, and the place that is chosen goes into the
 * form's latitude, longitude and address. The fence editor, where there is one, then shows it.
 */

const PRECISION = 6;
const SIGNED_OUT = "You are signed out, or may not search: load the page again.";
const NO_ANSWER = "The search does not answer. Type latitude and longitude, or click the map.";
const NOTHING = "No such place is known. Try fewer words, or type latitude and longitude.";

for (const root of document.querySelectorAll("[data-glimpse-address]")) start(root);

function start(root) {
  const text = root.querySelector("[data-text]");
  const button = root.querySelector("[data-search]");
  button.addEventListener("click", () => search(root, text, button));
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    search(root, text, button);
  });
}

async function search(root, text, button) {
  if (button.getAttribute("aria-disabled") === "true") return;
  if (!text.value.trim()) {
    say(root, "Type an address first.", true);
    text.focus();
    return;
  }
  button.setAttribute("aria-disabled", "true");
  show(root, [], null);
  say(root, "Searching …");
  try {
    const { candidates, credit } = await ask(root.dataset.url, text.value);
    show(root, candidates, credit);
    const places = candidates.length === 1 ? "1 place" : `${candidates.length} places`;
    say(root, candidates.length ? `${places} found: choose one.` : NOTHING);
  } catch (error) {
    say(root, error.message, true);
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

/** Resolve to `{candidates, credit}`; reject with an Error whose message is for people. */
async function ask(url, address) {
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
  const body = new URLSearchParams({ address, csrfmiddlewaretoken: token });
  const headers = { Accept: "application/json" };
  const answer = await fetch(url, { method: "POST", body, headers }).catch(() => null);
  if (!answer) throw new Error(NO_ANSWER);
  const isJson = answer.headers.get("Content-Type")?.startsWith("application/json");
  if (!isJson) throw new Error(answer.status >= 500 ? NO_ANSWER : SIGNED_OUT);
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail);
  return told;
}

function show(root, candidates, credit) {
  const list = root.querySelector("[data-choices]");
  list.replaceChildren(...candidates.map((candidate) => choice(root, candidate)));
  list.hidden = !candidates.length;
  const line = root.querySelector("[data-credit]");
  line.hidden = !(credit && candidates.length);
  if (line.hidden) return;
  line.firstElementChild.textContent = credit.text;
  line.firstElementChild.href = credit.url;
}

function choice(root, candidate) {
  const { name, country, latitude, longitude } = candidate;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "glimpse-choice";
  button.setAttribute("aria-pressed", "false");
  button.append(name, small([country, place(latitude, longitude)].filter(Boolean).join(" · ")));
  button.addEventListener("click", () => choose(root, button, candidate));
  const item = document.createElement("li");
  item.append(button);
  return item;
}

function small(text) {
  const element = document.createElement("small");
  element.textContent = text;
  return element;
}

function choose(root, button, { name, latitude, longitude }) {
  for (const other of root.querySelectorAll(".glimpse-choice")) {
    other.setAttribute("aria-pressed", String(other === button));
  }
  const { latId, lonId, addressId } = root.dataset;
  write(latId, latitude.toFixed(PRECISION));
  write(lonId, longitude.toFixed(PRECISION));
  write(addressId, name);
  document.querySelector("[data-glimpse-fence]")?.dispatchEvent(new CustomEvent("glimpse:placed"));
  say(root, `The fence is at ${place(latitude, longitude)}, and the address is filled in. Move it on the map if need be.`);
}

function write(id, value) {
  const input = document.getElementById(id);
  if (!input) return;
  input.value = value;
  for (const type of ["input", "change"]) input.dispatchEvent(new Event(type, { bubbles: true }));
}

function say(root, text, isError = false) {
  const line = root.querySelector("[data-said]");
  line.textContent = text;
  line.toggleAttribute("data-error", isError);
}

function place(latitude, longitude) {
  return `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`;
}
