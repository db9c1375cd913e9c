// Small comforts; every page works without them.
const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
const made = (name, values) => Object.assign(document.createElement(name), values);

// The reader's own clock.
const zone = document.querySelector('form input[type=hidden][name=timezone]');
if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || zone.value;

// A long list of topics can be searched.
for (const box of all('[data-filter]')) {
  const rows = all('.choice', box);
  if (rows.length < 12) continue;
  const find = made('input', { type: 'search', placeholder: box.dataset.filter, className: 'find' });
  const none = made('p', { className: 'hint' });
  find.setAttribute('aria-label', box.dataset.filter);
  none.setAttribute('role', 'status');
  box.before(find);
  box.after(none);
  find.addEventListener('input', () => {
    const wanted = find.value.trim().toLocaleLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLocaleLowerCase().includes(wanted);
    none.textContent = rows.every((row) => row.hidden) ? box.dataset.none : '';
  });
  find.addEventListener('keydown', (event) => { if (event.key === 'Enter') event.preventDefault(); });
}

// "Did you mean …?": one letter too many, too few, wrong or swapped in a well-known domain. It asks and never blocks.
const known = ['gmail.com', 'gmx.de', 'gmx.net', 'web.de', 't-online.de', 'outlook.com', 'outlook.de', 'hotmail.com',
  'hotmail.de', 'icloud.com', 'yahoo.com', 'yahoo.de', 'freenet.de', 'posteo.de', 'mailbox.org', 'proton.me'];
const slips = (word) => [...word].flatMap((letter, n) => [
  word.slice(0, n) + word.slice(n + 1),
  word.slice(0, n) + '?' + word.slice(n + 1),
  word.slice(0, n) + (word[n + 1] || '') + letter + word.slice(n + 2),
]);
const isSlip = (typed, meant) => typed !== meant && (slips(meant).includes(typed) || slips(typed).includes(meant)
  || slips(meant).some((one) => one.includes('?') && slips(typed).includes(one)));
for (const field of all('[data-ask]')) {
  const ask = made('p', { className: 'hint under' });
  ask.setAttribute('role', 'status');
  field.after(ask);
  field.addEventListener('change', () => {
    const [, name, domain] = field.value.trim().match(/^(.+)@(.+)$/) || [];
    const meant = domain && !known.includes(domain.toLowerCase())
      && known.find((one) => isSlip(domain.toLowerCase(), one));
    ask.replaceChildren();
    if (!meant) return;
    const button = made('button', { type: 'button', className: 'plain', textContent: field.dataset.ask.replace('@', `${name}@${meant}`) });
    button.addEventListener('click', () => { field.value = `${name}@${meant}`; ask.replaceChildren(); field.focus(); });
    ask.append(button);
  });
}

// The matches of a query stand below it once its writer pauses; nothing is stored. Without an answer the button remains.
for (const field of all('[name=query]')) {
  let pause;
  const look = async () => {
    const body = new URLSearchParams(new FormData(field.form));
    body.set('action', 'preview');
    try {
      const answer = await fetch(field.form.getAttribute('action'), { method: 'POST', body });
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const found = page.getElementById(`${field.id}-hits`);
      const wrong = page.getElementById(`${field.id}-error`);
      const below = document.getElementById(`${field.id}-hits`);
      if (found) below.replaceChildren(...(wrong ? [wrong.textContent] : found.childNodes));
    } catch { /* the button "Show matches" does the same */ }
  };
  field.addEventListener('input', () => { clearTimeout(pause); pause = setTimeout(look, 700); });
}
