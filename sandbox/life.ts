import { messageOf, PgctlError } from '#core/errors.ts'
import { type SandboxOptions, startSandbox } from './sandbox.ts'
import type { SandboxFolder, SandboxRecord } from './state.ts'
import { WORLD, WORLDS } from './world.ts'

/** The port that a sandbox takes when nobody else has it. */
export const DEFAULT_PORT = 18_443

export interface RunOptions {
  readonly folder: SandboxFolder
  readonly sandbox: SandboxOptions
  /** Ends the sandbox. */
  readonly signal: AbortSignal
  /** Everything answers. */
  readonly ready: (record: SandboxRecord) => void
}

/**
 * Runs a sandbox in this process until the signal aborts; its state is there as long as it is.
 *
 * @throws PgctlError `sandbox-running`, or `sandbox-broken` when it cannot be started.
 */
export async function runSandbox({ folder, sandbox: options, signal, ready }: RunOptions): Promise<void> {
  await folder.claim()
  // What a killed sandbox leaves in the temporary folder, `down` finds below its own.
  process.env['TMPDIR'] = folder.temporaryPath
  try {
    await using sandbox = await startSandbox({ port: DEFAULT_PORT, ...options }).catch((error) => {
      throw new PgctlError('sandbox-broken', `the sandbox "${folder.name}" cannot be started`, {
        why: messageOf(error),
        cause: error,
      })
    })
    const record: SandboxRecord = {
      endpoint: sandbox.endpoint,
      plainEndpoint: sandbox.plainEndpoint,
      agent: options.agent ?? 'own',
      operatorKey: sandbox.operator,
      agentKey: sandbox.agent,
      adminSecret: sandbox.adminSecret,
    }
    await folder.publish(record, sandbox.authority, configOf(folder.authorityPath))
    ready(record)
    await aborted(signal)
  } finally {
    await folder.remove()
  }
}

/** The configuration of the sandbox's installations, whose datastores show certificates of its own authority. */
function configOf(authorityPath: string): string {
  return `ca: ${JSON.stringify(authorityPath)}\n${CONFIG}`
}

/** The installations, the first of them what plain commands act on: no word in it says that it is a sandbox. */
export const CONFIG = [
  `installation: ${WORLD.organization}`,
  'installations:',
  ...WORLDS.flatMap(({ organization, workspace, account, region, role }) => [
    `  ${organization}:`,
    `    workspace: ${workspace}`,
    '    cloud: aws',
    `    account: '${account}'`,
    `    region: ${region}`,
    ...(role === undefined ? [] : [`    role: ${role.arn}`, `    externalId: ${role.externalId}`]),
  ]),
  '',
].join('\n')

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
