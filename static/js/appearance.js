/* Light, dark, or what the system says. */
const { all, on, remember } = window.gallery;
const root = document.documentElement;

function mark() {
  const theme = root.getAttribute('data-theme') || 'system';
  all('[data-theme-set]').forEach((button) => button.setAttribute('aria-pressed', String(button.dataset.themeSet === theme)));
}

on('click', '[data-theme-set]', (event, button) => {
  const theme = button.dataset.themeSet;
  if (theme === 'system') root.removeAttribute('data-theme'); else root.setAttribute('data-theme', theme);
  remember('gallery-theme', theme === 'system' ? null : theme);
  mark();
  const menu = button.closest('details');
  menu.open = false;
  menu.querySelector('summary').focus();
});
mark();
