import { findLogin, type Login, type LoginSource } from '#core/datastores/login.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import type { Datastore } from '#core/installation/datastores.ts'
import { loginSecret } from '#core/installation/profile.ts'
import { KubeClient } from '#core/kube/client.ts'
import { readSecret } from '#core/kube/secrets.ts'
import type { TunnelledAccess } from '#core/tunnel/cluster-access.ts'
import type { Deps } from './deps.ts'

export interface LoginWish {
  readonly store: Datastore
  /** Its own address. */
  readonly host: string
  readonly port: number
  /** Under which hosts its login may be kept: its own, and that of what it follows. */
  readonly hosts: readonly string[]
  /** Undefined takes the cluster's Secret, and where that has none, Secrets Manager. */
  readonly source: LoginSource | undefined
  readonly user: string | undefined
  /** Makes the cluster reachable, for its Secret. */
  readonly reachCluster: (signal: AbortSignal) => Promise<TunnelledAccess>
  /** Told where the login is not from where it was looked for first. */
  readonly notice: (message: string) => void
}

/**
 * The login of a datastore. Undefined where it needs none.
 * @throws PgctlError `credentials-missing` where no login of it is kept there; the refusal where it may not be read.
 */
export async function readLogin(
  deps: Deps,
  wish: LoginWish,
  signal: AbortSignal,
): Promise<Login | undefined> {
  // A Redis that asks for a password all the same says so itself.
  const { engine, access } = wish.store
  if (engine === 'redis' && access?.wantsPassword !== true && wish.source === undefined) return undefined
  switch (wish.source) {
    case 'secret':
      return await fromCluster(deps, wish, signal)
    case 'secrets-manager':
      return await fromSecretsManager(deps, wish, signal)
    case 'iam':
      return await fromToken(deps, wish)
    case 'prompt':
      return { user: wish.user, password: undefined, database: undefined, from: 'you' }
    case undefined:
      return await fromEither(deps, wish, signal)
  }
}

async function fromEither(deps: Deps, wish: LoginWish, signal: AbortSignal): Promise<Login> {
  try {
    return await fromCluster(deps, wish, signal)
  } catch (inCluster) {
    signal.throwIfAborted()
    if (!isPgctlError(inCluster)) throw inCluster
    try {
      const login = await fromSecretsManager(deps, wish, signal)
      const { code, message, why } = inCluster
      wish.notice(`no login from the cluster: ${code === 'credentials-missing' ? why : message}`)
      return login
    } catch (inCloud) {
      signal.throwIfAborted()
      if (!isPgctlError(inCloud)) throw inCloud
      throw nowhere(inCluster, inCloud, wish)
    }
  }
}

/** Two places were asked: what each said, and what helps where one only lacks the right to look. */
function nowhere(inCluster: PgctlError, inCloud: PgctlError, { store }: LoginWish): PgctlError {
  const mayHelp = [inCluster, inCloud].find(({ code }) => code !== 'credentials-missing') ?? inCluster
  return new PgctlError(mayHelp.code, `cannot find out how ${store.name} is entered`, {
    why: [inCluster, inCloud].map(textOf).join('; '),
    next: mayHelp.next,
    cause: inCluster,
  })
}

function textOf({ code, message, why }: PgctlError): string {
  if (why === undefined) return message
  return code === 'credentials-missing' ? why : `${message} (${why})`
}

/** By a way to the cluster's API that ends with the answer. */
async function fromCluster(deps: Deps, wish: LoginWish, signal: AbortSignal): Promise<Login> {
  const { secret } = deps.profile.logins
  if (secret === undefined)
    throw missing(wish, 'the profile of the product names no Secret of the cluster that holds logins')
  await using access = await wish.reachCluster(signal)
  await using client = new KubeClient(access)
  const found = await readSecret(client, deps.namespace, secret, signal).catch((error) => {
    throw access.explain(error)
  })
  if (found === undefined) throw missing(wish, `there is no Secret ${secret} in ${deps.namespace}`)
  const texts = [...found].map(([key, bytes]) => [key, Buffer.from(bytes).toString('utf8')] as const)
  return pick(new Map(texts), `Secret ${secret}`, deps, wish)
}

/** The one that the provider keeps for the datastore itself, where it does; else the product's. */
async function fromSecretsManager(deps: Deps, wish: LoginWish, signal: AbortSignal): Promise<Login> {
  const own = wish.store.access?.secret
  if (own !== undefined) return ownLogin(own, await readObject(deps, own, signal), wish)
  const shared = loginSecret(deps.profile, deps.installation.workspace)
  if (shared === undefined)
    throw missing(wish, 'RDS keeps no password of it, and the profile names no secret that holds logins')
  return pick(await readObject(deps, shared, signal), `secret ${shared}`, deps, wish)
}

/** What RDS writes: the user that the database was made with, and the password that it changes by itself. */
function ownLogin(id: string, entries: ReadonlyMap<string, string>, { store, user }: LoginWish): Login {
  const login = {
    user: entries.get('username') ?? store.access?.user,
    password: entries.get('password'),
    database: undefined,
    from: `secret ${id}`,
  }
  if (login.password === undefined || (user !== undefined && user !== login.user))
    throw missing({ store }, `the secret ${id} holds no password of ${user ?? 'any user'}`)
  return login
}

async function readObject(deps: Deps, id: string, signal: AbortSignal): Promise<Map<string, string>> {
  const text = await deps.secretText(id, signal)
  try {
    const entries = Object.entries(JSON.parse(text ?? '') as object)
    return new Map(entries.map(([key, value]) => [key, String(value)]))
  } catch {
    // What went wrong would quote what is secret.
    throw new PgctlError('credentials-missing', `the secret ${id} is no JSON object`)
  }
}

function pick(
  entries: ReadonlyMap<string, string>,
  place: string,
  { profile }: Deps,
  wish: LoginWish,
): Login {
  const { store, user } = wish
  const patterns = store.engine === 'kafka' ? [] : profile.logins[store.engine]
  const hosts = wish.hosts.map((host) => host.toLowerCase())
  const login = findLogin(entries, patterns, { hosts, user })
  if (login !== undefined) return { ...login, from: `${place}, ${login.from}` }
  const names = patterns.map((pattern) => pattern.host).join(' or ')
  const ofUser = user === undefined ? '' : ` with the user ${user}`
  throw missing(wish, `no ${names} in ${place} is ${wish.host}${ofUser}`)
}

async function fromToken(deps: Deps, { store, host, port, user }: LoginWish): Promise<Login> {
  if (store.engine !== 'postgres')
    throw new PgctlError('not-supported', `${store.name} is not entered by a token`, {
      why: 'RDS takes tokens; ElastiCache takes them from users of its own only, which is not supported yet',
      next: 'leave out --credentials',
    })
  if (store.access?.takesTokens === false)
    throw new PgctlError('credentials-refused', `${store.name} takes no tokens`, {
      why: 'IAM authentication is switched off on the instance',
      next: 'leave out --credentials, or switch it on in Terraform: iam_database_authentication_enabled',
    })
  if (user === undefined)
    throw new PgctlError('usage', 'a token is good for one user of the database, and none is named', {
      next: 'add --user NAME: one to whom the database has granted rds_iam',
    })
  const password = await deps.databaseToken({ host, port, user })
  return { user, password, database: undefined, from: 'a token of RDS, good for 15 min' }
}

function missing({ store }: Pick<LoginWish, 'store'>, why: string): PgctlError {
  return new PgctlError('credentials-missing', `no login of ${store.name} was found`, {
    why,
    next: 'name a source: --credentials prompt --user NAME asks you for the password',
  })
}
