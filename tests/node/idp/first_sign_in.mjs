// The user's first sign-in: prints the password from then on. The one that an administrator gave is replaced when the
// provider asks for that, as it does by default.

import assert from 'node:assert/strict'

import { Person } from './person.mjs'
import { PASSWORD, USER } from './settings.mjs'

const REPLACEMENT = 'river otter lamp 27'

const person = new Person(PASSWORD, REPLACEMENT)
const page = await person.through(await person.open('/signin'))
assert.ok(page.html.includes(USER), page.html)
console.log(person.password)
