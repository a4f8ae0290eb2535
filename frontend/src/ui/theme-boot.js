// Runs before the first paint, see vite/theme-boot.ts. Without a choice the CSS follows the system.
try {
  var theme = localStorage.getItem('meanwhile:theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be blocked; the system's theme is then right.
}
