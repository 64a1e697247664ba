import { randomUUID } from 'node:crypto'
import type { Clock, Instant } from '#core/clock.ts'
import { worldIn } from '#sandbox/world.ts'
import type { WorldState } from '#sandbox/world-state.ts'
import type { Authenticator } from './authenticator.ts'
import { type AccessFault, AwsError } from './aws-error.ts'
import type { CallRecord } from './calls.ts'
import { headerOf, type WireAnswer, type WireRequest } from './http-message.ts'
import { permits } from './policy.ts'
import type { AwsService, Call, Input } from './service.ts'
import { isFault, readClaim } from './signature.ts'

export interface EndpointOptions {
  readonly clock: Clock
  readonly state: WorldState
  readonly authenticator: Authenticator
  readonly calls: CallRecord
  readonly services: readonly AwsService[]
  /** The tags of what an ARN names, as policies see them. */
  readonly tagsOf: (arn: string) => Readonly<Record<string, string>>
}

/** One demand on its way to an answer: what is known so far, for the record and for the wording of a refusal. */
interface Handling {
  readonly service: AwsService
  readonly requestId: string
  readonly now: Instant
  operation: string
  permission: string | undefined
  dependents: readonly string[]
  resources: readonly string[]
  caller: string | undefined
}

/**
 * The AWS endpoint: every service on one address, as with `AWS_ENDPOINT_URL`. Which service is meant stands in the
 * scope of the signature, and in the request where there is none.
 */
export class AwsEndpoint {
  readonly #options: EndpointOptions

  constructor(options: EndpointOptions) {
    this.#options = options
  }

  /** Answers one request, and records it. */
  answer(request: WireRequest): WireAnswer {
    const handling: Handling = {
      service: this.#serviceOf(request),
      requestId: randomUUID(),
      now: this.#options.clock.now(),
      operation: 'unknown',
      permission: undefined,
      dependents: [],
      resources: [],
      caller: undefined,
    }
    try {
      const output = this.#handle(request, handling)
      this.#record(handling, 'ok')
      return handling.service.dialect.result(handling.operation, output, handling.requestId)
    } catch (error) {
      if (!(error instanceof AwsError)) throw error
      this.#record(handling, error.code)
      const status = error.status ?? handling.service.dialect.errorStatus
      return handling.service.dialect.error(error.code, error.message, status, handling.requestId)
    }
  }

  /** Answers a request whose body is longer than any service takes. */
  answerTooLarge(request: WireRequest): WireAnswer {
    const { dialect } = this.#serviceOf(request)
    const { code, status } = dialect.faults['body-too-large']
    return dialect.error(code, 'The request is too large.', status, randomUUID())
  }

  #handle(request: WireRequest, handling: Handling): object {
    const { service, now } = handling
    const demand = service.dialect.read(request)
    if (demand !== undefined) handling.operation = demand.operation
    const { authenticator, state } = this.#options
    const authentication = authenticator.authenticate(request, [service.name], now.wall)
    if (!authentication.ok) throw refusal(service, authentication.fault, authentication.message)
    handling.caller = authentication.caller.arn
    const operation = demand === undefined ? undefined : service.operations[demand.operation]
    if (demand === undefined || operation === undefined)
      throw refusal(
        service,
        'unknown-operation',
        `The sandbox does not know this operation of ${service.name}.`,
      )
    const action = `${service.name}:${operation.action ?? demand.operation}`
    const { region } = authentication.claim.scope
    const call: Call = {
      principal: authentication.principal,
      caller: authentication.caller,
      now,
      region,
      world: worldIn(authentication.caller.account, region),
      paging: { limit: state.knobs.pageSize ?? undefined, repeats: state.knobs.endless.includes(action) },
      origin: { secure: request.secure, host: headerOf(request, 'host') ?? '' },
    }
    if (state.takeThrottle(action)) throw refusal(service, 'throttled', 'Rate exceeded')
    const resources = operation.resources(demand.input, call)
    handling.resources = resources
    if (!service.alwaysAllowed?.includes(demand.operation)) {
      if (operation.ofAgents !== true) handling.permission = action
      handling.dependents = operation.dependents?.(demand.input) ?? []
      for (const each of [action, ...handling.dependents]) {
        const refused = this.#refusedOn(each, resources, call, operation.context?.(demand.input) ?? {})
        if (refused !== undefined)
          throw refusal(service, 'denied', deniedMessage(service, call, each, refused))
      }
    }
    const failing = state.knobs.fail[action]
    if (failing === 'always' || (failing === 'later-pages' && isLaterPage(demand.input)))
      throw refusal(service, 'failed', 'An internal error has occurred')
    return operation.run(demand.input, call)
  }

  /** What the knobs do not let the caller do this on; undefined where they let them. */
  #refusedOn(
    action: string,
    resources: readonly string[],
    { principal, caller }: Call,
    context: Readonly<Record<string, string>>,
  ): readonly string[] | undefined {
    const { state, tagsOf } = this.#options
    const { deny, policy } = state.knobs
    if (deny.includes(action)) return resources
    // What a bastion's own role may is not the operator's matter.
    if (policy === null || principal.kind === 'instance') return undefined
    // It is the policy of who works in an account; who may enter it is the matter of another one.
    if (action === 'sts:AssumeRole') return undefined
    const asked = resources.length === 0 ? ['*'] : resources
    const refused = asked.find(
      (resource) => !permits(policy, { action, resource, tags: tagsOf(resource), context, caller }),
    )
    return refused === undefined ? undefined : refused === '*' ? [] : [refused]
  }

  #serviceOf(request: WireRequest): AwsService {
    const claim = readClaim(request)
    const { services } = this.#options
    const named = isFault(claim)
      ? services.find((service) => service.dialect.read(request) !== undefined)
      : services.find((service) => service.name === claim.scope.service)
    return named ?? (services[0] as AwsService)
  }

  #record(
    { service, now, operation, permission, dependents, resources, caller }: Handling,
    outcome: string,
  ): void {
    this.#options.calls.add({
      at: now.wall,
      service: service.name,
      action: operation,
      permission,
      dependents,
      resource: resources[0] ?? '*',
      resources,
      caller,
      outcome,
    })
  }
}

/** Whether a listing goes on where a page before has ended; each family of services has its own word for that. */
function isLaterPage(input: Input): boolean {
  return PAGE_TOKENS.some((name) => input[name] !== undefined)
}

const PAGE_TOKENS = ['NextToken', 'nextToken', 'Marker', 'ContinuationToken', 'continuation-token']

function refusal(service: AwsService, fault: AccessFault, message: string): AwsError {
  const row = service.dialect.faults[fault]
  return new AwsError(row.code, row.message ?? message, row.status)
}

function deniedMessage(
  service: AwsService,
  call: Call,
  action: string,
  resources: readonly string[],
): string {
  const on = resources[0] === undefined ? '' : ` on resource: ${resources[0]}`
  const sentence = `User: ${call.caller.arn} is not authorized to perform: ${action}${on} because no identity-based policy allows the ${action} action`
  return service.name === 'ec2' ? `You are not authorized to perform this operation. ${sentence}` : sentence
}
