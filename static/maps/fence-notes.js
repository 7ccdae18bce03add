/**
 * What is said below the map of a fence: its size at once, and what the server says of it: why it could not be saved,
 * and which other fences of its runs it overlaps.
 */

const PATIENCE_MS = 400;

/**
 * Return `show(note)`, which takes the size as `{text, level}`, or null where there is no fence yet; the server is not
 * asked about one that is not drawn yet.
 */
export function createNotes(root, { inputs, runs }) {
  const line = root.querySelector("[data-size]");
  const list = root.querySelector("[data-notes]");
  const url = root.dataset.checkUrl;
  let timer = null;
  let asked = 0;
  const ask = async () => {
    asked += 1;
    const number = asked;
    const told = await answerOf(url, inputs, runs);
    if (number === asked) say(list, told);
  };
  const later = () => {
    clearTimeout(timer);
    asked += 1;
    if (url) timer = setTimeout(ask, PATIENCE_MS);
  };
  watchRuns(runs, later);
  return (note, { isDrawn = true } = {}) => {
    line.textContent = note?.text ?? "";
    line.dataset.level = note?.level ?? "";
    if (note && isDrawn) later();
    else {
      clearTimeout(timer);
      asked += 1;
      say(list, null);
    }
  };
}

function watchRuns(runs, changed) {
  runs?.addEventListener("change", changed);
  // The admin's own choice of runs tells of its changes by jQuery alone.
  if (runs && window.django?.jQuery) window.django.jQuery(runs).on("change", changed);
}

async function answerOf(url, inputs, runs) {
  const body = new URLSearchParams({
    csrfmiddlewaretoken: document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "",
    lat: inputs.lat.value,
    lon: inputs.lon.value,
    radius_m: inputs.radius.value,
    area: inputs.area.value,
  });
  for (const option of runs?.selectedOptions ?? []) body.append("runs", option.value);
  const answer = await fetch(url, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
  const isJson = answer?.headers.get("Content-Type")?.startsWith("application/json");
  return answer?.ok && isJson ? answer.json() : null;
}

function say(list, told) {
  const lines = told ? [...told.refused.map((text) => [text, "error"]), ...told.warnings.map((text) => [text, "warning"])] : [];
  list.replaceChildren(
    ...lines.map(([text, level]) => {
      const item = document.createElement("li");
      item.textContent = text;
      item.dataset.level = level;
      return item;
    }),
  );
  list.hidden = !lines.length;
}
