/* Runs before first paint, so that the chosen colours never flash. */
(function () {
  document.documentElement.setAttribute('data-js', '');
  try {
    const theme = localStorage.getItem('gallery-theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.setAttribute('data-theme', theme);
  } catch { /* storage is blocked: follow the system */ }
})();
