/* Menus are <details>: Escape, a click elsewhere or leaving by keyboard closes them; arrows walk. */
const { all, on } = window.gallery;

function close(keep) {
  all('details.menu[open]').forEach((menu) => { if (menu !== keep && !menu.contains(keep)) menu.open = false; });
}
window.gallery.closeMenus = close;

document.addEventListener('click', (event) => close(event.target.closest('details.menu')));
document.addEventListener('focusin', (event) => {
  const menu = document.querySelector('details.menu[open]');
  if (menu && !menu.contains(event.target)) menu.open = false;
});
on('keydown', 'details.menu', (event, menu) => {
  if (!menu.open) return;
  if (event.key === 'Escape') {
    menu.open = false;
    menu.querySelector('summary').focus();
    event.stopPropagation();
  }
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    const items = all('a[href], button:not([disabled]), input', menu.querySelector('.menu-pop'));
    const here = items.indexOf(document.activeElement);
    const next = items[(here + (event.key === 'ArrowDown' ? 1 : items.length - (here < 0 ? 0 : 1)) + items.length) % items.length];
    if (next) { next.focus(); event.preventDefault(); }
  }
});

/* Rows that scroll on narrow screens: bring the current item into view. */
all('.rail [aria-current], .tabs [aria-current]').forEach((item) => {
  const row = item.parentElement;
  if (row.scrollWidth > row.clientWidth) row.scrollLeft = item.offsetLeft - row.offsetLeft - 16;
});
