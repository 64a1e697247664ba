import { describeDialer } from '../support/describe-dialer.ts'
import { TcpDialer } from '../support/tcp-dialer.ts'

// The suite is checked on the plainest route before it judges others.
describeDialer({
  name: 'plain TCP',
  async make(to) {
    const dialer = new TcpDialer(to)
    return {
      dialer,
      endRoute: (error) => dialer.end(error),
      [Symbol.asyncDispose]: () => dialer[Symbol.asyncDispose](),
    }
  },
})
