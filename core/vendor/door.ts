import type { Bytes, Clock, Ms } from '#core/clock.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import type { OutboundAgents } from '#core/io/outbound.ts'
import { retry } from '#core/retry.ts'
import { type BodyOf, encodeBody, KINDS, redactBody, type VendorKind } from './kinds.ts'
import type { Ledger } from './ledger.ts'
import { isPassing, type Posted, post } from './post.ts'
import type { VendorRelease } from './release.ts'
import type { Trigger } from './rows.ts'

/**
 * The one door out. Whatever goes to the vendor goes through `send`: one of three kinds, to the one host of the release,
 * by TLS, written to the ledger before it leaves. A ledger that cannot be written to keeps the door shut.
 */
export interface Door {
  /**
   * Sends a body and gives the answer's text.
   * @throws PgctlError for anything but an answer with status 200 or 204; none of them says anything about the license.
   */
  send<Kind extends VendorKind>(
    kind: Kind,
    body: BodyOf<Kind>,
    options: { readonly trigger: Trigger; readonly signal?: AbortSignal | undefined },
  ): Promise<string>
}

export interface DoorOptions {
  readonly release: VendorRelease
  readonly ledger: Ledger
  readonly agents: OutboundAgents
  readonly clock: Clock
  /** A number in [0, 1). */
  readonly chance: () => number
  /** Whether a kind is switched off; asked before each request. */
  readonly isOff: (kind: VendorKind) => Promise<boolean>
  /** For one try; tests shorten it. */
  readonly deadline?: Ms
}

const DEADLINE: Ms = 10_000
const ANSWER_LIMIT: Bytes = 128 * 1024
/** A service that wants us to wait longer than this is out of order, which is told at once. */
const LONGEST_WAIT: Ms = 10_000

export function openDoor(options: DoorOptions): Door {
  const { release, ledger, clock, chance, isOff } = options
  return {
    async send(kind, body, { trigger, signal }) {
      const text = encodeBody(kind, body)
      if (await isOff(kind)) throw switchedOff(kind)
      const url = addressOf(release, KINDS[kind].path)
      const mac = await ledger.mac(text)
      return retry(
        async (attempt) => {
          const intent = await ledger.append({
            event: 'intent',
            kind,
            schema: KINDS[kind].schema,
            host: url.host,
            attempt,
            trigger,
            bytes: Buffer.byteLength(text),
            mac,
            body: redactBody(kind, text),
          })
          return attend(options, intent, url, text, signal)
        },
        {
          clock,
          chance,
          signal,
          retryable: (error) => isPassing(error) && (waitOf(error) ?? 0) <= LONGEST_WAIT,
          floor: waitOf,
        },
      )
    },
  }
}

/** Sends what the row `intent` has announced, and writes down how it went. */
async function attend(
  { agents, clock, ledger, deadline = DEADLINE }: DoorOptions,
  intent: number,
  url: URL,
  body: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const began = clock.now().mono
  const outcome = (result: 'answered' | 'refused' | 'failed', posted?: Posted, code?: string) =>
    ledger.append({
      event: 'outcome',
      intent,
      result,
      status: posted?.status ?? null,
      bytes: posted === undefined ? 0 : Buffer.byteLength(posted.text),
      ms: Math.round(clock.now().mono - began),
      code: code ?? null,
    })
  let posted: Posted
  try {
    posted = await post({ url, body, agents, clock, deadline, limit: ANSWER_LIMIT, signal })
  } catch (error) {
    await outcome('failed', undefined, isPgctlError(error) ? error.code : 'failed')
    throw error
  }
  const refusal = refusalOf(url, posted)
  await outcome(refusal === undefined ? 'answered' : 'refused', posted, refusal?.code)
  if (refusal !== undefined) throw refusal
  return posted.text
}

function switchedOff(kind: VendorKind): PgctlError {
  return new PgctlError('not-supported', `nothing of the kind ${kind} is sent: it is switched off`, {
    next: `see since when: pgctl ${kind} status`,
  })
}

/** The one host of the release, by TLS: anything else is a mistake of the release. */
function addressOf({ url }: VendorRelease, path: string): URL {
  const address = new URL(path, url)
  if (address.protocol !== 'https:' || address.host !== new URL(url).host)
    throw new Error(`the release names ${url}, which is no https address of a host`)
  return address
}

const STANDS = 'ask later; the license stands meanwhile'

/** Why an answer is none. What a status says is not signed, so it never says anything about the license. */
function refusalOf({ host }: URL, { status, headers }: Posted): PgctlError | undefined {
  if (status === 200 || status === 204) return undefined
  if (status === 429)
    return new PgctlError('throttled', `the vendor at ${host} is asked too often`, {
      why: 'it answered with status 429',
      next: STANDS,
      cause: { retryAfter: Number(headers['retry-after']) * 1_000 },
    })
  if (status >= 300 && status < 400)
    return new PgctlError('protocol-violation', `${host} leads elsewhere, and no redirect is followed`, {
      why: `it answered with status ${status}`,
      next: 'see which proxy or portal answers for this host; the license stands meanwhile',
    })
  if (status >= 500)
    return new PgctlError('endpoint-unreachable', `the vendor at ${host} is out of order`, {
      why: `it answered with status ${status}`,
      next: STANDS,
    })
  return new PgctlError('protocol-violation', `${host} refused the request`, {
    why: `it answered with status ${status}, which is not signed and changes nothing`,
    next: 'see whether this pgctl is of the version that the vendor serves; the license stands meanwhile',
  })
}

function waitOf(error: unknown): Ms | undefined {
  if (!isPgctlError(error, 'throttled')) return undefined
  const { retryAfter } = Object(error.cause) as { readonly retryAfter?: number }
  return retryAfter !== undefined && retryAfter >= 0 ? retryAfter : undefined
}
