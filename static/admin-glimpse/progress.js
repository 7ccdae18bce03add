// Keeps a progress bar true while the work goes on, and loads the page anew when it has ended.
const EVERY_MS = 1000;

async function follow(bar) {
  const track = bar.querySelector("[role=progressbar]");
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    const answer = await fetch(bar.dataset.progressUrl, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer?.ok) continue;
    const progress = await answer.json();
    track.setAttribute("aria-valuenow", progress.percent);
    track.firstElementChild.style.width = `${progress.percent}%`;
    bar.querySelector("p").textContent = progress.text;
    if (!progress.running) return location.reload();
  }
}

document.querySelectorAll("[data-progress-url]").forEach(follow);
