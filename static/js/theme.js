/* Runs before first paint, so that the chosen colours never flash. */
(function () {
  document.documentElement.setAttribute('data-js', '');
  try {
    const theme = localStorage.getItem('gallery-theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.setAttribute('data-theme', theme);
  } catch { /* storage is blocked: follow the system */ }

  /* A page change that cannot be softened (a file, a page of another kind) is no error. */
  for (const type of ['pageswap', 'pagereveal']) {
    addEventListener(type, ({ viewTransition: change }) => {
      if (change) for (const promise of [change.ready, change.updateCallbackDone, change.finished]) promise.catch(() => {});
    });
  }
})();
