/* Single-key shortcuts: off while typing, in dialogs and during composition, and when switched off (WCAG 2.1.4). */
const { all, on, recall, remember, text } = window.gallery;
const go = text.go || {};
/* The account says so in data-keys, this browser by the switch of the list. */
let off = document.body.dataset.keys === 'off' || recall('gallery-keys') === 'off';
let pending = false;

const visible = (element) => element.offsetParent !== null;

function walk(step) {
  const items = all('[data-list] > * > a, [data-list] > li > a, [data-list] .asset-t a, [data-list] th .fname').filter(visible);
  if (!items.length) return;
  const here = items.indexOf(document.activeElement);
  items[here < 0 ? 0 : Math.max(0, Math.min(items.length - 1, here + step))].focus();
}

document.addEventListener('keydown', (event) => {
  const target = event.target;
  if (off || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.keyCode === 229) return;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable || document.querySelector('dialog[open]')) return;
  if (pending && go[event.key]) { location.href = go[event.key]; return; }
  pending = event.key === 'g';
  if (pending) { setTimeout(() => { pending = false; }, 900); return; }
  if (event.key === '?') { const list = document.getElementById('keys'); if (list) { event.preventDefault(); list.showModal(); } return; }
  if (event.key === 'j' || event.key === 'k') { walk(event.key === 'j' ? 1 : -1); return; }
  const place = event.key === '/'
    ? all('[data-search]').filter(visible).pop() || all('input[type=search]').filter(visible)[0]
    : all(`[data-key="${CSS.escape(event.key)}"]`).filter(visible)[0];
  if (!place) return;
  event.preventDefault();
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(place.tagName)) { place.focus(); if (place.select) place.select(); } else place.click();
});

all('[data-keys-switch]').forEach((control) => { control.checked = !off; });
on('change', '[data-keys-switch]', (event, control) => {
  off = !control.checked;
  remember('gallery-keys', off ? 'off' : null);
});
