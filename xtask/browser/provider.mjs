// A certified OpenID Connect provider, in which people log in with any name. Its pages are its own development pages.

import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

/** Our name and secret at the provider. Both have characters that must be encoded before they are joined. */
export const CLIENT = { id: 'field test:+', secret: 'colon:plus+percent%space and more' };

/** Starts a provider at this port that leads back to this deployment. */
export async function startProvider(port, origin) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = `http://127.0.0.1:${port}`;
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' }] },
    clients: [{
      client_id: CLIENT.id,
      client_secret: CLIENT.secret,
      redirect_uris: [`${origin}/tpas/v1/verifications/callback`],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'ES256',
      subject_type: 'pairwise',
    }],
    subjectTypes: ['public', 'pairwise'],
    pairwiseIdentifier: (ctx, accountId) => `pairwise-${accountId}`,
    enabledJWA: { idTokenSigningAlgValues: ['ES256', 'RS256'] },
    features: { devInteractions: { enabled: true }, pushedAuthorizationRequests: { enabled: true } },
    pkce: { required: () => true },
    cookies: { keys: ['a key of the browser test'] },
  });
  const server = provider.listen(port, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { issuer, close: () => server.close() };
}

/** Logs in and agrees, on the provider's own pages. Ends where the provider leads back to. */
export async function logIn(page, name) {
  await page.locator('input[name="login"]').fill(name);
  await page.locator('input[name="password"]').fill('any');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
}

/** Cancels on the provider's pages. */
export async function cancel(page) {
  await page.getByRole('link', { name: /cancel/i }).click();
}
