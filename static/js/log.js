/* A log that grows: stays at its end unless somebody scrolled up, can be paused, and keeps a bounded number of lines. */
const { all, each, on } = window.gallery;
const MOST = 5000;
const NEAR = 24;

const atEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
const toEnd = (box) => { box.scrollTop = box.scrollHeight; };

each('[data-log-box]', (box) => {
  const down = box.parentElement.querySelector('[data-log-down]');
  if (!box.hasAttribute('data-log-still')) toEnd(box);
  box.following = !box.hasAttribute('data-log-still');
  box.addEventListener('scroll', () => {
    box.following = atEnd(box);
    down.hidden = box.following || box.hasAttribute('data-log-still');
  });
  down.addEventListener('click', () => { toEnd(box); box.focus(); });
});

on('click', '[data-log-pause]', (event, button) => {
  const paused = button.getAttribute('aria-pressed') !== 'true';
  button.setAttribute('aria-pressed', paused);
  button.closest('[data-log]').toggleAttribute('data-paused', paused);
});
document.addEventListener('htmx:before:request', (event) => {
  const source = event.detail.ctx && event.detail.ctx.sourceElement;
  if (source && source.closest('.log-more') && source.closest('[data-paused]')) event.preventDefault();
});

document.addEventListener('htmx:after:swap', () => all('[data-log-box]').forEach((box) => {
  const list = box.querySelector('ol');
  const none = box.querySelector('.log-none');
  const pause = box.parentElement.querySelector('[data-log-pause]');
  if (none && list.querySelector('li:not(.log-more)')) none.remove();
  if (pause && !list.querySelector('.log-more')) pause.remove();
  if (!box.following || box.hasAttribute('data-log-still')) return;
  const over = list.children.length - MOST;
  if (over > 0) {
    [...list.children].slice(0, over).forEach((line) => line.remove());
    if (list.hasAttribute('start')) list.start += over;
  }
  toEnd(box);
}));
