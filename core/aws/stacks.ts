import type { CloudFormationClient, Change as SdkChange } from '@aws-sdk/client-cloudformation'
import type { AwsConnection } from '#core/aws/clients.ts'
import { readPages } from '#core/aws/pages.ts'
import { abortedBy, clientPerConnection } from '#core/aws/sdk-client.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import type { Change } from '#core/stack/plan.ts'
import type { ChangeSet, StackApi, StackEvent } from '#core/stack/stack-api.ts'

const clientOf = clientPerConnection<CloudFormationClient>(async (settings) => {
  const { CloudFormationClient } = await import('@aws-sdk/client-cloudformation')
  return new CloudFormationClient(settings)
})

/** Pages of events that are read for one look: a stack of ours has some dozens an update. */
const MOST_EVENT_PAGES = 20

/** Stacks of CloudFormation. */
export function createStackApi(connection: AwsConnection): StackApi {
  const sdk = () => import('@aws-sdk/client-cloudformation')
  const call = <T>(
    operation: string,
    purpose: string,
    stack: string,
    signal: AbortSignal | undefined,
    run: (client: CloudFormationClient) => Promise<T>,
  ) =>
    connection.call({ action: `cloudformation:${operation}`, purpose, resource: stack }, signal, async () =>
      run(await clientOf(connection)),
    )

  return {
    stack: (name, signal) =>
      call('DescribeStacks', `look at the stack ${name}`, name, signal, async (client) => {
        const { DescribeStacksCommand } = await sdk()
        const answer = client.send(new DescribeStacksCommand({ StackName: name }), abortedBy(signal))
        const found = (await orMissing(answer))?.Stacks?.[0]
        // Begun for a proposal, and nothing is in it.
        if (found === undefined || found.StackStatus === 'REVIEW_IN_PROGRESS') return undefined
        return {
          status: found.StackStatus ?? 'unknown',
          reason: found.StackStatusReason,
          parameters: mapOf(found.Parameters, (each) => [each.ParameterKey, each.ParameterValue]),
          outputs: mapOf(found.Outputs, (each) => [each.OutputKey, each.OutputValue]),
        }
      }),

    propose: ({ stack, name, kind, template, parameters, description }, signal) =>
      call('CreateChangeSet', `propose changes of ${stack}`, stack, signal, async (client) => {
        const { CreateChangeSetCommand } = await sdk()
        const proposed = client.send(
          new CreateChangeSetCommand({
            StackName: stack,
            ChangeSetName: name,
            ChangeSetType: kind === 'create' ? 'CREATE' : 'UPDATE',
            TemplateBody: template,
            Description: description,
            Capabilities: ['CAPABILITY_NAMED_IAM'],
            Parameters: parameters.map(({ name: key, value }) =>
              value === undefined
                ? { ParameterKey: key, UsePreviousValue: true }
                : { ParameterKey: key, ParameterValue: value },
            ),
          }),
          abortedBy(signal),
        )
        await proposed.catch((error: unknown) => {
          throw isNamed(error, 'ValidationError') ? refused(stack, error) : error
        })
      }),

    changeSet: (stack, name, signal) =>
      call('DescribeChangeSet', `see what would change of ${stack}`, stack, signal, async (client) => {
        const { DescribeChangeSetCommand } = await sdk()
        let status: ChangeSet['status'] = 'making'
        let reason: string | undefined
        const changes = await readPages(
          `changes of ${stack}`,
          (NextToken) =>
            client.send(
              new DescribeChangeSetCommand({ StackName: stack, ChangeSetName: name, NextToken }),
              abortedBy(signal),
            ),
          (page) => {
            status = statusOf(page.Status, page.StatusReason)
            reason = page.StatusReason
            return { items: page.Changes, next: page.NextToken }
          },
        )
        return { status, reason, changes: changes.flatMap(toChange) }
      }),

    withdraw: (stack, name, whole) =>
      call('DeleteChangeSet', `withdraw changes of ${stack}`, stack, undefined, async (client) => {
        const { DeleteChangeSetCommand, DeleteStackCommand } = await sdk()
        await client.send(new DeleteChangeSetCommand({ StackName: stack, ChangeSetName: name }))
        if (whole) await client.send(new DeleteStackCommand({ StackName: stack }))
      }),

    execute: (stack, name, signal) =>
      call('ExecuteChangeSet', `make the changes of ${stack}`, stack, signal, async (client) => {
        const { ExecuteChangeSetCommand } = await sdk()
        await client.send(
          new ExecuteChangeSetCommand({ StackName: stack, ChangeSetName: name }),
          abortedBy(signal),
        )
      }),

    remove: (stack, signal) =>
      call('DeleteStack', `delete the stack ${stack}`, stack, signal, async (client) => {
        const { DeleteStackCommand } = await sdk()
        await client.send(new DeleteStackCommand({ StackName: stack }), abortedBy(signal))
      }),

    events: (stack, since, signal) =>
      call('DescribeStackEvents', `follow what happens to ${stack}`, stack, signal, async (client) => {
        const { DescribeStackEventsCommand } = await sdk()
        const found: StackEvent[] = []
        let token: string | undefined
        for (let page = 0; page < MOST_EVENT_PAGES; page++) {
          const answer = await orMissing(
            client.send(
              new DescribeStackEventsCommand({ StackName: stack, NextToken: token }),
              abortedBy(signal),
            ),
          )
          for (const event of answer?.StackEvents ?? []) {
            if (event.EventId === since) return found.reverse()
            found.push({
              id: event.EventId ?? '',
              at: event.Timestamp?.getTime() ?? 0,
              resource: event.LogicalResourceId ?? stack,
              type: event.ResourceType ?? '',
              status: event.ResourceStatus ?? '',
              reason: event.ResourceStatusReason,
            })
          }
          token = answer?.NextToken
          if (token === undefined) break
        }
        return found.reverse()
      }),
  }
}

/** CloudFormation has no name for the error of a stack that is not there, only words. */
async function orMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (isNamed(error, 'ValidationError') && /does not exist/.test(messageOf(error))) return undefined
    throw error
  }
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name
}

function refused(stack: string, cause: unknown): PgctlError {
  return new PgctlError('failed', `what is proposed for ${stack} is not taken`, {
    why: messageOf(cause),
    next: 'correct what it names, with --set; nothing was changed',
    cause,
  })
}

function mapOf<T>(
  list: readonly T[] | undefined,
  entry: (each: T) => readonly [string | undefined, string | undefined],
): ReadonlyMap<string, string> {
  return new Map(
    (list ?? []).flatMap((each) => {
      const [name, value] = entry(each)
      return name === undefined || value === undefined ? [] : [[name, value] as const]
    }),
  )
}

function statusOf(status: string | undefined, reason: string | undefined): ChangeSet['status'] {
  if (status === 'CREATE_COMPLETE') return 'ready'
  if (status !== 'FAILED') return 'making'
  return /didn't contain changes|No updates are to be performed/i.test(reason ?? '') ? 'empty' : 'failed'
}

const ACTIONS: Readonly<Record<string, Change['action']>> = { Add: 'add', Modify: 'change', Remove: 'remove' }
const REPLACES: Readonly<Record<string, Change['replaces']>> = { True: 'yes', Conditional: 'maybe' }

function toChange({ ResourceChange: change }: SdkChange): Change[] {
  const action = ACTIONS[change?.Action ?? '']
  if (change === undefined || action === undefined) return []
  const names = (change.Details ?? []).flatMap(({ Target }) =>
    Target === undefined ? [] : (Target.Name ?? Target.Attribute ?? []),
  )
  return [
    {
      action,
      resource: change.LogicalResourceId ?? '',
      type: change.ResourceType ?? '',
      physical: change.PhysicalResourceId,
      replaces: action === 'change' ? (REPLACES[change.Replacement ?? ''] ?? 'no') : 'no',
      properties: [...new Set(names)].sort(),
    },
  ]
}
