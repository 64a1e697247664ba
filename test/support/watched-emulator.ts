import { once } from 'node:events'
import { createServer } from 'node:http'

/** An emulator behind a socket of the test's, which remembers what was asked of EC2 in its query protocol. */
export interface WatchedEmulator extends AsyncDisposable {
  /** The parameters of every request, `Action` among them, in order. */
  readonly requests: readonly URLSearchParams[]
  /** Those of one action. */
  asked(action: string): readonly URLSearchParams[]
}

/**
 * Listens on `socketPath`, and hands on to `url`. What the emulator does not know (`lacking`, names of actions) is
 * answered as the service answers success: `<return>true</return>`.
 */
export async function watchEmulator(
  url: string,
  socketPath: string,
  lacking: readonly string[],
): Promise<WatchedEmulator> {
  const requests: URLSearchParams[] = []
  const server = createServer(async (message, response) => {
    const body = Buffer.concat(await message.toArray())
    const words = new URLSearchParams(body.toString('utf8'))
    const action = words.get('Action')
    if (action !== null) requests.push(words)
    if (action !== null && lacking.includes(action)) {
      const namespace = 'http://ec2.amazonaws.com/doc/2016-11-15/'
      const name = `${action}Response`
      response.writeHead(200, { 'content-type': 'text/xml' })
      response.end(`<${name} xmlns="${namespace}"><requestId>1</requestId><return>true</return></${name}>`)
      return
    }
    const { authorization, 'content-type': type } = message.headers
    const headers = Object.entries({ authorization, 'content-type': type }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as [string, string]],
    )
    try {
      const answer = await fetch(`${url}${message.url}`, { method: 'POST', headers, body })
      const text = await answer.text()
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/xml' })
      response.end(text)
    } catch {
      response.destroy()
    }
  })
  server.listen(socketPath)
  await once(server, 'listening')
  return {
    requests,
    asked: (action) => requests.filter((request) => request.get('Action') === action),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
