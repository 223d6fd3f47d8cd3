// npm's oidc-provider with its in-memory adapter, set up for the same grants as ours. Started by the bench:
// `node server.mjs PORT`; prints a line once it serves on 127.0.0.1. Whoever asks to sign in is signed in at once.

import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const resource = 'urn:bench:api';

const jwk = (pair, more) => ({ ...pair.privateKey.export({ format: 'jwk' }), use: 'sig', ...more });
const keys = [
    jwk(generateKeyPairSync('rsa', { modulusLength: 2048 }), { alg: 'RS256', kid: 'rs' }),
    jwk(generateKeyPairSync('ec', { namedCurve: 'P-256' }), { alg: 'ES256', kid: 'es' }),
];

// The algorithm of a client's tokens; a client of the third kind has opaque ones, which userinfo wants.
const algorithms = { rs: 'RS256', es: 'ES256', opaque: undefined };
const clients = Object.entries(algorithms).map(([id, algorithm]) => ({
    client_id: id,
    client_secret: 'bench-client-secret-of-enough-length',
    token_endpoint_auth_method: 'client_secret_post',
    grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: ['http://127.0.0.1:9/cb'],
    id_token_signed_response_alg: algorithm ?? 'RS256',
}));

const provider = new Provider(issuer, {
    clients,
    jwks: { keys },
    cookies: { keys: ['bench'] },
    scopes: ['openid', 'profile', 'offline_access'],
    claims: { openid: ['sub'], profile: ['name', 'given_name', 'preferred_username'] },
    findAccount: async (ctx, id) => ({
        accountId: id,
        claims: async () => ({ sub: id, name: 'Alice', given_name: 'Alice', preferred_username: 'alice@example.org' }),
    }),
    features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        resourceIndicators: {
            enabled: true,
            defaultResource: (ctx, client) => (algorithms[client.clientId] ? resource : undefined),
            useGrantedResource: () => true,
            getResourceServerInfo: (ctx, indicator, client) => ({
                scope: 'read',
                accessTokenFormat: 'jwt',
                jwt: { sign: { alg: algorithms[client.clientId] } },
            }),
        },
    },
    rotateRefreshToken: true,
    issueRefreshToken: () => true,
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    async loadExistingGrant(ctx) {
        const { session, client } = ctx.oidc;
        const known = session.grantIdFor(client.clientId);
        if (known) {
            return provider.Grant.find(known);
        }
        const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
        grant.addOIDCScope('openid profile offline_access');
        grant.addResourceScope(resource, 'read');
        await grant.save();
        return grant;
    },
});

provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith('/interaction/')) {
        return next();
    }
    const login = { login: { accountId: 'alice' } };
    ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, login));
});

provider.listen(port, '127.0.0.1', () => console.log(`oidc-provider on ${issuer}`));
