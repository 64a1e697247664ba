// A Kubernetes API that misbehaves, for whoever wants to know how a reader of logs bears it: `npm run logs-stub`.
import { writeFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PgctlError } from '#core/errors.ts'
import { createAuthority } from '#sandbox/certificates.ts'
import { readArguments, type StubArguments, USAGE } from '#sandbox/log-stub/arguments.ts'
import { credentialOf, kubeconfigOf } from '#sandbox/log-stub/kubeconfig.ts'
import { type PlanOptions, planOf } from '#sandbox/log-stub/plan.ts'
import { STUB_APP, STUB_LABEL, STUB_NAMESPACE } from '#sandbox/log-stub/pod-object.ts'
import { type ExpectedLine, expectedLines, scoreOf } from '#sandbox/log-stub/score.ts'
import { type StubServer, startStub } from '#sandbox/log-stub/server.ts'

const say = (line: string) => process.stdout.write(`${line}\n`)

try {
  const wanted = readArguments(process.argv.slice(2), Date.now())
  if (wanted.kind === 'help') process.stdout.write(USAGE)
  else if (wanted.kind === 'score') await score(wanted.expected)
  else await serve(wanted.asked)
} catch (error) {
  if (!(error instanceof PgctlError) && (error as NodeJS.ErrnoException).code === undefined) throw error
  const { message, next } = error as PgctlError
  process.stderr.write(`logs-stub: ${message}\n${next === undefined ? '' : `  ${next}\n`}`)
  process.exitCode = error instanceof PgctlError && error.code === 'usage' ? 2 : 1
}

async function serve(asked: StubArguments): Promise<void> {
  const plan = planOf(asked.plan)
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-logs-stub-'))
  try {
    const place = { kubeconfig: join(folder, 'kubeconfig'), credential: join(folder, 'credential.json') }
    const keepToken = (token: string) => writePrivately(place.credential, credentialOf(token))
    const authority = asked.plain ? undefined : await createAuthority()
    const tls = await authority?.issue({ names: ['localhost'] })
    await using stub = await startStub({
      plan,
      tls,
      port: asked.port,
      latency: asked.latency,
      onToken: keepToken,
      onRequest: asked.verbose ? (line) => say(`  ${line}`) : undefined,
      onFault: asked.json ? undefined : (what) => say(`! ${what}`),
    })
    keepToken(stub.world.token)
    const server = `${asked.plain ? 'http' : 'https'}://127.0.0.1:${stub.port}`
    const credential = asked.plan.faults.some(({ kind }) => kind === 'token') ? place.credential : undefined
    const ca = authority?.certificate
    writePrivately(place.kubeconfig, kubeconfigOf({ server, ca, token: stub.world.token, credential }))
    if (asked.expected !== undefined) writePrivately(asked.expected, textOf(expectedLines(plan)))
    if (asked.json) say(JSON.stringify(readyDocument(stub, server, place.kubeconfig, ca)))
    else introduce(asked.plan, server, place.kubeconfig)
    await new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function readyDocument(stub: StubServer, server: string, kubeconfig: string, ca: string | undefined): object {
  return { event: 'ready', server, kubeconfig, ca, token: stub.world.token, namespace: STUB_NAMESPACE }
}

function introduce({ pods, lines, seed, faults }: PlanOptions, server: string, kubeconfig: string): void {
  const told = faults.map(({ kind, pod, share, times }) =>
    [kind, pod === undefined ? '' : `:${pod}`, `@${share * 100}`, times > 1 ? `x${times}` : ''].join(''),
  )
  say(`${server}: ${pods} pods, ${lines} lines, seed ${seed}; faults: ${told.join(', ') || 'none'}`)
  say('')
  say(`  stern --kubeconfig ${kubeconfig} -o raw .`)
  say(`  kubectl --kubeconfig ${kubeconfig} logs -f --tail=-1 --prefix=false -l ${STUB_LABEL}=${STUB_APP}`)
  say('')
  say('Ctrl-C ends it.')
}

function writePrivately(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 })
}

function textOf(lines: readonly ExpectedLine[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}

async function score(path: string): Promise<void> {
  const expected = (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ExpectedLine)
  const printed: string[] = []
  let rest = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    printed.push(...lines)
  }
  if (rest !== '') printed.push(rest)
  for (const [name, count] of Object.entries(scoreOf(expected, printed))) say(`${name.padEnd(11)}${count}`)
}
