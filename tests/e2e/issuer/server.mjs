// An OpenID provider for tests: access tokens for a client of the registry, id tokens of test persons.
//
// node server.mjs PORT CLIENT_ID CLIENT_SECRET RESOURCE SCOPES
//
// Whoever is named in `login_hint` is signed in without being asked. SIGHUP brings a new signing key; keys
// that signed before stay in the key set. Says `ready`, and `rotated`, on standard output.

import './node18.mjs';

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

const [port, clientId, clientSecret, resource, scopes] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const PERSONAL_NUMBER = 'https://claims.oidc.se/1.0/personalNumber';

const newKey = () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg: 'ES256', use: 'sig' };
};

const newProvider = (keys) => {
  const provider = new Provider(issuer, {
    jwks: { keys },
    cookies: { keys: [randomUUID()] },
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        grant_types: ['client_credentials', 'authorization_code'],
        redirect_uris: ['https://e-service.example/callback'],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    claims: { openid: ['sub', PERSONAL_NUMBER] },
    conformIdTokenClaims: false,
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, audience) => ({
          scope: scopes,
          audience,
          accessTokenTTL: 300,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
        useGrantedResource: () => false,
      },
    },
    findAccount: (_, number) => ({
      accountId: number,
      claims: () => ({ sub: number, [PERSONAL_NUMBER]: number }),
    }),
    interactions: { url: (_, interaction) => `/signing-in/${interaction.uid}` },
    loadExistingGrant: async (context) => {
      const grant = new provider.Grant({
        clientId: context.oidc.client.clientId,
        accountId: context.oidc.session.accountId,
      });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
    ttl: { AccessToken: 300, ClientCredentials: 300, Grant: 300, IdToken: 300, Interaction: 300, Session: 300 },
  });
  return provider;
};

let keys = [newKey()];
let provider = newProvider(keys);

process.on('SIGHUP', () => {
  keys = [newKey(), ...keys];
  provider = newProvider(keys);
  console.log('rotated');
});

const signIn = async (request, response) => {
  const { params } = await provider.interactionDetails(request, response);
  await provider.interactionFinished(request, response, { login: { accountId: params.login_hint } });
};

createServer((request, response) => {
  if (request.url.startsWith('/signing-in/')) {
    signIn(request, response).catch((error) => response.writeHead(500).end(String(error)));
  } else {
    provider.callback()(request, response);
  }
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
