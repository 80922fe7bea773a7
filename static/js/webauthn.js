/* allauth's scripts talk to the passkey; this says what went wrong. */
const words = document.getElementById('passkey-words').dataset;

document.addEventListener('allauth.error', (event) => {
  event.preventDefault();
  const cancelled = event.detail.exception && event.detail.exception.name === 'NotAllowedError';
  window.gallery.toast(cancelled ? words.busy : words.failed, { kind: 'danger' });
});
