// Meanwhile's players on other sites, version 1:
//
//   <div data-meanwhile="https://video.example.org/v/SLUG"></div>
//   <script async src="https://video.example.org/embed.js"></script>
//
// Each such element gets a player as wide as itself. data-t, data-autoplay, data-muted and data-comments go along as
// ?t=42&autoplay=1&muted=1&comments=1; data-ratio="4/3" and data-title are for the frame. What the player tells (see
// bridge.ts) arrives at the element as the event "meanwhile". For elements that come later: meanwhileEmbed.scan().
(function () {
  'use strict';
  var script = document.currentScript;
  // Only players of the server that this script came from: an attribute may have been written by anybody.
  var home = new URL(script ? script.src : location.href).origin;

  function addressOf(element) {
    try {
      var given = new URL(element.getAttribute('data-meanwhile'), home);
      var found = /^(.*)\/(?:v|embed)\/([\w-]+)\/?$/.exec(given.pathname);
      if (!found || given.origin !== home) return null;
      var address = new URL(found[1] + '/embed/' + found[2], home);
      var second = element.getAttribute('data-t') || given.searchParams.get('t');
      if (second) address.searchParams.set('t', second);
      ['autoplay', 'muted', 'comments'].forEach(function (name) {
        if (element.hasAttribute('data-' + name)) address.searchParams.set(name, '1');
      });
      return address.href;
    } catch {
      return null;
    }
  }

  function frameOf(element, address) {
    var frame = document.createElement('iframe');
    frame.src = address;
    frame.title = element.getAttribute('data-title') || 'Video';
    frame.loading = 'lazy';
    frame.referrerPolicy = 'strict-origin-when-cross-origin';
    frame.allow = 'autoplay; fullscreen; picture-in-picture';
    frame.allowFullscreen = true;
    var style = frame.style;
    style.display = 'block';
    style.width = '100%';
    style.border = '0';
    style.aspectRatio = element.getAttribute('data-ratio') || '16 / 9';
    return frame;
  }

  function scan() {
    document
      .querySelectorAll('[data-meanwhile]:not([data-meanwhile-on])')
      .forEach(function (element) {
        var address = addressOf(element);
        if (!address) return;
        element.setAttribute('data-meanwhile-on', '');
        element.replaceChildren(frameOf(element, address));
      });
  }

  // A player says how its picture is shaped once it knows.
  addEventListener('message', function (message) {
    var told = message.data;
    if (message.origin !== home || !told || told.meanwhile !== 1) return;
    document.querySelectorAll('[data-meanwhile-on] > iframe').forEach(function (frame) {
      if (frame.contentWindow !== message.source) return;
      var element = frame.parentNode;
      var shaped = element.hasAttribute('data-ratio') || element.hasAttribute('data-comments');
      if (told.width > 0 && told.height > 0 && !shaped) {
        frame.style.aspectRatio = told.width + ' / ' + told.height;
      }
      element.dispatchEvent(new CustomEvent('meanwhile', { detail: told }));
    });
  });

  window.meanwhileEmbed = { version: 1, scan: scan };
  if (document.readyState === 'loading') addEventListener('DOMContentLoaded', scan);
  else scan();
})();
