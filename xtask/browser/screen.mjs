// A screen of a certain size, and what a page on it must not do: load from elsewhere, complain, be wider than the screen.

/** Where the pages are looked at. The widths are a common phone's and a small laptop's, in CSS pixels. */
export const SCREENS = [
  { name: 'phone', options: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 } },
  { name: 'laptop', options: { viewport: { width: 1280, height: 800 } } },
];

/** Opens an empty page in a profile of its own and watches it until it is closed. */
export async function openScreen(browser, screen, origin) {
  const context = await browser.newContext({ ...screen.options, serviceWorkers: 'block' });
  context.setDefaultTimeout(15_000);
  const complaints = [];
  await keepInside(context, origin, complaints);
  await listen(context, complaints);
  const page = await context.newPage();
  return {
    page,
    assertClean: async () => {
      const all = [...complaints, ...await misfits(page, screen.options.viewport.width)];
      if (all.length > 0) throw new Error(all.join('\n        '));
    },
    close: () => context.close(),
  };
}

/** Lets no request leave for another origin, and notes those that tried. */
async function keepInside(context, origin, complaints) {
  const isOutside = (url) => url.origin !== origin && !['data:', 'blob:', 'about:'].includes(url.protocol);
  await context.route(isOutside, (route) => {
    complaints.push(`wanted ${route.request().url()}, which is elsewhere`);
    return route.abort();
  });
  await context.routeWebSocket(() => true, (socket) => {
    complaints.push(`opened the web socket ${socket.url()}`);
    return socket.close();
  });
}

/**
 * The API reference's script asks whether it may compile code at run time. It may not, and goes on without; the question
 * is the one thing that a page may be refused.
 */
const ASKED_AND_REFUSED = 'script-src refused eval';

/** Notes what the console shows as an error, what scripts throw, and what the content security policy refuses. */
async function listen(context, complaints) {
  context.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()} (${message.location().url})`);
  });
  context.on('weberror', (error) => complaints.push(`uncaught: ${error.error().message}`));
  await context.addInitScript((harmless) => {
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
      const refusal = `${effectiveDirective} refused ${blockedURI}`;
      if (refusal !== harmless) console.error(`content security policy: ${refusal}`);
    });
  }, ASKED_AND_REFUSED);
}

/** What is wrong if the page is wider than the screen; names what sticks out. */
async function misfits(page, width) {
  const { shown, needed, widest } = await page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    const out = [...document.querySelectorAll('body *')].find((element) => element.getBoundingClientRect().right > clientWidth + 1);
    return { shown: clientWidth, needed: scrollWidth, widest: out?.outerHTML.slice(0, 120) };
  });
  if (shown > width) return [`the page is laid out for ${shown} pixels, the screen has ${width}`];
  return needed > shown ? [`the page needs ${needed} pixels, the screen has ${shown}: ${widest}`] : [];
}
