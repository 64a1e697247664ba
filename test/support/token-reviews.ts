import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A webhook that tells a cluster whose token it is, as EKS tells its own. */
export interface TokenReviews extends AsyncDisposable {
  readonly url: string
  /** The groups of whoever is known, as their access entry gives them. */
  groups: readonly string[]
  /** Who it is; undefined for a token that is not good. */
  verify: (token: string) => string | undefined
}

export async function startTokenReviews(): Promise<TokenReviews> {
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) text += chunk
    const review = JSON.parse(text) as { spec?: { token?: string } }
    const username = reviews.verify(review.spec?.token ?? '')
    const user = username === undefined ? {} : { user: { username, groups: reviews.groups } }
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        status: { authenticated: username !== undefined, ...user },
      }),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const reviews: TokenReviews = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    groups: [],
    verify: () => undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return reviews
}
