import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { soon } from './eventually.ts'
import { PeerProcess } from './peer-process.ts'
import { programOf } from './peers.ts'

/** An event of the browser, as its DevTools protocol names it. */
export interface BrowserEvent {
  readonly method: string
  // biome-ignore lint/suspicious/noExplicitAny: events have many shapes, of which a test reads a field or two
  readonly params: any
}

/** One page of a headless Chromium, with all that has happened in it. */
export interface BrowserPage extends AsyncDisposable {
  readonly events: readonly BrowserEvent[]
  open(url: string): Promise<void>
  /** Resolves once `find` gives something of the events so far. */
  until<T>(find: (events: readonly BrowserEvent[]) => T | undefined, what: string): Promise<T>
  /** The value of an expression in the page. */
  evaluate(expression: string): Promise<unknown>
}

/** It looks nothing up by itself, and keeps nothing. */
const FLAGS = [
  ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
  ...['--disable-dev-shm-usage', '--remote-debugging-port=0', 'about:blank'],
]

interface Answer extends Partial<BrowserEvent> {
  readonly id?: number
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

/** `names` are hosts that lead to this computer, as an attacker's would whose names resolve to it. */
export async function openBrowserPage({
  names = [],
}: {
  names?: readonly string[]
} = {}): Promise<BrowserPage> {
  await using parts = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'pgctl-browser-'))
  parts.defer(() => rm(home, { recursive: true, force: true, maxRetries: 5 }))
  const rules = names.map((name) => `MAP ${name} 127.0.0.1`).join(', ')
  const words = [
    `--user-data-dir=${join(home, 'profile')}`,
    ...(rules === '' ? [] : [`--host-resolver-rules=${rules}`]),
    ...FLAGS,
  ]
  const browser = parts.use(
    new PeerProcess(programOf('chromium'), words, {
      environment: { HOME: home, PATH: '/usr/bin:/bin' },
    }),
  )
  const [, url = ''] = await browser.says(/DevTools listening on (ws:\/\/127\.0\.0\.1:\S+)/)
  const socket = new WebSocket(url, { maxPayload: 64 * 1024 * 1024 })
  parts.defer(() => socket.terminate())
  const events: BrowserEvent[] = []
  const waiting = new Set<() => void>()
  const asked = new Map<number, (answer: Answer) => void>()
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as Answer
    if (message.id !== undefined) asked.get(message.id)?.(message)
    else events.push(message as BrowserEvent)
    for (const wake of waiting) wake()
    waiting.clear()
  })
  await soon(
    new Promise<void>((resolve, reject) => socket.once('open', () => resolve()).once('error', reject)),
    'the browser',
  )
  let last = 0
  let sessionId: string | undefined
  const ask = async (method: string, params: object = {}): Promise<Record<string, unknown>> => {
    const id = ++last
    const answered = new Promise<Answer>((resolve) => asked.set(id, resolve))
    socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }))
    const { result, error } = await soon(answered, method)
    if (error !== undefined) throw new Error(`${method}: ${error.message}`)
    return result ?? {}
  }
  const { targetId } = await ask('Target.createTarget', { url: 'about:blank' })
  sessionId = String((await ask('Target.attachToTarget', { targetId, flatten: true }))['sessionId'])
  for (const domain of ['Network', 'Runtime', 'Log', 'Page']) await ask(`${domain}.enable`)
  const running = parts.move()
  return {
    events,
    async open(page) {
      const { errorText } = await ask('Page.navigate', { url: page })
      if (errorText !== undefined) throw new Error(`${page}: ${errorText}`)
    },
    async until(find, what) {
      for (;;) {
        const found = find(events)
        if (found !== undefined) return found
        await soon(new Promise<void>((resolve) => waiting.add(resolve)), what)
      }
    },
    async evaluate(expression) {
      const { result } = await ask('Runtime.evaluate', {
        expression,
        returnByValue: true,
        awaitPromise: true,
      })
      return (result as { value?: unknown }).value
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
