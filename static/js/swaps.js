/* htmx 4: the CSRF header in one place, no polling in hidden tabs, focus after a swap, words for a lost connection. */
const { text, toast } = window.gallery;

document.addEventListener('htmx:config:request', (event) => {
  const token = document.querySelector('meta[name=csrf-token]');
  if (token) event.detail.ctx.request.headers['X-CSRFToken'] = token.content;
});
document.addEventListener('htmx:before:request', (event) => {
  const source = event.detail.ctx && event.detail.ctx.sourceElement;
  if (document.hidden && source && /^every /.test(source.getAttribute('hx-trigger') || '')) event.preventDefault();
});
document.addEventListener('htmx:error', () => toast(text.failed, { kind: 'danger' }));

/* A page of results moves the focus to its heading: mark it data-focus. A fixed form keeps the focus on its first error. */
document.addEventListener('htmx:after:swap', (event) => {
  const target = event.detail.ctx && event.detail.ctx.target;
  if (!target || !target.querySelector) return;
  const bad = target.querySelector('[aria-invalid="true"]');
  const head = target.querySelector('[data-focus]');
  if (bad) bad.focus(); else if (head) { head.tabIndex = -1; head.focus({ preventScroll: false }); }
});
