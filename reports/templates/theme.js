// The page's theme: the system's, or the one that was chosen here, remembered where the browser allows it.
'use strict';
(() => {
  const KEY = 'report-theme', root = document.documentElement;
  const stored = () => {
    try { return localStorage.getItem(KEY); } catch { return null; }
  };
  const apply = (theme) => {
    if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  const store = (theme) => {
    try {
      if (theme === 'auto') localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch { /* not remembered */ }
  };
  apply(stored());
  document.addEventListener('DOMContentLoaded', () => {
    const header = document.querySelector('header');
    if (!header) return;
    const group = document.createElement('div');
    group.className = 'themes';
    group.setAttribute('role', 'group');
    group.setAttribute('aria-label', 'Theme');
    const buttons = ['auto', 'light', 'dark'].map((theme) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = theme;
      button.addEventListener('click', () => {
        apply(theme);
        store(theme);
        mark(theme);
      });
      group.append(button);
      return button;
    });
    const mark = (theme) => buttons.forEach((button) => {
      button.setAttribute('aria-pressed', String(button.textContent === theme));
    });
    mark(root.dataset.theme || 'auto');
    header.prepend(group);
  });
})();
