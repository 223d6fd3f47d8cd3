// What the tests are told, and openid-client for it.

import { webcrypto } from 'node:crypto'

// Debian 12's Node.js 18 has them, but not under these names.
globalThis.crypto ??= webcrypto
globalThis.CryptoKey ??= webcrypto.CryptoKey

export const client = await import('openid-client')

const wanted = (name) => {
  const value = process.env[`LATCHKEY_IDP_${name}`]
  if (!value) throw new Error(`LATCHKEY_IDP_${name} is not set: run tests/node/idp/run`)
  return value
}

export const URL_OF_PROVIDER = wanted('URL')
export const TENANT = wanted('TENANT')
export const API = wanted('API')
export const USER = wanted('USER')
export const PASSWORD = wanted('PASSWORD')
/** Where codes are sent; nobody listens there, since the person's browser stops before it. */
export const REDIRECT = 'https://app.example.org/callback'
export const SIGNED_OUT = 'https://app.example.org/signed-out'
export const ISSUER = `${URL_OF_PROVIDER}/${TENANT}/v2.0`

/** The applications, by role: `{ web: { id, secret }, … }`. */
const applications = JSON.parse(wanted('CLIENTS'))

/** openid-client's configuration for the application with this role, by discovery. ID tokens are verified by signature. */
export async function discovered(role, { authentication, metadata } = {}) {
  const { id, secret } = applications[role]
  const proof = authentication ?? (secret ? client.ClientSecretPost(secret) : client.None())
  const config = await client.discovery(new URL(ISSUER), id, metadata, proof)
  client.enableNonRepudiationChecks(config)
  return config
}

export const secretOf = (role) => applications[role].secret

/** What a client does before it sends a browser away. */
export async function begun(parameters = {}) {
  const verifier = client.randomPKCECodeVerifier()
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const request = {
    redirect_uri: REDIRECT,
    scope: 'openid profile email offline_access',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...parameters,
  }
  return {
    request,
    checks: { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true },
  }
}
