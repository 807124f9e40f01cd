// A screen, and the rules for a page on it: it loads nothing from other hosts, logs no errors, and is not wider than the screen.

const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile Safari/604.1';

/** The screens. The widths are those of a common phone and of a small laptop, in CSS pixels. */
export const SCREENS = [
  { name: 'phone', options: { viewport: { width: 390, height: 844 }, userAgent: IPHONE, isMobile: true, hasTouch: true, deviceScaleFactor: 2 } },
  { name: 'laptop', options: { viewport: { width: 1280, height: 800 } } },
];

/** Opens an empty page in a new profile, and records what breaks the rules until it is closed. */
export async function openScreen(browser, screen, origins) {
  const context = await browser.newContext({ ...screen.options, serviceWorkers: 'block' });
  context.setDefaultTimeout(15_000);
  const complaints = [];
  await keepInside(context, origins, complaints);
  await listen(context, origins, complaints);
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

/** Whether this address is one of the deployment under test, which is the first of the origins. */
const isOurs = (url, origins) => url.startsWith(origins[0]) || url === 'about:blank';

/** Blocks requests to other origins, and records them. */
async function keepInside(context, origins, complaints) {
  const isOutside = (url) => !origins.includes(url.origin) && !['data:', 'blob:', 'about:'].includes(url.protocol);
  await context.route(isOutside, (route) => {
    // The provider's own pages may want what they like; they get nothing either.
    if (isOurs(route.request().frame().url(), origins)) complaints.push(`wanted ${route.request().url()}, which is elsewhere`);
    return route.abort();
  });
  await context.routeWebSocket(() => true, (socket) => {
    complaints.push(`opened the web socket ${socket.url()}`);
    return socket.close();
  });
}

/**
 * The script of the API reference tries to compile code at run time. The policy forbids that, and the script works without it.
 * No other violation of the policy is allowed.
 */
const ASKED_AND_REFUSED = 'script-src refused eval';

/** What the browser says about a request while a check has taken its connection away. */
const OFFLINE = 'net::ERR_INTERNET_DISCONNECTED';

/** Records errors in the console, uncaught exceptions, and violations of the content security policy. */
async function listen(context, origins, complaints) {
  context.on('console', (message) => {
    const isError = message.type() === 'error' && !message.text().includes(OFFLINE);
    if (isError && isOurs(message.page()?.url() ?? '', origins)) complaints.push(`console: ${message.text()} (${message.location().url})`);
  });
  context.on('weberror', (error) => complaints.push(`uncaught: ${error.error().message}`));
  await context.addInitScript((harmless) => {
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
      const refusal = `${effectiveDirective} refused ${blockedURI}`;
      if (refusal !== harmless) console.error(`content security policy: ${refusal}`);
    });
  }, ASKED_AND_REFUSED);
}

/** The error if the page is wider than the screen, with the elements that are too wide. */
async function misfits(page, width) {
  const { shown, needed, widest } = await page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    const out = [...document.querySelectorAll('body *')].find((element) => element.getBoundingClientRect().right > clientWidth + 1);
    return { shown: clientWidth, needed: scrollWidth, widest: out?.outerHTML.slice(0, 120) };
  });
  if (shown > width) return [`the page is laid out for ${shown} pixels, the screen has ${width}`];
  return needed > shown ? [`the page needs ${needed} pixels, the screen has ${shown}: ${widest}`] : [];
}
