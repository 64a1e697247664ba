import { hash, timingSafeEqual } from 'node:crypto'

/** Where a client of the proxy wants to go. */
export interface Destination {
  /** As the client wrote it, in small letters; an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
}

/** Why a client does not get there. */
export type Refusal = 'not-allowed' | 'unreachable'

/** What to do next with a client that has said something. */
export type ProxyStep =
  /** Tell it this. */
  | { readonly do: 'answer'; readonly bytes: Uint8Array }
  /** Connect it, and tell it `accepted` or `refused(why)`. `first` goes to the far end before all that follows. */
  | {
      readonly do: 'connect'
      readonly to: Destination
      readonly accepted: Uint8Array
      readonly refused: (why: Refusal) => Uint8Array
      readonly first: Uint8Array
    }
  /** Nothing more is to be had of it: close, once all was told. */
  | { readonly do: 'close'; readonly why: string }

export interface Credentials {
  readonly user: string
  readonly password: string
}

/** The beginning of one client's connection, before it carries anything else. */
export interface ProxyHandshake {
  /** Takes what has come. After a `connect` or a `close` nothing more may be pushed. */
  push(bytes: Uint8Array): ProxyStep[]
}

/** Whether a client has said the right ones; as long for the wrong ones as for the right. */
export function isRight(expected: Credentials, user: string, password: string): boolean {
  const digest = (text: string) => hash('sha256', text, 'buffer')
  return timingSafeEqual(
    digest(JSON.stringify([expected.user, expected.password])),
    digest(JSON.stringify([user, password])),
  )
}
