// Adds comfort to pages that work without it: copies links, and follows what happens elsewhere.

'use strict';

// A button that copies a link.
for (const button of document.querySelectorAll('[data-copy]')) {
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
for (const time of document.querySelectorAll('time[datetime]')) {
  const date = 'time' in time.dataset ? {} : { dateStyle: 'medium' };
  time.textContent = new Date(time.dateTime).toLocaleString([], { ...date, timeStyle: 'short' });
}

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
