// Small comforts; every page works without them.
const zone = document.querySelector('form input[type=hidden][name=timezone]');
if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || zone.value;
for (const box of document.querySelectorAll('[data-filter]')) {
  const rows = [...box.querySelectorAll('.choice')];
  if (rows.length < 12) continue;
  const find = document.createElement('input');
  find.type = 'search';
  find.placeholder = box.dataset.filter;
  find.setAttribute('aria-label', box.dataset.filter);
  find.className = 'find';
  box.before(find);
  find.addEventListener('input', () => {
    const wanted = find.value.trim().toLocaleLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLocaleLowerCase().includes(wanted);
  });
  find.addEventListener('keydown', (event) => { if (event.key === 'Enter') event.preventDefault(); });
}
