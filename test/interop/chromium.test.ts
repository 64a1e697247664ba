import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { type BrowserPage, openBrowserPage } from '../support/browser.ts'
import { describeWith } from '../support/peers.ts'
import { type CliProcess, type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

/** A browser opens Grafana through `pgctl tunnel grafana`: what a person sees is whole, and stays alive. */

const TIMEOUT = { timeout: 60_000 }

/** What a person does at the first page. */
const SIGN_IN = `
  document.querySelector('[name=user]').value = 'admin'
  document.querySelector('[name=password]').value = 'admin'
  document.querySelector('form').requestSubmit()
`
const loaded = (events: BrowserPage['events']) =>
  events.filter(({ method }) => method === 'Page.loadEventFired')

describeWith(['chromium'], 'Chromium at the end of a tunnel', { timeout: 120_000 }, () => {
  let cli: SandboxCli
  let tunnel: CliProcess
  let page: BrowserPage
  const parts = new AsyncDisposableStack()
  before(async () => {
    cli = parts.use(await startSandboxCli())
    tunnel = cli.start(['tunnel', 'grafana', '--json', '--port', '0'])
    const { url } = await tunnel.event('ready')
    page = parts.use(await openBrowserPage())
    await page.open(`${url}/`)
    await page.until((events) => loaded(events)[0], 'the page to sign in')
    await page.evaluate(SIGN_IN)
    await page.until((events) => loaded(events)[1], 'the overview')
  })
  after(() => parts.disposeAsync())

  it('loads the page with all that belongs to it', TIMEOUT, async () => {
    const responses = page.events
      .filter(({ method }) => method === 'Network.responseReceived')
      .map(({ params }) => ({ type: params.type as string, status: params.response.status as number }))
    assert.ok(
      responses.every(({ status }) => status === 200),
      JSON.stringify(responses),
    )
    assert.ok(responses.length > 40, `only ${responses.length} files`)
    for (const type of ['Document', 'Stylesheet', 'Script', 'Image'])
      assert.ok(
        responses.some((response) => response.type === type),
        `no ${type} among ${JSON.stringify(responses)}`,
      )
    assert.match(String(await page.evaluate('document.title')), /^Overview/)
  })

  it('shows live figures by a WebSocket, one after another', TIMEOUT, async () => {
    const framesOf = (events: BrowserPage['events']) =>
      events.filter(({ method }) => method === 'Network.webSocketFrameReceived')
    const frames = await page.until((events) => {
      const received = framesOf(events)
      return received.length >= 3 ? received : undefined
    }, 'three frames of the live WebSocket')
    assert.deepEqual(
      frames.slice(0, 3).map(({ params }) => JSON.parse(params.response.payloadData).type),
      ['history', 'update', 'update'],
    )
  })

  it('has nothing to complain about', TIMEOUT, () => {
    const complaints = page.events.filter(
      ({ method, params }) =>
        method === 'Runtime.exceptionThrown' ||
        method === 'Network.loadingFailed' ||
        method === 'Network.webSocketFrameError' ||
        (method === 'Log.entryAdded' && params.entry.level === 'error') ||
        (method === 'Runtime.consoleAPICalled' && params.type === 'error'),
    )
    assert.deepEqual(complaints, [])
    const names = new Set(tunnel.events.map(({ event }) => event))
    for (const name of ['starting', 'session', 'ready', 'connection-opened', 'connection-closed'])
      names.delete(name)
    assert.deepEqual([...names], [], 'the tunnel was disturbed')
  })
})
