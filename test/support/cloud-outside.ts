import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { KnobsChange } from '#sandbox/knobs.ts'
import { WORLD } from '#sandbox/world.ts'
import type { SandboxNotes } from './bastion-sandbox.ts'
import { FarOperator } from './far-operator.ts'
import { root } from './image-tree.ts'
import { instanceDocuments } from './instance-documents.ts'
import { type Outside, startOutside, userDataDocument } from './outside-network.ts'

const SERVICES = ['ssm', 'ssmmessages', 'ec2messages', 'kms', 'logs']
const [ENDPOINTS, CLUSTER, DATABASES] = ['10.20.0.20', '10.20.0.21', '10.20.0.22']
const NAMES = {
  'amazonaws.com': ENDPOINTS,
  'eks.amazonaws.com': CLUSTER,
  'rds.amazonaws.com': DATABASES,
}
const USER_DATA = {
  pgctl: 1,
  installation: {
    name: 'acme',
    workspace: WORLD.workspace,
    account: WORLD.account,
    region: WORLD.region,
    namespace: WORLD.namespace,
  },
}
export const SESSION_LOG = `/pgctl/${WORLD.workspace}/sessions`
/** As the stack of the bastion sets them, and what its role has no right to. */
const KNOBS: KnobsChange = {
  kms: 'on',
  shellProfile: 'cd && exec bash -l',
  sessionLog: SESSION_LOG,
  deny: ['ssm:ListInstanceAssociations', 'ssm:ListAssociations', 'ec2messages:GetMessages'],
}

/** What lies around a bastion when the sandbox is its cloud, by the cloud's own names and ports. */
export interface CloudOutside extends AsyncDisposable {
  readonly outside: Outside
  readonly notes: SandboxNotes
  readonly operator: FarOperator
  /** The group that sessions are written to. */
  sessionLog(what: 'make' | 'read', ...more: string[]): Promise<string>
}

export async function startCloudOutside(): Promise<CloudOutside> {
  await using parts = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-notes-'))
  parts.defer(() => rm(folder, { recursive: true, force: true }))
  const outside = parts.use(await startOutside({ metadata: userDataDocument(USER_DATA), names: NAMES }))
  const notesFile = join(folder, 'notes.json')
  const notes = await leadToSandbox(outside, notesFile)
  const authority = join(folder, 'authority.pem')
  await writeFile(authority, notes.authority)
  const operator = parts.use(await FarOperator.arrive(notes, outside.enter))
  const sessionLog: CloudOutside['sessionLog'] = async (what, ...more) => {
    const script = [join(root, 'test/support/log-group.ts'), notesFile, what, SESSION_LOG, ...more]
    const trust = `NODE_EXTRA_CA_CERTS=${authority}`
    const { status, stdout, stderr } = await operator.runProgram('env', trust, process.execPath, ...script)
    if (status !== 0) throw new Error(`the log of sessions: ${stderr}`)
    return stdout
  }
  await sessionLog('make', WORLD.kmsKeyArn)
  const running = parts.move()
  return { outside, notes, operator, sessionLog, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

/** Starts the sandbox out there, and has its parts answer where a cloud's would. */
async function leadToSandbox(outside: Outside, file: string): Promise<SandboxNotes> {
  const names = SERVICES.map((service) => `${service}.${WORLD.region}.amazonaws.com`)
  const script = join(root, 'test/support/bastion-sandbox.ts')
  const sandbox = outside.run([process.execPath, script, file, ...names, JSON.stringify(KNOBS)])
  await once(sandbox.stdout as Readable, 'data')
  const notes = JSON.parse(await readFile(file, 'utf8')) as SandboxNotes
  const ways = [
    `${ENDPOINTS}:443=${new URL(notes.endpoint).port}`,
    `${CLUSTER}:443=${notes.world.kubernetes}`,
    ...notes.datastores
      .filter(([host]) => host.endsWith('rds.amazonaws.com'))
      .map(([, { port, loopbackPort }]) => `${DATABASES}:${port}=${loopbackPort}`),
  ]
  const relay = outside.run([process.execPath, join(root, 'test/support/relay.ts'), ...ways])
  await once(relay.stdout as Readable, 'data')
  await outside.tell(instanceDocuments(notes))
  return notes
}
