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
      let answer = await this.ask(form, button);
      if (answer.task && answer.errors.some((one) => one.field === 'altcha')) {
        answer = await this.ask(form, button, await solve(answer.task));
      }
      this.show(form, answer, answer.status === 'check_inbox');
    } catch {
      form.dataset.plain = 'yes';
      if (button) button.disabled = false;
      form.requestSubmit(button);
      return;
    }
    if (button) button.disabled = false;
  }

  async ask(form, button, altcha = '') {
    const body = new URLSearchParams(new FormData(form, button));
    if (altcha) body.set('altcha', altcha);
    const headers = { Accept: 'application/json' };
    return (await fetch(form.action, { method: 'POST', body, credentials: 'omit', headers })).json();
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
