/* Dialogs are <dialog>: focus and Escape are the browser's work. data-dialog names one, data-close closes it. */
const { all, closeMenus, each, on } = window.gallery;

/* A button inside a menu that the opening closes cannot take the focus back: the menu's head does. */
let menu = null;
on('click', '[data-dialog]', (event, opener) => {
  const dialog = document.querySelector(opener.dataset.dialog);
  if (!dialog || !dialog.showModal) return;
  event.preventDefault();
  menu = opener.closest('details.menu');
  closeMenus();
  for (const [name, value] of Object.entries(opener.dataset)) {
    if (name.startsWith('fill')) fill(dialog, name.slice(4).toLowerCase(), value);
  }
  dialog.showModal();
});

/* data-fill-path="a.txt" on the opener: writes into [name=path] and [data-fill-here=path] of the dialog. */
function fill(dialog, name, value) {
  all(`[name="${name}"]`, dialog).forEach((control) => { control.value = value; });
  all(`[data-fill-here="${name}"]`, dialog).forEach((place) => { place.textContent = value; });
}

document.addEventListener('close', (event) => {
  if (event.target.matches('dialog') && menu) { menu.querySelector('summary').focus(); menu = null; }
}, true);
on('click', '[data-close]', (event, button) => { const dialog = button.closest('dialog'); if (dialog) { event.preventDefault(); dialog.close(); } });
on('click', 'dialog.dialog', (event, dialog) => { if (event.target === dialog && !dialog.querySelector('form[data-dirty]')) dialog.close(); });
each('dialog[data-open]', (dialog) => { if (!dialog.open) dialog.showModal(); });
if (/^#[\w-]+$/.test(location.hash)) {
  const named = document.querySelector(`dialog${location.hash}`);
  if (named) named.showModal();
}

/* Type the name to arm the button; without script the server compares. */
function arm(input) {
  const button = input.closest('form').querySelector('[data-armed]');
  button.disabled = input.value.trim() !== input.dataset.match;
}
each('[data-match]', arm);
on('input', '[data-match]', (event, input) => arm(input));
