// Runs before the first paint and before every module, see vite/page-boot.ts. Without a choice the CSS follows the system.
try {
  var theme = localStorage.getItem('meanwhile:theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be blocked; the system's theme is then right.
}

// The content security policy takes only styles that carry the nonce of this page. What locks scrolling behind a
// dialog (react-style-singleton, by get-nonce) looks for it under this name.
self.__webpack_nonce__ = document.currentScript.nonce;

// The policy lets no text become code (https://www.w3.org/TR/trusted-types/), but for the addresses of our own workers.
if (self.trustedTypes) {
  self.trustedTypes.createPolicy('default', {
    createScriptURL(text) {
      var url = new URL(text, location.href);
      return url.origin === location.origin && url.pathname.startsWith('/assets/') ? text : null;
    },
  });
}
