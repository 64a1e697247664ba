import { randomText } from '#sandbox/aws/identity.ts'
import type { MessageGateway } from '#sandbox/gateway/gateway.ts'
import type { GatewaySession } from '#sandbox/gateway/session.ts'
import { worldOfBastion } from '#sandbox/world.ts'
import type { WorldState } from '#sandbox/world-state.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { AwsError } from '../aws-error.ts'
import { page } from '../pages.ts'
import { type Call, type Input, type Operation, textIn } from '../service.ts'
import type { OwnDocuments } from './own-documents.ts'
import {
  documentParameters,
  PREFERENCES_DOCUMENT,
  type Preferences,
  sessionDocument,
} from './session-documents.ts'

const MINUTE = 60_000
const SESSION_LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'
const REASON_LIMIT = 256
const MOST_SESSIONS = 200

/** The operations of SSM that open, continue, end and list sessions. */
export function sessionOperations(
  state: WorldState,
  gateway: MessageGateway,
  documents: OwnDocuments,
): Record<string, Operation> {
  return {
    StartSession: {
      resources: (input, call) => {
        const target = required(input, 'Target')
        const instance = `arn:aws:ec2:${call.region}:${call.caller.account}:instance/${target}`
        return [instance, documentArn(documentNameOf(input), call)]
      },
      run: (input, call) => startSession(input, call, { state, gateway, documents }),
    },
    ResumeSession: {
      resources: (input, call) => [sessionArn(required(input, 'SessionId'), call)],
      run(input, call) {
        const id = required(input, 'SessionId')
        const session = known(gateway, id, call)
        // A session that has ended answers without a token; that is how clients learn of it.
        if (session.endedAt !== undefined) return { SessionId: id }
        session.touch()
        const token = gateway.tokens.issue('client', id)
        return { SessionId: id, TokenValue: token, StreamUrl: streamUrl(call, id, state) }
      },
    },
    TerminateSession: {
      resources: (input, call) => [sessionArn(required(input, 'SessionId'), call)],
      run(input, call) {
        const id = required(input, 'SessionId')
        known(gateway, id, call).end('The session was terminated.')
        return { SessionId: id }
      },
    },
    DescribeSessions: {
      resources: () => [],
      run: (input, call) => describeSessions(input, call, gateway),
    },
  }
}

/** The account's session preferences, as the knobs have them. */
export function preferencesOf({ knobs }: WorldState, world: World | undefined): Preferences {
  return {
    idleMinutes: Math.max(1, Math.ceil(knobs.idle / MINUTE)),
    maximumMinutes: knobs.maximum === null ? undefined : Math.max(1, Math.ceil(knobs.maximum / MINUTE)),
    kmsKeyId: knobs.kms === 'on' ? world?.kmsKeyArn : undefined,
    shellProfile: knobs.shellProfile,
    sessionLog: knobs.sessionLog ?? undefined,
  }
}

interface SessionParts {
  readonly state: WorldState
  readonly gateway: MessageGateway
  readonly documents: OwnDocuments
}

function startSession(input: Input, call: Call, { state, gateway, documents }: SessionParts): object {
  const target = required(input, 'Target')
  const documentName = documentNameOf(input)
  const reason = textIn(input, 'Reason', validation)
  if (reason !== undefined && reason.length > REASON_LIMIT)
    throw validation(
      `1 validation error detected: Value at 'reason' failed to satisfy constraint: Member must have length less than or equal to ${REASON_LIMIT}`,
    )
  const document = sessionDocument(documentName, preferencesOf(state, call.world), documents.of(call))
  const parameters = documentParameters(document, input['Parameters'])
  if (call.world === undefined || !holds(call.world, target) || !gateway.isOnline(target))
    throw new AwsError('TargetNotConnected', `${target} is not connected.`)
  const id = `${call.caller.sessionName}-${randomText(SESSION_LETTERS, 26)}`
  const token = gateway.start({
    id,
    target,
    owner: call.caller.arn,
    tags: { 'aws:ssmmessages:session-id': call.caller.userId, 'aws:ssmmessages:target-id': target },
    documentName,
    document,
    parameters,
    reason,
    idle: state.knobs.idle,
    maximum: state.knobs.maximum ?? undefined,
  })
  return { SessionId: id, TokenValue: token, StreamUrl: streamUrl(call, id, state) }
}

/** The data channel on the endpoint that the caller has reached unless the knobs say where, by the same scheme. */
function streamUrl({ origin }: Call, id: string, { knobs }: WorldState): string {
  return `${origin.secure ? 'wss' : 'ws'}://${knobs.streamHost ?? origin.host}/v1/data-channel/${id}?role=publish_subscribe`
}

function describeSessions(input: Input, call: Call, gateway: MessageGateway): object {
  const wanted = textIn(input, 'State', validation)
  if (wanted !== 'Active' && wanted !== 'History')
    throw validation(
      "1 validation error detected: Value at 'state' failed to satisfy constraint: Member must satisfy enum value set: [Active, History]",
    )
  const size = input['MaxResults'] ?? MOST_SESSIONS
  if (!Number.isInteger(size) || (size as number) < 1 || (size as number) > MOST_SESSIONS)
    throw validation(`MaxResults must be between 1 and ${MOST_SESSIONS}`)
  const filters = (input['Filters'] ?? []) as ReadonlyArray<{ key?: string; value?: string }>
  const found = gateway
    .sessions()
    .filter(({ terms }) => holds(call.world, terms.target))
    .filter((session) => (session.endedAt === undefined) === (wanted === 'Active'))
    .filter((session) => filters.every((filter) => passes(session, filter.key ?? '', filter.value ?? '')))
  const { items, next } = page(
    found,
    size as number,
    textIn(input, 'NextToken', validation),
    () => {
      throw new AwsError('InvalidNextToken', 'The specified token is not valid.')
    },
    call.paging,
  )
  return { Sessions: items.map(describe), ...(next === undefined ? {} : { NextToken: next }) }
}

function passes({ terms, started, status }: GatewaySession, key: string, value: string): boolean {
  switch (key) {
    case 'Target':
      return terms.target === value
    case 'Owner':
      return terms.owner === value
    case 'SessionId':
      return terms.id === value
    case 'Status':
      return status === value
    case 'InvokedAfter':
      return started.wall >= Date.parse(value)
    case 'InvokedBefore':
      return started.wall <= Date.parse(value)
    default:
      throw new AwsError('InvalidFilterKey', `The filter key ${key} is not valid.`)
  }
}

function describe(session: GatewaySession): object {
  const { terms, started, endedAt, status } = session
  return {
    SessionId: terms.id,
    Target: terms.target,
    Status: status,
    StartDate: started.wall / 1000,
    ...(endedAt === undefined ? {} : { EndDate: endedAt.wall / 1000 }),
    DocumentName: terms.documentName,
    Owner: terms.owner,
    ...(terms.reason === undefined ? {} : { Reason: terms.reason }),
    Details: '',
    ...(terms.maximum === undefined ? {} : { MaxSessionDuration: String(Math.ceil(terms.maximum / MINUTE)) }),
  }
}

/** Sessions of another account, or another region, are none. */
function known(gateway: MessageGateway, id: string, { world }: Call): GatewaySession {
  const session = gateway.find(id)
  if (session === undefined || !holds(world, session.terms.target))
    throw new AwsError('DoesNotExistException', `Session ${id} does not exist`)
  return session
}

function documentNameOf(input: Input): string {
  return textIn(input, 'DocumentName', validation) ?? PREFERENCES_DOCUMENT
}

function holds(world: World | undefined, target: string): boolean {
  return world !== undefined && worldOfBastion(target)?.account === world.account
}

export function documentArn(name: string, { region, caller }: Call): string {
  // Documents of the service itself belong to no account.
  return `arn:aws:ssm:${region}:${name.startsWith('AWS-') ? '' : caller.account}:document/${name}`
}

function sessionArn(id: string, { region, caller }: Call): string {
  return `arn:aws:ssm:${region}:${caller.account}:session/${id}`
}

function required(input: Input, name: string): string {
  const value = textIn(input, name, validation)
  if (value) return value
  const member = `${name[0]?.toLowerCase()}${name.slice(1)}`
  throw validation(
    `1 validation error detected: Value null at '${member}' failed to satisfy constraint: Member must not be null`,
  )
}

function validation(message: string): AwsError {
  return new AwsError('ValidationException', message)
}
