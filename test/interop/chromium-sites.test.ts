import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, it } from 'node:test'
import { BOTH_INSTALLATIONS } from '../support/both-installations.ts'
import { type BrowserPage, openBrowserPage } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { describeWith } from '../support/peers.ts'
import { type CliProcess, type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

/** One browser, two installations and a page of somebody else: who gets whose cookies, and who is let in. */

const TIMEOUT = { timeout: 60_000 }
const REBOUND = 'rebound.example'
describeWith(['chromium'], 'Chromium on two installations at once', { timeout: 180_000 }, () => {
  let cli: SandboxCli
  let page: BrowserPage
  let foreign: Server
  let foreignUrl: string
  const tunnels = new Map<string, { process: CliProcess; url: string; port: number }>()
  const parts = new AsyncDisposableStack()
  before(async () => {
    cli = parts.use(await startSandboxCli({ config: BOTH_INSTALLATIONS }))
    for (const [name, target] of [
      ['acme', 'grafana'],
      ['acme', 'hermes'],
      ['globex', 'hermes'],
    ] as const) {
      const process = cli.start(['tunnel', target, '-i', name, '--json', '--port', '0'])
      const { url, port } = await process.event('ready')
      tunnels.set(`${target} of ${name}`, { process, url: String(url), port: Number(port) })
    }
    foreign = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<title>somebody else</title>')
    }).listen(0, '127.0.0.1')
    await once(foreign, 'listening')
    foreignUrl = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}/`
    page = parts.use(await openBrowserPage({ names: [REBOUND] }))
  })
  after(async () => {
    foreign?.close()
    await parts.disposeAsync()
  })

  const tunnel = (name: string) => tunnels.get(name) ?? assert.fail(`there is no ${name}`)
  /** Opens an address and waits for its page; answers the status of the document. */
  async function show(url: string): Promise<number> {
    const from = page.events.length
    await page.open(url)
    await page.until(
      (events) => events.slice(from).find(({ method }) => method === 'Page.loadEventFired'),
      `the page ${url}`,
    )
    const documents = page.events
      .slice(from)
      .filter(({ method, params }) => method === 'Network.responseReceived' && params.type === 'Document')
    return documents.at(-1)?.params.response.status
  }
  const refusals = (name: string) =>
    tunnel(name)
      .process.events.filter(({ about }) => about === 'request-refused')
      .map(({ message }) => String(message))

  it('finds each by a name of its own', TIMEOUT, async () => {
    for (const name of ['hermes of acme', 'hermes of globex'] as const) {
      const { url, port } = tunnel(name)
      assert.equal(url, `http://hermes.${name.split(' ')[2]}.localhost:${port}`)
      assert.equal(await show(`${url}/`), 200)
      assert.match(String(await page.evaluate('document.body.innerText')), /"hermes"/)
    }
  })

  it("keeps one installation's cookies from the other, whatever domain they ask for", TIMEOUT, async () => {
    await show(`${tunnel('hermes of acme').url}/`)
    for (const cookie of [
      'own=1; path=/',
      'shared=1; path=/; domain=acme.localhost',
      'everywhere=1; path=/; domain=localhost',
    ])
      await page.evaluate(`document.cookie = ${JSON.stringify(cookie)}`)
    // A browser takes no cookie for all of localhost; one for the installation goes to its other services at most.
    assert.equal(await page.evaluate('document.cookie'), 'own=1; shared=1')
    await show(`${tunnel('hermes of globex').url}/`)
    assert.equal(await page.evaluate('document.cookie'), '')
    await page.evaluate('document.cookie = "own=2; path=/"')
    await show(`${tunnel('hermes of acme').url}/`)
    assert.equal(await page.evaluate('document.cookie'), 'own=1; shared=1')
  })

  it(
    'is kept from a tunnelled service by a page of somebody else, whichever way it tries',
    TIMEOUT,
    async () => {
      assert.equal(await show(foreignUrl), 200)
      const { url } = tunnel('grafana of acme')
      const from = page.events.length
      const tried = await page.evaluate(`(async () => {
      const outcomes = {}
      outcomes.read = await fetch('${url}/api/health').then((a) => a.text(), (e) => e.name)
      outcomes.blind = await fetch('${url}/api/health', { mode: 'no-cors' }).then((a) => a.type, (e) => e.name)
      outcomes.write = await fetch('${url}/login', { mode: 'no-cors', method: 'POST', body: 'x' }).then((a) => a.type, (e) => e.name)
      outcomes.image = await new Promise((resolve) => {
        const image = new Image()
        image.onload = () => resolve('loaded')
        image.onerror = () => resolve('failed')
        image.src = '${url}/public/img/fav32.png'
      })
      outcomes.socket = await new Promise((resolve) => {
        const socket = new WebSocket('${url.replace('http', 'ws')}/api/live/ws')
        socket.onopen = () => resolve('open')
        socket.onerror = () => resolve('failed')
      })
      return JSON.stringify(outcomes)
    })()`)
      assert.deepEqual(JSON.parse(String(tried)), {
        ...{ read: 'TypeError', blind: 'opaque', write: 'opaque', image: 'failed', socket: 'failed' },
      })
      // Whatever a page may see of them: these are the statuses that came over the wire.
      const events = page.events.slice(from)
      const asked = new Set(
        events
          .filter(
            ({ method, params }) =>
              method === 'Network.requestWillBeSent' && params.request.url.startsWith(url),
          )
          .map(({ params }) => params.requestId),
      )
      const answers = events
        .filter(
          ({ method, params }) =>
            method === 'Network.responseReceivedExtraInfo' && asked.has(params.requestId),
        )
        .map(({ params }) => params.statusCode as number)
      assert.ok(answers.length >= 3, JSON.stringify(answers))
      assert.deepEqual([...new Set(answers)], [403])
      await eventually(() => refusals('grafana of acme').length >= 2)
      assert.match(
        refusals('grafana of acme').join(),
        /pages of http:\/\/127\.0\.0\.1:\d+ have no business here/,
      )
    },
  )

  it('is led to a page by a link of somebody else only after a click of the person', TIMEOUT, async () => {
    await show(foreignUrl)
    const { url } = tunnel('hermes of acme')
    const follow = async (script: string) => {
      const from = page.events.length
      await page.evaluate(script)
      await page.until(
        (events) => events.slice(from).find(({ method }) => method === 'Page.loadEventFired'),
        'the next page',
      )
    }
    await follow(`location.href = '${url}/'`)
    assert.match(String(await page.evaluate('document.body.innerText')), /pgctl has refused this request/)
    await follow(`document.querySelector('a').click()`)
    assert.match(String(await page.evaluate('document.body.innerText')), /"hermes"/)
  })

  it('gets nothing by a name that was led to this computer', TIMEOUT, async () => {
    const { port } = tunnel('grafana of acme')
    assert.equal(await show(`http://${REBOUND}:${port}/api/health`), 403)
    assert.match(
      String(await page.evaluate('document.body.innerText')),
      /nothing here is called rebound\.example/,
    )
  })

  it('gets one installation under the name of the other nowhere', TIMEOUT, async () => {
    const { port } = tunnel('hermes of globex')
    assert.equal(await show(`http://hermes.acme.localhost:${port}/`), 403)
  })
})
