// Light, dark, or as the system is. Without this module the page follows the system.
const YEAR = 365 * 24 * 3600;
const root = document.documentElement;

function show(theme) {
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === theme));
  }
}

function choose(theme) {
  const life = theme ? YEAR : 0;
  document.cookie = `theme=${theme}; path=/; max-age=${life}; samesite=lax`;
  show(theme);
}

for (const box of document.querySelectorAll(".themes")) box.hidden = false;
for (const button of document.querySelectorAll("[data-theme-choice]")) {
  button.addEventListener("click", () => choose(button.dataset.themeChoice));
}
show(root.dataset.theme ?? "");
