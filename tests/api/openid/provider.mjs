// A real OpenID provider for the tests: npm's oidc-provider behind TLS, with two additions.
// `POST /test/accounts` replaces the accounts, and `POST /test/forgery` changes the id tokens.
// `POST /test/keys` gives the provider a new signing key, and `POST /test/sign` signs any claims.
// Usage: node provider.mjs CONFIGURATION.

import { readFileSync } from 'node:fs';
import https from 'node:https';

import { SignJWT, UnsecuredJWT, decodeJwt, exportJWK, generateKeyPair, importJWK } from 'jose';
import Provider from 'oidc-provider';

const configuration = JSON.parse(readFileSync(process.argv[2], 'utf-8'));
const { port, client, cookieKey } = configuration;
const issuer = `https://127.0.0.1:${port}`;
let accounts = configuration.accounts;
let forgery = null;
let keys = [];
let serve;

async function newKey(kid) {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' };
}

async function findAccount(ctx, sub) {
  const claims = accounts[sub];
  return claims && { accountId: sub, claims: async () => ({ sub, ...claims }) };
}

function start() {
  const provider = new Provider(issuer, {
    clients: [client],
    jwks: { keys },
    cookies: { keys: [cookieKey] },
    claims: { openid: ['sub'], profile: ['preferred_username', 'name', 'roles', 'areas'] },
    scopes: ['openid', 'profile', 'offline_access'],
    conformIdTokenClaims: false,
    features: {
      devInteractions: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    findAccount,
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    pkce: { required: () => true },
    // Its own agent refuses loopback, where this site is.
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
    ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, RefreshToken: 3600,
      Grant: 3600, Interaction: 600, Session: 3600 },
  });
  provider.on('server_error', (ctx, error) => console.error(error));
  provider.on('backchannel.error', (ctx, error) => console.error(error));
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.path === '/token' && forgery && ctx.body?.id_token) {
      ctx.body.id_token = await forged(ctx.body.id_token, forgery);
    }
  });
  serve = provider.callback();
}

// A forgery names what is wrong: `claims` to set (null removes one), `alg`, and `key`: `own` is the
// key of the provider, `foreign` another key under the same id.
async function forged(token, forgery) {
  const changed = { ...decodeJwt(token), ...forgery.claims };
  for (const [name, value] of Object.entries(changed)) if (value === null) delete changed[name];
  return signed(changed, forgery);
}

async function signed(changed, { alg = 'RS256', key = 'own' }) {
  if (alg === 'none') return new UnsecuredJWT(changed).encode();
  const { kid } = keys[0];
  if (alg.startsWith('HS')) {
    return new SignJWT(changed).setProtectedHeader({ alg, kid })
      .sign(new TextEncoder().encode(client.client_secret));
  }
  const jwk = key === 'own' ? keys[0] : await newKey(kid);
  return new SignJWT(changed).setProtectedHeader({ alg, kid }).sign(await importJWK(jwk, alg));
}

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf-8'));
}

async function control(request, response) {
  const sent = await body(request);
  if (request.url === '/test/accounts') accounts = sent;
  else if (request.url === '/test/forgery') forgery = sent;
  else if (request.url === '/test/keys') {
    keys = [await newKey(sent.kid)];
    start();
  } else if (request.url === '/test/sign') {
    response.end(await signed(sent.claims, sent));
    return;
  }
  response.writeHead(204).end();
}

keys = [await newKey('first')];
start();
https.createServer(
  { key: readFileSync(configuration.tlsKey), cert: readFileSync(configuration.tlsCertificate) },
  (request, response) => (request.url.startsWith('/test/') ? control : serve)(request, response),
).listen(port, '127.0.0.1', () => console.log('ready'));
