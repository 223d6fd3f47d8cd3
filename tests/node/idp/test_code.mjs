// Discovery, the authorization code flow with PKCE, refresh, userinfo, sign-out.

import assert from 'node:assert/strict'
import test from 'node:test'

import { Person } from './person.mjs'
import { ISSUER, REDIRECT, SIGNED_OUT, USER, begun, client, discovered, secretOf } from './settings.mjs'

/** A person signs in to the application: openid-client's answer. */
async function signedIn(config, person = new Person(), parameters = {}) {
  const { request, checks } = await begun(parameters)
  const back = await person.signIn(client.buildAuthorizationUrl(config, request))
  return client.authorizationCodeGrant(config, back, checks)
}

test('discovery names the issuer, and what it can do', async () => {
  const metadata = (await discovered('web')).serverMetadata()
  assert.equal(metadata.issuer, ISSUER)
  assert.ok(metadata.supportsPKCE())
  assert.ok(metadata.authorization_response_iss_parameter_supported)
  for (const name of ['end_session_endpoint', 'device_authorization_endpoint', 'userinfo_endpoint', 'jwks_uri']) {
    assert.match(metadata[name] ?? '', /^https:\/\//, name)
  }
})

for (const [method, proof] of [
  ['client_secret_post', client.ClientSecretPost],
  ['client_secret_basic', client.ClientSecretBasic],
]) {
  test(`code and PKCE with ${method}`, async () => {
    const config = await discovered('web', { authentication: proof(secretOf('web')) })
    const tokens = await signedIn(config)
    const claims = tokens.claims()
    assert.equal(claims.preferred_username, USER)
    const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
    assert.equal(info.preferred_username, USER)
  })
}

test('a public client needs PKCE and nothing else', async () => {
  const config = await discovered('native')
  const tokens = await signedIn(config)
  assert.equal(tokens.claims().preferred_username, USER)
  const { request } = await begun({ code_challenge: '', code_challenge_method: '' })
  const refused = await new Person().signIn(client.buildAuthorizationUrl(config, request))
  assert.equal(refused.searchParams.get('error'), 'invalid_request')
})

test('an answer of another request, issuer or session is refused', async () => {
  const config = await discovered('web')
  const { request, checks } = await begun()
  const back = await new Person().signIn(client.buildAuthorizationUrl(config, request))
  const other = { ...checks, expectedState: client.randomState() }
  await assert.rejects(client.authorizationCodeGrant(config, back, other))
  const mixed = new URL(back)
  mixed.searchParams.set('iss', 'https://evil.example')
  await assert.rejects(client.authorizationCodeGrant(config, mixed, checks))
  const injected = { ...checks, pkceCodeVerifier: client.randomPKCECodeVerifier() }
  await assert.rejects(client.authorizationCodeGrant(config, back, injected), { error: 'invalid_grant' })
})

test('the session answers without a page, and only while it is fresh enough', async () => {
  const config = await discovered('web')
  const person = new Person()
  const first = (await signedIn(config, person)).claims()
  const silent = (await signedIn(config, person, { prompt: 'none' })).claims()
  assert.deepEqual([silent.sub, silent.auth_time, silent.sid], [first.sub, first.auth_time, first.sid])
  const { request, checks } = await begun({ max_age: '1000' })
  const back = await person.signIn(client.buildAuthorizationUrl(config, request))
  const aged = await client.authorizationCodeGrant(config, back, { ...checks, maxAge: 1000 })
  assert.equal(aged.claims().auth_time, first.auth_time)
  const stranger = await begun({ prompt: 'none' })
  const refused = await new Person().signIn(client.buildAuthorizationUrl(config, stranger.request))
  await assert.rejects(client.authorizationCodeGrant(config, refused, stranger.checks), { error: 'login_required' })
})

test('a refresh token is renewed once', async () => {
  const config = await discovered('web')
  const first = await signedIn(config)
  const second = await client.refreshTokenGrant(config, first.refresh_token)
  assert.equal(second.claims().sub, first.claims().sub)
  assert.notEqual(second.refresh_token, first.refresh_token)
  await assert.rejects(client.refreshTokenGrant(config, first.refresh_token), { error: 'invalid_grant' })
  await assert.rejects(client.refreshTokenGrant(config, second.refresh_token), { error: 'invalid_grant' })
  await assert.rejects(client.fetchUserInfo(config, second.access_token, second.claims().sub))
})

test('signing out ends the session and comes back', async () => {
  const config = await discovered('web')
  const person = new Person()
  const tokens = await signedIn(config, person)
  const parameters = { post_logout_redirect_uri: SIGNED_OUT, id_token_hint: tokens.id_token, state: 'bye' }
  let page = await person.open(client.buildEndSessionUrl(config, parameters))
  if (!page.next) page = await person.submit(page, { csrf: /name="csrf" value="([^"]*)"/.exec(page.html)[1] })
  assert.equal(page.next?.href, `${SIGNED_OUT}?state=bye`)
  const { request } = await begun({ prompt: 'none' })
  const silent = await person.signIn(client.buildAuthorizationUrl(config, request))
  assert.equal(silent.searchParams.get('error'), 'login_required')
  assert.ok(silent.href.startsWith(REDIRECT))
})
