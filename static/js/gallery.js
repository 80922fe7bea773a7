/* Every page loads this one file; `core.bundles` replaces the imports by the files when static files are collected.
   Each behaviour improves markup that works without it. The only global is window.gallery. */
import "./dom.js";
import "./toasts.js";
import "./appearance.js";
import "./menus.js";
import "./copy.js";
import "./dialogs.js";
import "./tabs.js";
import "./keys.js";
import "./forms.js";
import "./values.js";
import "./crop.js";
import "./swaps.js";
