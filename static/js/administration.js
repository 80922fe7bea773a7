// Before htmx starts: it would write a style element, which the policy of these pages refuses, and it need not evaluate strings.
window.htmx.config.includeIndicatorStyles = false;
window.htmx.config.allowEval = false;

// What the administration's templates leave to the mouse, for keyboards and screen readers.
document.addEventListener("DOMContentLoaded", () => {
  const text = (selector, inside = document) => inside.querySelector(selector)?.textContent.replace(/\s+/g, " ").trim();
  const site = text("#site-name") || document.title;
  document.getElementById("main")?.setAttribute("role", "main");
  if (document.documentElement.lang === "zh-hans") document.documentElement.lang = "zh-Hans";

  for (const area of document.querySelectorAll("[data-simplebar]")) {
    const group = area.closest("fieldset");
    const label = area.closest("#nav-sidebar") ? site : (group && text("h2, h3", group)) || text("h1") || site;
    area.setAttribute("data-simplebar-aria-label", label);
  }

  for (const control of document.querySelectorAll("a[x-on\\:click]:not([href]), span[x-on\\:click]")) {
    control.setAttribute("role", "button");
    control.tabIndex = 0;
    if (control.matches(".material-symbols-outlined")) control.setAttribute("aria-label", control.title || site);
    control.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      control.click();
    });
  }
});
