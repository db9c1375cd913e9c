// A mail that arrives while the page is open turns "Refresh" into an announcement. Without this, nothing is missing.
const { caught, newest } = document.body.dataset;
const link = document.querySelector(".refresh");
link.setAttribute("aria-live", "polite");
const look = async () => {
  if (document.hidden) return;
  const answer = await fetch(newest).catch(() => null);
  const more = answer?.ok ? Number(await answer.text()) - Number(caught) : 0;
  if (more > 0) {
    link.textContent = more === 1 ? "1 new mail" : `${more} new mails`;
    link.classList.add("news");
  }
};
setInterval(look, 4000);
