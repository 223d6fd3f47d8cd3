// What needs no redirect, and what is opted into: client credentials, device codes, pushed requests, DPoP.

import assert from 'node:assert/strict'
import test from 'node:test'

import { Person } from './person.mjs'
import { API, USER, begun, client, discovered } from './settings.mjs'

test('an application asks for itself', async () => {
  const config = await discovered('web')
  const tokens = await client.clientCredentialsGrant(config, { scope: `${API}/.default` })
  assert.equal(tokens.token_type, 'bearer')
  assert.equal(tokens.refresh_token, undefined)
  const wrong = await discovered('web', { authentication: client.ClientSecretPost('not-the-secret') })
  // RFC 6749 §5.2: 401 with a challenge.
  const challenged = { code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE', status: 401 }
  await assert.rejects(client.clientCredentialsGrant(wrong, { scope: `${API}/.default` }), challenged)
})

test('a device is approved on another screen', async () => {
  const config = await discovered('native')
  const begun = await client.initiateDeviceAuthorization(config, { scope: 'openid profile offline_access' })
  const person = new Person()
  let page = await person.open(begun.verification_uri)
  page = await person.through(await person.submit(page, { step: 'device-code', otc: begun.user_code }))
  await person.submit(page, { step: 'device-confirm', answer: 'accept' })
  const tokens = await client.pollDeviceAuthorizationGrant(config, begun)
  assert.equal(tokens.claims().preferred_username, USER)
  assert.ok(tokens.refresh_token)
})

test('a pushed request says nothing in the address, and serves once', async () => {
  const config = await discovered('pushing')
  const { request, checks } = await begun()
  const address = await client.buildAuthorizationUrlWithPAR(config, request)
  assert.deepEqual([...address.searchParams.keys()].sort(), ['client_id', 'request_uri'])
  const back = await new Person().signIn(address)
  const tokens = await client.authorizationCodeGrant(config, back, checks)
  assert.equal(tokens.claims().preferred_username, USER)
  const again = await new Person().open(address)
  assert.ok(again.next === null || again.next.searchParams.has('error'))
  // This application must push: what stands in the address is not looked at.
  const plain = await begun()
  const refused = await new Person().signIn(client.buildAuthorizationUrl(config, plain.request))
  assert.equal(refused.searchParams.get('error'), 'invalid_request')
})

test('tokens are bound to a key (DPoP)', async () => {
  const config = await discovered('bound')
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair())
  const { request, checks } = await begun()
  const back = await new Person().signIn(client.buildAuthorizationUrl(config, request))
  const tokens = await client.authorizationCodeGrant(config, back, checks, undefined, { DPoP })
  assert.equal(tokens.token_type, 'dpop')
  const { sub } = tokens.claims()
  assert.equal((await client.fetchUserInfo(config, tokens.access_token, sub, { DPoP })).sub, sub)
  // Stolen, it is worth nothing: neither as a bearer token, nor with the thief's own key.
  await assert.rejects(client.fetchUserInfo(config, tokens.access_token, sub))
  const thiefs = client.getDPoPHandle(config, await client.randomDPoPKeyPair())
  await assert.rejects(client.fetchUserInfo(config, tokens.access_token, sub, { DPoP: thiefs }))
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
  assert.equal(renewed.token_type, 'dpop')
  // Without a proof this application gets nothing.
  const again = await begun()
  const returned = await new Person().signIn(client.buildAuthorizationUrl(config, again.request))
  await assert.rejects(client.authorizationCodeGrant(config, returned, again.checks))
})
