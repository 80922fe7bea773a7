/* Copy buttons: data-copy holds the text, data-copy-from a selector; shell prompts stay behind. */
const { on, text, toast } = window.gallery;

on('click', '[data-copy], [data-copy-from]', (event, button) => {
  const source = button.dataset.copyFrom ? document.querySelector(button.dataset.copyFrom) : null;
  const copied = source ? (source.value !== undefined ? source.value : source.textContent.replace(/^\$ /gm, '')) : button.dataset.copy;
  const done = () => {
    button.setAttribute('data-done', '');
    toast(text.copied);
    setTimeout(() => button.removeAttribute('data-done'), 1600);
  };
  /* Plain http has no clipboard interface. */
  const byHand = () => {
    const area = document.createElement('textarea');
    area.value = copied;
    area.className = 'vh';
    (button.closest('dialog') || document.body).append(area);
    area.select();
    try { document.execCommand('copy'); done(); } finally { area.remove(); button.focus(); }
  };
  if (navigator.clipboard && window.isSecureContext) navigator.clipboard.writeText(copied).then(done, byHand); else byHand();
});
