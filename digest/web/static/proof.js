// Begun when somebody begins to fill in the form; sending waits for it. Whatever goes wrong, the form is sent and says so.
for (const field of document.querySelectorAll('[data-task]')) {
  const { form } = field;
  const said = document.querySelector('#altcha [role=status]');
  let work;
  let isOver = false;
  const begin = () => {
    work ??= solve(field.dataset.task).then((found) => { field.value = found; }, () => {}).then(() => { isOver = true; });
    return work;
  };
  form.addEventListener('focusin', begin, { once: true });
  form.addEventListener('submit', async (event) => {
    if (isOver || event.submitter?.value === 'preview') return;
    event.preventDefault();
    said.textContent = said.dataset.wait;
    await begin();
    form.requestSubmit(event.submitter);
  });
}
