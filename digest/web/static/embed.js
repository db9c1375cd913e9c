// <news-signup> wraps an ordinary form: without this script, or when the call fails, the form is simply submitted.
customElements.define('news-signup', class extends HTMLElement {
  connectedCallback() {
    this.addEventListener('submit', (event) => this.send(event));
  }

  async send(event) {
    const form = event.target;
    if (event.defaultPrevented || form.dataset.plain) return;
    event.preventDefault();
    const button = event.submitter;
    if (button) button.disabled = true;
    try {
      const body = new URLSearchParams(new FormData(form, button));
      const answer = await fetch(form.action, {
        method: 'POST', body, credentials: 'omit', headers: { Accept: 'application/json' },
      });
      const data = await answer.json();
      this.show(form, data, answer.ok);
    } catch {
      form.dataset.plain = 'yes';
      if (button) button.disabled = false;
      form.requestSubmit(button);
      return;
    }
    if (button) button.disabled = false;
  }

  show(form, data, isDone) {
    const said = this.querySelector('[role=status]') || this.appendChild(document.createElement('p'));
    said.setAttribute('role', 'status');
    said.dataset.state = isDone ? 'done' : 'error';
    said.textContent = data.message || (data.errors || []).map((one) => one.message).join(' ') || data.detail || '';
    for (const input of form.elements) input.removeAttribute('aria-invalid');
    for (const one of data.errors || []) form.elements[one.field]?.setAttribute?.('aria-invalid', 'true');
    if (isDone) form.hidden = true;
    this.dispatchEvent(new CustomEvent(isDone ? 'news-signup' : 'news-signup-error', { bubbles: true, detail: data }));
  }
});
