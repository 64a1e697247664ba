import { type Check, type CheckKind, kindOf, type Wish } from '#core/image/checks.ts'
import type { Entry, Machine } from '#core/image/machine.ts'
import { changesSince, MANIFEST, parseManifest } from '#core/image/manifest.ts'
import { pathMatcher } from '#core/image/path-pattern.ts'
import { isLoopback } from '#core/image/sockets.ts'
import {
  accountsOf,
  fstabOptions,
  installedPackages,
  openAccounts,
  sysctlSettings,
} from '#core/image/system-files.ts'
import { compareVersions } from '#core/image/versions.ts'

/** What came of one check. */
export interface Judgement {
  readonly id: string
  readonly says: string
  readonly passed: boolean
  /** What was found in place of what should be; empty where it passed. */
  readonly found: readonly string[]
}

/** Asks a machine all that may be asked of it, in the order of the checks. */
export async function judgeMachine(checks: readonly Check[], machine: Machine): Promise<Judgement[]> {
  const judgements: Judgement[] = []
  for (const check of checks)
    if (check.on.includes(machine.place)) {
      const found = await faultsOf(check, machine)
      judgements.push({ id: check.id, says: check.says, passed: found.length === 0, found })
    }
  return judgements
}

type Judge<Kind extends CheckKind> = (wish: Wish<Kind>, machine: Machine) => Promise<string[]>

function faultsOf(check: Check, machine: Machine): Promise<string[]> {
  const kind = kindOf(check)
  const judge = JUDGES[kind] as Judge<CheckKind>
  return judge(check[kind] as Wish<CheckKind>, machine)
}

/** Each says what is wrong, in clauses; nothing where nothing is. */
const JUDGES: { readonly [Kind in CheckKind]: Judge<Kind> } = {
  package: async ({ name, present, atLeast }, machine) => {
    const version = installedPackages((await machine.read('/var/lib/dpkg/status')) ?? '').get(name)
    if (version === undefined) return present === false ? [] : [`${name} is not installed`]
    if (present === false) return [`${name} ${version} is installed`]
    if (atLeast !== undefined && compareVersions(version, atLeast) < 0)
      return [`${name} ${version} is older than ${atLeast}`]
    return []
  },

  packages: async ({ atMost }, machine) => {
    const { size } = installedPackages((await machine.read('/var/lib/dpkg/status')) ?? '')
    return size <= atMost ? [] : [`${size} packages are installed`]
  },

  file: judgeFile,

  noFiles: async ({ that, allowed }, machine) => {
    const isAllowed = pathMatcher(allowed)
    const known = await identitiesOf(machine)
    return (await machine.walk())
      .filter((entry) => IS[that](entry, known) && !isAllowed(entry.path))
      .map(({ path, mode }) => `${path} (0${mode.toString(8)})`)
  },

  nothingAt: async (paths, machine) => {
    const matches = pathMatcher(paths)
    return (await machine.walk()).filter(({ path }) => matches(path)).map(({ path }) => path)
  },

  emptyOrAbsent: async (paths, machine) => {
    const matches = pathMatcher(paths)
    return (await machine.walk())
      .filter(({ path, type, size }) => type === 'file' && size > 0 && matches(path))
      .map(({ path, size }) => `${path} has ${size} bytes`)
  },

  unit: async ({ name, enabled, masked, active }, machine) => {
    const state = await machine.unit(name)
    // What is not there can be neither enabled nor active.
    if (state === undefined) return enabled || masked || active ? [`${name} is not there`] : []
    const faults: string[] = []
    if (enabled !== undefined && state.enabled !== enabled)
      faults.push(`${name} is ${state.enabled ? '' : 'not '}enabled`)
    if (masked !== undefined && state.masked !== masked)
      faults.push(`${name} is ${state.masked ? '' : 'not '}masked`)
    if (active !== undefined && machine.place !== 'tree' && (state.active === 'active') !== active)
      faults.push(`${name} is ${state.active}`)
    return faults
  },

  noFailedUnits: async ({ but }, machine) =>
    (await machine.failedUnits()).filter((name) => !but.includes(name)).map((name) => `${name} has failed`),

  listeners: async ({ allowed }, machine) =>
    (await machine.sockets())
      .filter(
        ({ protocol, address, port }) => !isLoopback(address) && !allowed.includes(`${protocol} ${port}`),
      )
      .map(({ protocol, address, port }) => `${protocol} ${address} port ${port}`),

  sysctl: async (wanted, machine) => {
    const written = machine.place === 'bastion' ? undefined : await writtenSettings(machine)
    const faults: string[] = []
    for (const [name, value] of Object.entries(wanted)) {
      const found = written === undefined ? await machine.sysctl(name) : written.get(name)
      if (found?.replace(/\s+/g, ' ') !== value) faults.push(`${name} is ${found ?? 'not set'}`)
    }
    return faults
  },

  accounts: async ({ uidZero, withShell }, machine) => {
    const accounts = accountsOf((await machine.read('/etc/passwd')) ?? '')
    const open = openAccounts((await machine.read('/etc/shadow')) ?? '')
    return [
      ...open.map((name) => `${name} has a password, or needs none`),
      ...accounts
        .filter(({ name, uid }) => uid === 0 && !uidZero.includes(name))
        .map(({ name }) => `${name} has uid 0`),
      ...accounts
        .filter(({ name, shell }) => !/\/(nologin|false|sync)$/.test(shell) && !withShell.includes(name))
        .map(({ name, shell }) => `${name} has the shell ${shell}`),
    ]
  },

  mount: async ({ path, options }, machine) => {
    const found =
      machine.place === 'bastion'
        ? await machine.mountOptions(path)
        : fstabOptions((await machine.read('/etc/fstab')) ?? '', path)
    if (found === undefined) return [`nothing is mounted at ${path}`]
    return options.filter((option) => !found.includes(option)).map((option) => `${path} is not ${option}`)
  },

  size: async ({ atMostMiB }, machine) => {
    const bytes = (await machine.walk()).reduce(
      (sum, { size, type }) => sum + (type === 'file' ? size : 0),
      0,
    )
    return bytes <= atMostMiB * 1024 ** 2 ? [] : [`files have ${Math.ceil(bytes / 1024 ** 2)} MiB`]
  },

  diskFree: async ({ path, atLeastMiB }, machine) => {
    const free = await machine.freeBytes(path)
    return free >= atLeastMiB * 1024 ** 2 ? [] : [`${path} has ${Math.floor(free / 1024 ** 2)} MiB left`]
  },

  sealed: async ({ but }, machine) => {
    const text = await machine.read(MANIFEST)
    if (text === undefined) return [`there is no ${MANIFEST}`]
    return changesSince(parseManifest(text), machine, pathMatcher(but))
  },
}

async function judgeFile(wish: Wish<'file'>, machine: Machine): Promise<string[]> {
  const { path, present, mode, owner, linesThatMatch, noLineThatMatches } = wish
  const entry = await machine.look(path)
  if (entry === undefined) return present ? [`${path} is not there`] : []
  if (!present) return [`${path} is there`]
  const faults: string[] = []
  if (mode !== undefined && entry.mode !== Number.parseInt(mode, 8))
    faults.push(`${path} has mode 0${entry.mode.toString(8)}`)
  if (owner !== undefined && ownerOf(entry, await identitiesOf(machine)) !== owner)
    faults.push(`${path} is owned by ${ownerOf(entry, await identitiesOf(machine))}`)
  const asksForLines = linesThatMatch.length + noLineThatMatches.length > 0
  const lines = asksForLines ? ((await machine.read(path)) ?? '').split('\n') : []
  for (const pattern of linesThatMatch)
    if (!lines.some((line) => new RegExp(pattern).test(line))) faults.push(`${path} has no line ${pattern}`)
  for (const pattern of noLineThatMatches)
    for (const line of lines) if (new RegExp(pattern).test(line)) faults.push(`${path} says ${line.trim()}`)
  return faults
}

interface Identities {
  readonly users: ReadonlyMap<number, string>
  readonly groups: ReadonlySet<number>
}

async function identitiesOf(machine: Machine): Promise<Identities> {
  const accounts = accountsOf((await machine.read('/etc/passwd')) ?? '')
  const groups = ((await machine.read('/etc/group')) ?? '')
    .split('\n')
    .map((line) => Number(line.split(':')[2]))
  return { users: new Map(accounts.map(({ uid, name }) => [uid, name])), groups: new Set(groups) }
}

const ownerOf = ({ uid }: Entry, { users }: Identities) => users.get(uid) ?? String(uid)

const IS: Readonly<Record<Wish<'noFiles'>['that'], (entry: Entry, known: Identities) => boolean>> = {
  'run as their owner': ({ type, mode }) => type === 'file' && (mode & 0o4000) !== 0,
  'run as their group': ({ type, mode }) => type === 'file' && (mode & 0o2000) !== 0,
  // A folder like /tmp, where each can take away only what is theirs, is no fault.
  'anybody may write': ({ type, mode }) =>
    (mode & 0o002) !== 0 && (type === 'file' || (type === 'folder' && (mode & 0o1000) === 0)),
  'nobody owns': ({ uid, gid }, { users, groups }) => !users.has(uid) || !groups.has(gid),
}

async function writtenSettings(machine: Machine): Promise<Map<string, string>> {
  const names = new Map<string, string>()
  for (const folder of ['/usr/lib/sysctl.d', '/etc/sysctl.d'])
    for (const name of await machine.list(folder))
      if (name.endsWith('.conf')) names.set(name, `${folder}/${name}`)
  const texts: string[] = []
  for (const [, path] of [...names].sort(([a], [b]) => (a < b ? -1 : 1)))
    texts.push((await machine.read(path)) ?? '')
  return sysctlSettings(texts)
}
