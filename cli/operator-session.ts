import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import * as z from 'zod'
import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import type { Datastore } from '#core/installation/datastores.ts'
import { replaceFile } from '#core/io/replace-file.ts'
import type { ClusterEndpoint, ClusterToken } from '#core/kube/credentials.ts'
import { kubeconfig } from '#core/kube/kubeconfig.ts'
import type { Asked } from '#core/kube/operator-line.ts'
import { createHelloKey, openAnswer, wordMac } from '#core/kube/operator-seal.ts'
import { askOperator } from './far-terminal.ts'

/**
 * The far end of an operator's login: the folder that a shell on the bastion has for as long as it lives, with what it
 * asks for tokens with, a kubeconfig that does so, and the last token.
 */
const SESSION_FILE = 'session.json'
const KUBECONFIG_FILE = 'kubeconfig'
const TOKEN_FILE = 'token.json'
/** A token that ends while it is used is of no use. */
const MARGIN: Ms = 60_000

const endpointSchema = z.object({ name: z.string(), host: z.string(), port: z.int(), ca: z.string() })
const welcomeSchema = z.union([
  z.object({
    installation: z.string(),
    namespace: z.string(),
    secret: z.string(),
    cluster: endpointSchema,
  }),
  z.object({ error: z.string(), secret: z.string() }),
])
const tokenAnswerSchema = z.object({ token: z.string(), expires: z.number() })
const datastoresAnswerSchema = z.object({
  datastores: z.object({
    datastores: z.array(z.custom<Datastore>((value) => typeof value === 'object')),
    unreadable: z.array(
      z.object({ part: z.enum(['postgres', 'redis']), action: z.string(), says: z.string() }),
    ),
  }),
})
const refusalSchema = z.object({ error: z.string() })
const tokenSchema = z.object({ value: z.string(), expires: z.number() })
const sessionSchema = z.object({ secret: z.string(), cluster: endpointSchema })

/** The command line that prints a token, given the file to ask with. */
export type PluginWords = (file: string) => [string, ...string[]]

export interface OperatorSession {
  readonly folder: string
  /** What later requests are made with. */
  readonly file: string
  readonly kubeconfig: string
  readonly installation: string
}

/**
 * Begins the session of a login shell: asks the `pgctl login` at the other end, and makes the folder (0700).
 * @throws PgctlError where nobody answers, or the other end has no cluster.
 */
export async function beginOperatorSession(
  environment: NodeJS.ProcessEnv,
  plugin: PluginWords,
): Promise<OperatorSession> {
  const key = createHelloKey()
  const answer = askOperator({ kind: 'hello', key: key.public }, (sealed) => {
    const said = welcomeSchema.parse(opened(() => key.open(sealed)))
    return { said, secret: Buffer.from(said.secret, 'base64url') }
  })
  if ('error' in answer) throw refused(answer.error)
  const { installation, namespace, secret, cluster } = answer
  const base = environment['XDG_RUNTIME_DIR'] || tmpdir()
  await mkdir(base, { recursive: true })
  const folder = await mkdtemp(join(base, 'pgctl-operator-'))
  const file = join(folder, SESSION_FILE)
  await writeFile(file, `${JSON.stringify({ secret, cluster })}\n`, { mode: 0o600 })
  const { host, port, ca } = cluster
  const server = `https://${host}${port === 443 ? '' : `:${port}`}`
  const name = `pgctl-${installation}`
  const content = kubeconfig({ name, server, tlsServerName: host, ca, namespace, plugin: plugin(file) })
  await writeFile(join(folder, KUBECONFIG_FILE), `${JSON.stringify(content)}\n`, { mode: 0o600 })
  return { folder, file, kubeconfig: join(folder, KUBECONFIG_FILE), installation }
}

/**
 * A token of the operator, asked for in this terminal with what the session's `file` holds. It is kept in the session's
 * folder while it is good, as every call of kubectl wants one. @throws PgctlError
 */
export async function operatorToken(file: string, now: Ms): Promise<ClusterToken> {
  const kept = join(dirname(file), TOKEN_FILE)
  const known = await readToken(kept)
  if (known !== undefined && known.expires - MARGIN > now) return known
  const answer = await ask(file, 'token', tokenAnswerSchema)
  const token = { value: answer.token, expires: answer.expires }
  await replaceFile(kept, JSON.stringify(token))
  return token
}

/** Where the operator's cluster answers. @throws PgctlError */
export async function operatorCluster(file: string): Promise<ClusterEndpoint> {
  return (await readSession(file)).cluster
}

/** The datastores of the installation, as the operator's own pgctl finds them. @throws PgctlError */
export async function operatorDatastores(
  file: string,
): Promise<z.infer<typeof datastoresAnswerSchema>['datastores']> {
  return (await ask(file, 'datastores', datastoresAnswerSchema)).datastores
}

async function ask<T>(file: string, what: Asked, schema: z.ZodType<T>): Promise<T> {
  const secret = Buffer.from((await readSession(file)).secret, 'base64url')
  const nonce = randomBytes(16).toString('base64url')
  const word = { kind: 'ask', what, nonce, mac: wordMac(secret, 'ask', `${what}:${nonce}`) } as const
  const answer = askOperator(word, (sealed) => ({
    said: z.union([refusalSchema, schema]).parse(opened(() => openAnswer(secret, nonce, sealed))),
    secret,
  }))
  const refusal = refusalSchema.safeParse(answer)
  if (refusal.success) throw refused(refusal.data.error)
  return answer as T
}

/** What cannot be read is asked for anew. */
async function readToken(path: string): Promise<ClusterToken | undefined> {
  try {
    return tokenSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return undefined
  }
}

async function readSession(file: string): Promise<z.infer<typeof sessionSchema>> {
  try {
    return sessionSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    throw new PgctlError('state-invalid', `this shell has no session of an operator: ${dirname(file)}`, {
      why: 'its folder is gone, or belongs to another shell',
      next: 'leave this shell, and come in by pgctl login',
      cause: error,
    })
  }
}

/** What cannot be opened was not said to us. */
function opened(read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    if (error instanceof PgctlError) throw error
    throw new PgctlError('failed', "the operator's answer cannot be read", {
      why: 'it was not meant for this shell, or was changed on its way',
      next: 'leave this shell, and come in by pgctl login',
      cause: error,
    })
  }
}

function refused(why: string): PgctlError {
  return new PgctlError('failed', "the operator's pgctl has no token of the cluster", {
    why,
    next: 'on your own computer, see what is wrong: pgctl status',
  })
}
