/* Forms: counters, a guard for unsaved work, busy buttons, shown passwords, the first bad field in focus. */
const { each, on, text } = window.gallery;

each('[data-count]', (input) => {
  const place = document.getElementById(input.dataset.count);
  if (!place) return;
  const count = () => { place.textContent = `${[...input.value].length} / ${input.maxLength}`; };
  input.addEventListener('input', count);
  count();
});

const unsaved = () => document.querySelector('form[data-dirty]');
on('input', 'form[data-guard]', (event, form) => { form.setAttribute('data-dirty', ''); document.body.setAttribute('data-unsaved', ''); });
on('submit', 'form[data-guard]', (event, form) => { form.removeAttribute('data-dirty'); document.body.removeAttribute('data-unsaved'); });
window.addEventListener('beforeunload', (event) => { if (unsaved()) { event.preventDefault(); event.returnValue = text.leave; } });

/* A form that is under way is not sent twice; the button keeps its words and its width. */
function rest() {
  document.querySelectorAll('form[data-busy]').forEach((form) => {
    form.removeAttribute('data-busy');
    form.querySelectorAll('[aria-busy]').forEach((button) => button.removeAttribute('aria-busy'));
  });
}
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.method !== 'post' || event.defaultPrevented && !form.matches('[hx-post]')) return;
  if (form.hasAttribute('data-busy')) { event.preventDefault(); return; }
  const button = event.submitter;
  setTimeout(() => {
    form.setAttribute('data-busy', '');
    if (button && button.classList.contains('btn')) button.setAttribute('aria-busy', 'true');
  });
});
window.addEventListener('pageshow', rest);
document.addEventListener('htmx:finally:request', rest);

on('click', '[data-show]', (event, button) => {
  const input = document.getElementById(button.dataset.show);
  const shown = input.type === 'text';
  input.type = shown ? 'password' : 'text';
  button.setAttribute('aria-pressed', String(!shown));
  button.setAttribute('aria-label', shown ? text.show : text.hide);
});

on('input', 'input[type=range][data-out]', (event, input) => { document.getElementById(input.dataset.out).textContent = input.value; });
on('click', '[data-toast]', (event, button) => { event.preventDefault(); window.gallery.toast(button.dataset.toast, button.dataset); });
on('change', '[data-submit]', (event, control) => control.form.requestSubmit());
on('change', '[data-check-all]', (event, control) => {
  control.closest('form, table').querySelectorAll(`[name="${control.dataset.checkAll}"]`).forEach((box) => { box.checked = control.checked; });
});

const bad = document.querySelector('[data-first-error] [aria-invalid="true"]');
if (bad) bad.focus();
