/* window.gallery: what the other behaviours stand on. */
const words = document.getElementById('strings');

window.gallery = {
  /* The server's words in the language of the page. */
  text: words ? JSON.parse(words.textContent) : {},

  /* Handles an event on every present and future element that matches. */
  on(type, selector, handle) {
    document.addEventListener(type, (event) => {
      const element = event.target.closest && event.target.closest(selector);
      if (element) handle(event, element);
    });
  },

  all(selector, from = document) {
    return [...from.querySelectorAll(selector)];
  },

  /* Calls `set` once for every matching element, also for those that a swap brings later. */
  each(selector, set) {
    const seen = new WeakSet();
    const run = () => window.gallery.all(selector).forEach((element) => {
      if (!seen.has(element)) { seen.add(element); set(element); }
    });
    run();
    document.addEventListener('htmx:after:swap', run);
  },

  remember(key, value) {
    try {
      if (value === null) localStorage.removeItem(key); else localStorage.setItem(key, value);
    } catch { /* storage is blocked: the choice lasts for this page */ }
  },

  recall(key) {
    try { return localStorage.getItem(key); } catch { return null; }
  },
};
