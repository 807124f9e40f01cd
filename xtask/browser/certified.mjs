// The certified OpenID Connect provider in its rarer modes. People log in by their address, so that no browser is needed.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import Provider from 'oidc-provider';

const KINDS = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};

/** The page on which people log in with a browser. */
const LOGIN = '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Log in</title>'
  + '<form><label>Name <input name="person"></label> <button>Log in</button></form></html>';

/** What people's claims are, beside their subject. */
export const claimsOf = (name) => ({ sub: name, name: `Full Name of ${name}`, national_number: `national-${name}` });

/** The subject that a client is told. */
export const pairwise = (name) => `pairwise-${name}`;

/**
 * A provider at `issuer` with a new key for each of the algorithms. `record` is given every answer and every request that holds a secret.
 */
function provider(issuer, { algorithms, client, configuration = {} }, record, problems) {
  const keys = algorithms.map((alg) => ({ ...KINDS[alg]().privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg }));
  const { features, ...others } = configuration;
  const made = new Provider(issuer, {
    jwks: { keys },
    clients: [{ subject_type: 'pairwise', id_token_signed_response_alg: algorithms[0], ...client }],
    subjectTypes: ['public', 'pairwise'],
    pairwiseIdentifier: (ctx, accountId) => pairwise(accountId),
    acrValues: ['low', 'high'],
    claims: { openid: ['sub'], acr: null, person: ['name', 'national_number'] },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => claimsOf(id) }),
    loadExistingGrant: async (ctx) => {
      const grant = new made.Grant({ accountId: ctx.oidc.session.accountId, clientId: ctx.oidc.client.clientId });
      grant.addOIDCScope('openid person');
      await grant.save();
      return grant;
    },
    enabledJWA: {
      idTokenSigningAlgValues: ['ES256', 'RS256', 'PS256', 'EdDSA'],
      userinfoSigningAlgValues: ['ES256', 'RS256'],
      idTokenEncryptionAlgValues: ['ECDH-ES', 'ECDH-ES+A256KW'],
      idTokenEncryptionEncValues: ['A128GCM', 'A256GCM'],
    },
    pkce: { required: () => true },
    // The client's key set is at this machine, where the provider's own way of fetching does not go.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    interactions: { url: (ctx, { uid }) => `/person/${uid}` },
    cookies: { keys: ['a key of the test'] },
    features: {
      devInteractions: { enabled: false },
      encryption: { enabled: true },
      jwtUserinfo: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      ...features,
    },
    ...others,
  });
  for (const event of ['pushed_authorization_request.error', 'authorization.error', 'grant.error', 'userinfo.error', 'server_error']) {
    made.on(event, (ctx, error) => problems.push(`${event}: ${error.message} ${error.error_description ?? ''} ${error.error_detail ?? ''}`));
  }
  made.use(async (ctx, next) => {
    if (ctx.path.startsWith('/person/')) {
      const { person, acr, error } = ctx.query;
      if (!person && !error) {
        ctx.body = LOGIN;
        return undefined;
      }
      const result = error ? { error } : { login: { accountId: person, acr } };
      return ctx.redirect(await made.interactionResult(ctx.req, ctx.res, result));
    }
    await next();
    const sent = { ...ctx.oidc?.body, authorization: ctx.headers.authorization };
    record({ path: ctx.path, sent, answer: ctx.body, status: ctx.status });
    return undefined;
  });
  return made;
}

/** Starts a provider in this mode at this port. With `tls`, a key and a certificate, it speaks https. */
export async function startCertified(port, mode, tls) {
  const issuer = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  const exchanges = [];
  const problems = [];
  const renew = () => provider(issuer, mode, (exchange) => exchanges.push(exchange), problems).callback();
  let handle = renew();
  const answer = (request, response) => handle(request, response);
  const server = tls ? createSecureServer(tls, answer) : createServer(answer);
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    issuer,
    /** What came in and went out, except at the person's own page. */
    exchanges,
    /** The errors that the provider saw. */
    problems,
    /** The requests at this path. */
    requests: (path) => exchanges.filter((exchange) => exchange.path === path),
    /** Starts anew with other keys and without memory. */
    rotate: () => { handle = renew(); },
    close: () => { server.close(); server.closeAllConnections(); },
  };
}
