// A person with a browser: keeps cookies, fills forms in, and stops at the first address that is not the provider's.

import assert from 'node:assert/strict'

import { PASSWORD, URL_OF_PROVIDER, USER } from './settings.mjs'

const unescaped = (text) =>
  text
    .replace(/&#(?:x([0-9a-f]+)|(\d+));/gi, (_, hex, decimal) => String.fromCodePoint(hex ? parseInt(hex, 16) : decimal))
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')

const attribute = (tag, name) => {
  const found = tag.match(new RegExp(`\\s${name}="([^"]*)"`))
  return found ? unescaped(found[1]) : undefined
}

/** The forms of a page: where each goes, its hidden fields, and the names of the others. */
function forms(html) {
  return [...html.matchAll(/<form[^>]*>[\s\S]*?<\/form>/g)].map(([form]) => {
    const inputs = [...form.matchAll(/<(?:input|button)[^>]*>/g)].map(([tag]) => tag)
    const hidden = inputs.filter((tag) => attribute(tag, 'type') === 'hidden')
    return {
      action: attribute(form, 'action'),
      fields: Object.fromEntries(hidden.map((tag) => [attribute(tag, 'name'), attribute(tag, 'value') ?? ''])),
      names: inputs.map((tag) => attribute(tag, 'name')).filter(Boolean),
    }
  })
}

/** What is typed or chosen at each step. */
const ANSWERS = {
  user: { loginfmt: USER },
  consent: { answer: 'accept' },
  stay: { LoginOptions: '3' },
  // Offers, for another time.
  enrol: { answer: 'later' },
  'new-passkey': { answer: 'later' },
}

export class Person {
  #cookies = new Map()
  #answers

  /** With a `replacement` for the password, if it is to be changed. */
  constructor(password = PASSWORD, replacement) {
    this.password = password
    this.#answers = { ...ANSWERS, password: { passwd: password } }
    if (replacement) {
      this.#answers['change-password'] = { newpasswd: replacement, confirmnewpasswd: replacement }
    }
  }

  async #send(url, body) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const method = body ? 'POST' : 'GET'
    const answer = await fetch(url, { method, body, redirect: 'manual', headers: { cookie } })
    for (const line of answer.headers.getSetCookie?.() ?? [answer.headers.get('set-cookie')].filter(Boolean)) {
      const [name, value] = line.split(';')[0].split(/=(.*)/s)
      if (value) this.#cookies.set(name, value)
      else this.#cookies.delete(name)
    }
    const location = answer.headers.get('location')
    const next = location && new URL(location, url)
    if (next && next.origin === new URL(URL_OF_PROVIDER).origin) return this.#send(next)
    return { status: answer.status, url: new URL(url), next, html: await answer.text() }
  }

  open(url) {
    return this.#send(new URL(url, URL_OF_PROVIDER))
  }

  /** Sends the form that has all of these fields, hidden or not. */
  submit(page, fields) {
    const wanted = Object.keys(fields)
    const form = forms(page.html).find(({ names }) => wanted.every((name) => names.includes(name)))
    assert.ok(form, `no form with ${wanted} in ${page.html}`)
    const action = new URL(form.action ?? page.url, page.url)
    return this.#send(action, new URLSearchParams({ ...form.fields, ...fields }))
  }

  /** Follows the pages of a sign-in, whichever come, until the browser is sent to an application or none is left. */
  async through(page) {
    for (let pages = 0; pages < 10 && !page.next; pages += 1) {
      const steps = forms(page.html).map(({ fields }) => fields.step)
      const step = steps.find((step) => step in this.#answers)
      if (!step) return page
      page = await this.submit(page, { step, ...this.#answers[step] })
      if (step === 'change-password') this.password = this.#answers[step].newpasswd
    }
    return page
  }

  /** Opens an authorization request and signs in: the address that the application is called at. */
  async signIn(url) {
    const page = await this.through(await this.open(url))
    assert.ok(page.next, `the sign-in ends on a page: ${page.status} ${page.html}`)
    return page.next
  }
}
