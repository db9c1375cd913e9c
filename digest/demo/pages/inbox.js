// A mail that arrives while the page is open turns "Refresh" into an announcement. Without this, nothing is missing.
const { caught, newest, oneMore, more } = document.body.dataset;
const link = document.querySelector(".refresh");
link.setAttribute("aria-live", "polite");
const look = async () => {
  if (document.hidden) return;
  const answer = await fetch(newest).catch(() => null);
  const fresh = answer?.ok ? Number(await answer.text()) - Number(caught) : 0;
  if (fresh > 0) {
    link.textContent = fresh === 1 ? oneMore : more.replace("{}", fresh);
    link.classList.add("news");
  }
};
setInterval(look, 4000);
