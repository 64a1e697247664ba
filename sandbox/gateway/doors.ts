import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Bytes, Clock, Ms } from '#core/clock.ts'
import type { Authenticator } from '#sandbox/aws/authenticator.ts'
import type { CallRecord } from '#sandbox/aws/calls.ts'
import { parseObject } from '#sandbox/aws/dialects/json.ts'
import { headerOf, type WireAnswer, type WireRequest, wireRequestOf } from '#sandbox/aws/http-message.ts'
import { permits } from '#sandbox/aws/policy.ts'
import { document } from '#sandbox/aws/xml.ts'
import { refuseUpgrade } from '#sandbox/services/http-service.ts'
import { worldOfBastion } from '#sandbox/world.ts'
import type { WorldState } from '#sandbox/world-state.ts'
import type { MessageGateway } from './gateway.ts'
import { Peer } from './peer.ts'
import type { TokenPurpose } from './tokens.ts'

/** The service that agents sign for. */
const SERVICE = 'ssmmessages'
/** Who opens a WebSocket says within this time what for. */
const FIRST_FRAME_WITHIN: Ms = 10_000
/** Agents take messages of 8 MB; nothing larger has been seen. */
const LARGEST_FRAME: Bytes = 16 * 1024 * 1024
/** The close code for a connection that has no right to be open. */
const POLICY_VIOLATION = 1008

export interface DoorsOptions {
  readonly clock: Clock
  readonly gateway: MessageGateway
  readonly authenticator: Authenticator
  readonly calls: CallRecord
  readonly state: WorldState
}

/** One of the gateway's two kinds of channel, as its path names it. */
interface Door {
  readonly kind: 'data-channel' | 'control-channel'
  /** The session's id, or the instance's. */
  readonly channel: string
}

/** A connection that may become a WebSocket, and what its token must be for. */
interface Admission {
  readonly door: Door
  readonly purpose: TokenPurpose
}

/**
 * Where clients and agents come in.
 *
 *     client   GET  /v1/data-channel/SESSION?role=publish_subscribe, upgraded; its first frame holds the token;
 *                   some clients sign it, as themselves, which adds nothing to the token
 *     agent    POST /v1/{control,data}-channel/ID, signed; 201 with a token in XML
 *              GET  the same path, upgraded and signed; its first frame holds the token
 */
export class GatewayDoors {
  readonly #options: DoorsOptions
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: LARGEST_FRAME,
  })
  readonly #waiting = new Set<WebSocket>()

  constructor(options: DoorsOptions) {
    this.#options = options
  }

  /** Whether the path is one of the gateway's. */
  owns(path: string): boolean {
    return doorOf(path) !== undefined
  }

  /** Answers an agent that asks for a token. */
  answer(request: WireRequest): WireAnswer {
    const door = doorOf(request.path)
    const { wall } = this.#options.clock.now()
    const authentication = this.#options.authenticator.authenticate(request, [SERVICE], wall)
    const action = door?.kind === 'control-channel' ? 'CreateControlChannel' : 'CreateDataChannel'
    const caller = authentication.ok ? authentication.caller.arn : undefined
    const record = (outcome: string) =>
      this.#options.calls.add({
        at: wall,
        service: SERVICE,
        action,
        // An agent's own role, which nobody who works here holds.
        permission: undefined,
        dependents: [],
        resource: door?.channel ?? '*',
        resources: [],
        caller,
        outcome,
      })
    const refuse = (status: number, code: string, message: string) => {
      record(code)
      return xml(status, document(code, { message }))
    }
    if (door === undefined || request.method !== 'POST')
      return refuse(404, 'UnknownOperationException', `${request.method} ${request.path}`)
    if (!authentication.ok) return refuse(403, 'AccessDeniedException', authentication.message)
    const instanceId = authentication.principal.kind === 'instance' ? authentication.principal.instanceId : ''
    if (!this.#mayServe(door, instanceId))
      return refuse(403, 'AccessDeniedException', `${caller} may not open ${door.kind} ${door.channel}`)
    if (door.kind === 'data-channel' && this.#options.gateway.find(door.channel)?.endedAt !== undefined)
      return refuse(400, 'ValidationException', 'Session is already terminated')
    record('ok')
    const purpose = door.kind === 'control-channel' ? 'control' : 'agent'
    const token = this.#options.gateway.tokens.issue(purpose, door.channel)
    return xml(201, document(`${action}Response`, { MessageSchemaVersion: '1.0', TokenValue: token }))
  }

  /** Takes over a connection that asks to become a WebSocket. */
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const admission = this.#admit(wireRequestOf(incoming))
    if ('refused' in admission) refuseUpgrade(socket, admission.status, { message: admission.refused })
    else
      this.#server.handleUpgrade(incoming, socket, head, (accepted) =>
        this.#awaitToken(accepted, socket, admission),
      )
  }

  /** Closes what has not said yet who it is. */
  dispose(): void {
    for (const socket of this.#waiting) socket.terminate()
  }

  /** Who comes through which door: an instance's signature makes an agent; of everyone else a token must follow. */
  #admit(request: WireRequest): Admission | { readonly refused: string; readonly status: number } {
    const door = doorOf(request.path)
    if (door === undefined) return { refused: 'no such channel', status: 404 }
    if (headerOf(request, 'authorization') === undefined) {
      if (door.kind === 'control-channel') return { refused: 'Missing Authentication Token', status: 403 }
      return this.#admitClient(door)
    }
    const now = this.#options.clock.now().wall
    const authentication = this.#options.authenticator.authenticate(request, [SERVICE], now)
    if (!authentication.ok) return { refused: authentication.message, status: 403 }
    const { principal, caller } = authentication
    if (principal.kind === 'operator' && door.kind === 'data-channel') return this.#admitClient(door)
    if (principal.kind !== 'instance' || !this.#mayServe(door, principal.instanceId))
      return { refused: `not a channel of ${caller.arn}`, status: 403 }
    return { door, purpose: door.kind === 'control-channel' ? 'control' : 'agent' }
  }

  #admitClient(door: Door): Admission | { readonly refused: string; readonly status: number } {
    if (this.#options.gateway.refuses) return { refused: 'Service Unavailable', status: 503 }
    return { door, purpose: 'client' }
  }

  /** An agent serves its own instance, and sessions on it for as long as that runs. */
  #mayServe(door: Door, instanceId: string): boolean {
    if (door.kind === 'control-channel') return door.channel === instanceId
    const { gateway, state } = this.#options
    return gateway.find(door.channel)?.terms.target === instanceId && state.isRunning(instanceId)
  }

  #awaitToken(socket: WebSocket, raw: Duplex, admission: Admission): void {
    this.#waiting.add(socket)
    socket.on('error', () => socket.terminate())
    const cancel = this.#options.clock.after(FIRST_FRAME_WITHIN, () =>
      socket.close(POLICY_VIOLATION, 'no open frame'),
    )
    const done = () => {
      this.#waiting.delete(socket)
      cancel()
    }
    socket.once('close', done)
    socket.once('message', (data: Buffer, isBinary) => {
      done()
      const token = isBinary ? undefined : tokenOf(data, admission.purpose)
      if (token === undefined) socket.close(POLICY_VIOLATION, 'not an open frame')
      else this.#open(socket, raw, admission, token)
    })
  }

  /** Whether the policy of who started the session lets them open its channel; recorded, as every permission is. */
  #mayOpen(sessionId: string): boolean {
    const { gateway, state, calls, clock } = this.#options
    const terms = gateway.find(sessionId)?.terms
    if (terms === undefined) return true
    const [, , , region = '', account = ''] = (terms.owner ?? '').split(':')
    const { region: where = region } = worldOfBastion(terms.target) ?? {}
    const resource = `arn:aws:ssm:${where}:${account}:session/${sessionId}`
    const { policy } = state.knobs
    const permission = `${SERVICE}:OpenDataChannel`
    const tags = terms.tags ?? {}
    const userId = tags['aws:ssmmessages:session-id'] ?? ''
    const caller = { account, arn: terms.owner, userId, sessionName: '' }
    const allowed = policy === null || permits(policy, { action: permission, resource, tags, caller })
    calls.add({
      at: clock.now().wall,
      service: SERVICE,
      action: 'OpenDataChannel',
      permission,
      dependents: [],
      resource,
      resources: [resource],
      caller: terms.owner,
      outcome: allowed ? 'ok' : 'AccessDeniedException',
    })
    return allowed
  }

  #open(socket: WebSocket, raw: Duplex, { door, purpose }: Admission, token: string): void {
    const { gateway } = this.#options
    const peer = new Peer(socket, raw)
    if (!gateway.tokens.redeem(token, purpose, door.channel))
      socket.close(POLICY_VIOLATION, 'the token is not valid')
    else if (purpose === 'client' && !this.#mayOpen(door.channel))
      socket.close(POLICY_VIOLATION, 'not authorized to perform: ssmmessages:OpenDataChannel')
    else if (purpose === 'control') gateway.channels.attach(door.channel, peer)
    else if (!gateway.attach(purpose, door.channel, peer)) socket.close(1000, 'the session has ended')
  }
}

function doorOf(path: string): Door | undefined {
  const [, kind, encoded] = /^\/v1\/(data-channel|control-channel)\/([^/]+)$/.exec(path) ?? []
  if (kind === undefined || encoded === undefined) return undefined
  try {
    return { kind: kind as Door['kind'], channel: decodeURIComponent(encoded) }
  } catch {
    return undefined
  }
}

/** The token of a first frame that has all that its sender must say; a client may leave its id out, and some do. */
function tokenOf(data: Buffer, purpose: TokenPurpose): string | undefined {
  const frame = parseObject(data)
  const { MessageSchemaVersion: schema, RequestId: requestId, TokenValue: token } = frame ?? {}
  if (typeof token !== 'string' || typeof requestId !== 'string' || schema !== '1.0') return undefined
  if (purpose === 'agent' && typeof frame?.['ClientId'] !== 'string') return undefined
  return token
}

function xml(status: number, body: string): WireAnswer {
  return { status, headers: { 'content-type': 'text/xml' }, body }
}
