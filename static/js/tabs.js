/* Panes inside one page; tabs that lead to another page are links. */
const { all, each } = window.gallery;

each('[data-tabs]', (box) => {
  const tabs = all('[role=tab]', box);
  const pick = (tab, focus) => {
    tabs.forEach((other) => {
      const chosen = other === tab;
      other.setAttribute('aria-selected', String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      document.getElementById(other.getAttribute('aria-controls')).hidden = !chosen;
    });
    if (focus) tab.focus();
  };
  tabs.forEach((tab, position) => {
    tab.tabIndex = tab.getAttribute('aria-selected') === 'true' ? 0 : -1;
    tab.addEventListener('click', () => pick(tab));
    tab.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) { event.preventDefault(); pick(tabs[(position + step + tabs.length) % tabs.length], true); }
    });
  });
});
