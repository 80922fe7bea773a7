/* Toasts: one polite live region, at most three; none leaves while a pointer or the focus is on it. */
const { all, text } = window.gallery;

function toast(message, options = {}) {
  const box = document.getElementById('toasts');
  if (!box) return null;
  const element = document.createElement('div');
  element.className = `toast${options.kind ? ` toast-${options.kind}` : ''}`;
  const words = document.createElement('span');
  words.className = 'grow';
  words.textContent = message;
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = options.action || text.close;
  button.addEventListener('click', () => { element.remove(); if (options.onAction) options.onAction(); });
  element.append(document.createElement('span'), words, button);
  box.append(element);
  while (box.children.length > 3) box.firstElementChild.remove();

  let timer = 0;
  const stay = () => clearTimeout(timer);
  const leave = () => { stay(); if (!options.sticky) timer = setTimeout(() => element.remove(), options.action ? 8000 : 5000); };
  for (const type of ['pointerenter', 'focusin']) element.addEventListener(type, stay);
  for (const type of ['pointerleave', 'focusout']) element.addEventListener(type, leave);
  leave();
  return element;
}
window.gallery.toast = toast;

/* Those that came with the page are said again, so that they are announced and leave like the others. */
all('[data-toast-sent]').forEach((sent) => {
  const danger = sent.classList.contains('toast-danger');
  const message = sent.textContent;
  sent.remove();
  toast(message, { kind: danger ? 'danger' : '', sticky: danger });
});

/* Sent by the server: HX-Trigger: {"toast": {"text": "…"}} */
document.addEventListener('toast', (event) => {
  if (event.detail && event.detail.text) toast(event.detail.text, event.detail);
});
