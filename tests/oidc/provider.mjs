// SPDX-License-Identifier: Apache-2.0
// An OpenID provider, oidc-provider from npm, for tests and for trying things out:
//
//     node provider.mjs PACKAGES PORT AUDIENCE
//
// PACKAGES is the directory where npm installed it; with port 0 it takes any. The first line on
// stdout is its issuer. Everything is as oidc-provider does it: discovery, key set, device flow,
// authorization code with PKCE, login forms that take any name. Besides, for tests:
//
//     GET /mint?sub=S&scope=…&aud=A&ttl=N&alg=RS256|ES256|EdDSA   an access token of it, as text
//     GET /lifetime?ttl=N                      access tokens of logins are valid for N seconds from now on
//     GET /rotate                              other keys from now on; those before are not published
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const [packages, port, audience] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${packages}/x.js`));
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

const scopes = ['users', 'repositories', 'tags']
  .flatMap((context) => ['read', 'write', 'manage'].map((level) => `${level}:drawbridge_${context}`));
let generation = 0;
let lifetime = 3600;

function makeKeys() {
  generation += 1;
  const kinds = [['rsa', { modulusLength: 2048 }, 'RS256'], ['ec', { namedCurve: 'P-256' }, 'ES256'],
    ['ed25519', {}, 'EdDSA']];
  // By way of PEM: node 20 waits for ever if the garbage collector comes to a generated key's job
  // while that key is exported as JWK, for both lock the key.
  const pem = { publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' } };
  return kinds.map(([kind, options, alg]) => ({
    ...createPrivateKey(generateKeyPairSync(kind, { ...options, ...pem }).privateKey).export({ format: 'jwk' }),
    kid: `${alg}-${generation}`, alg, use: 'sig',
  }));
}

const resource = (aud, alg = 'RS256', ttl = lifetime) => ({
  scope: scopes.join(' '), audience: aud, accessTokenTTL: ttl, accessTokenFormat: 'jwt',
  jwt: { sign: { alg } },
});

function makeProvider(issuer) {
  const provider = new Provider(issuer, {
    jwks: { keys: makeKeys() },
    scopes: ['openid', 'profile', 'offline_access', ...scopes],
    clients: [{
      client_id: 'enarx', token_endpoint_auth_method: 'none', application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      redirect_uris: ['http://127.0.0.1/callback'], response_types: ['code'],
    }],
    cookies: { keys: ['tests only'] },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    features: {
      devInteractions: { enabled: true }, deviceFlow: { enabled: true }, userinfo: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true, defaultResource: () => audience, useGrantedResource: () => true,
        getResourceServerInfo: (ctx, indicator) => resource(indicator),
      },
    },
  });
  return provider;
}

async function mint(provider, query) {
  const client = await provider.Client.find('enarx');
  const token = new provider.AccessToken({
    accountId: query.get('sub'), client, scope: query.get('scope') ?? '', aud: query.get('aud') ?? audience,
    resourceServer: new provider.ResourceServer(query.get('aud') ?? audience,
      resource(query.get('aud') ?? audience, query.get('alg') ?? 'RS256')),
  });
  const ttl = Number(query.get('ttl') ?? 3600);
  token.resourceServer.accessTokenTTL = ttl;
  token.expiresIn = ttl;
  return token.save();
}

let provider;
let issuer;
const server = createServer(async (request, response) => {
  const url = new URL(request.url, issuer);
  try {
    if (url.pathname === '/mint') {
      response.end(await mint(provider, url.searchParams));
    } else if (url.pathname === '/lifetime') {
      lifetime = Number(url.searchParams.get('ttl'));
      response.end();
    } else if (url.pathname === '/rotate') {
      provider = makeProvider(issuer);
      response.end();
    } else {
      await provider.callback()(request, response);
    }
  } catch (error) {
    response.statusCode = 500;
    response.end(String(error.stack));
  }
});
server.listen(Number(port), '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  provider = makeProvider(issuer);
  console.log(issuer);
});
