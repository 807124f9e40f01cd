// Adds comfort to pages that work without it: copies links, and follows what happens elsewhere.

'use strict';

// Adds comfort to what is on the page, or to a part that was loaded again.
function dress(root) {
  // A button that copies a link.
  for (const button of root.querySelectorAll('[data-copy]')) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        button.textContent = button.dataset.copied;
      } catch {
        // The link is on the page, to be copied by hand.
        button.hidden = true;
      }
    });
  }
  // A moment is shown in the reader's own zone; its title keeps UTC.
  for (const time of root.querySelectorAll('time[datetime]')) {
    const date = 'time' in time.dataset ? {} : { dateStyle: 'medium' };
    time.textContent = new Date(time.dateTime).toLocaleString([], { ...date, timeStyle: 'short' });
  }
}
dress(document);

// A form is sent once, however often its button is pressed. Coming back to the page enables it again.
for (const form of document.forms) {
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = 'yes';
  });
}
addEventListener('pageshow', () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// A page that waits: asks whether its state has changed, at growing intervals, and at once when the person comes back to it.
const waiting = document.querySelector('[data-poll]');
if (waiting) {
  const { poll, state } = waiting.dataset;
  const SHORTEST = 1500;
  const LONGEST = 15000;
  let pause = SHORTEST;
  let timer;
  let asking = false;

  const ask = async () => {
    clearTimeout(timer);
    if (asking || document.hidden) return;
    asking = true;
    try {
      const response = await fetch(poll, { headers: { Accept: 'application/json' }, cache: 'no-store' });
      if (response.ok && (await response.json()).state !== state) {
        location.reload();
        return;
      }
    } catch {
      // Offline: the next question may succeed.
    } finally {
      asking = false;
    }
    timer = setTimeout(ask, pause);
    pause = Math.min(pause * 1.25, LONGEST);
  };
  const askNow = () => {
    pause = SHORTEST;
    ask();
  };

  document.addEventListener('visibilitychange', askNow);
  addEventListener('pageshow', askNow);
  addEventListener('online', askNow);
  timer = setTimeout(ask, pause);
}

// A part of a page that follows what happens: it is loaded again after each event, now and then for what has no event, and
// when the person comes back. What is open stays open, and nothing outside of the part changes.
const live = document.querySelector('[data-live]');
if (live && window.EventSource) {
  const NAMES = ['scheduled', 'failed', 'stamp_claimed', 'completed', 'expired', 'cancelled', 'updated'];
  const PAUSE = 250;
  const NOW_AND_THEN = 15000;
  let timer;
  let loading = false;
  let shown = live.innerHTML;

  const show = (html) => {
    if (html === shown) return;
    shown = html;
    const open = [...live.querySelectorAll('details')].map((details) => details.open);
    const focused = [...live.querySelectorAll('a, button, summary')].indexOf(document.activeElement);
    live.innerHTML = html;
    live.querySelectorAll('details').forEach((details, index) => { details.open = open[index] ?? details.open; });
    if (focused >= 0) live.querySelectorAll('a, button, summary')[focused]?.focus({ preventScroll: true });
    dress(live);
  };
  const load = async () => {
    timer = setTimeout(load, NOW_AND_THEN);
    if (loading || document.hidden) return;
    loading = true;
    try {
      // A page that answers a form is at another address than the one that shows it.
      const response = await fetch(live.dataset.page ?? location.href, { headers: { Accept: 'text/html' }, cache: 'no-store' });
      // The session has ended.
      if (response.redirected) location.reload();
      const page = new DOMParser().parseFromString(await response.text(), 'text/html');
      const part = page.getElementById(live.id);
      if (response.ok && part) show(part.innerHTML);
    } catch {
      // Offline, or the server is being replaced: a later attempt may succeed.
    } finally {
      loading = false;
    }
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(load, PAUSE);
  };

  let source;
  const follow = () => {
    source = new EventSource(live.dataset.live);
    source.addEventListener('open', soon);
    source.addEventListener('error', () => {
      // Closed for good, as by a gap in the events: start again.
      if (source.readyState === EventSource.CLOSED) setTimeout(follow, 5000);
    });
    for (const name of NAMES) source.addEventListener(`production_test.${name}`, soon);
  };
  follow();
  document.addEventListener('visibilitychange', soon);
  addEventListener('pageshow', soon);
}
