import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { formatInstallationFile } from '#core/installation/installation-file.ts'
import { encodeFarWord } from '#core/kube/operator-line.ts'
import { DEFAULT_KNOBS } from '#sandbox/knobs.ts'
import type { Sandbox } from '#sandbox/sandbox.ts'
import { ACME } from '#sandbox/worlds/acme.ts'
import { eventually } from '../support/eventually.ts'
import type { PtyPerson } from '../support/pty-person.ts'
import { cliEntry, type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

/**
 * A login shell on the bastion that acts with its operator's rights: what its profile asks for is answered by the
 * `pgctl login` at the other end of the terminal, unseen.
 */

const TIMEOUT = { timeout: 60_000 }
const PGCTL = `'${process.execPath}' '${cliEntry}'`
const PROMPT = /^\[acme-bastion ~\]\$ $/

const pty = await import('../support/pty-person.ts').catch(() => undefined)
const skip = pty === undefined ? 'the pty library is not installed for this platform' : false

describe("the operator's rights on the bastion", { timeout: 300_000, skip }, () => {
  let cli: SandboxCli
  before(async () => {
    cli = await startSandboxCli()
    const profile = join(cli.home, 'profile.sh')
    await writeFile(profile, `eval "$(${PGCTL} cluster-session 2> why)"\nclear\n`)
    turn({ shellProfile: `. ${profile}` })
  })
  after(() => cli?.[Symbol.asyncDispose]())

  const turn = (change: object) =>
    cli.sandbox.cloud.state.turn({ ...DEFAULT_KNOBS, ...change } as typeof DEFAULT_KNOBS)
  const sitDown = (...words: string[]) => {
    assert.ok(pty !== undefined)
    const { environment, home } = cli
    return new pty.PtyPerson(process.execPath, [cliEntry, 'login', ...words], {
      ...{ columns: 200, rows: 50, environment, cwd: home },
    })
  }
  /** Runs a command in the shell, its output in a file of the test. */
  const ask = async (person: PtyPerson, command: string): Promise<{ said: string; status: string }> => {
    const file = join(cli.home, `said-${Math.random().toString(36).slice(2)}`)
    person.type(`${command} > ${file} 2>&1; echo "-- $?" >> ${file}\r`)
    // A command of ours there asks its operator several times, each in a process of its own.
    await eventually(() => isOver(file), 40_000)
    const [, said = '', status = ''] = /^([\s\S]*?)-- (\d+)\n$/.exec(await readFile(file, 'utf8')) ?? []
    return { said, status }
  }
  const isOver = async (file: string) => /-- \d+\n$/.test(await readFile(file, 'utf8').catch(() => ''))
  /** By the real name on the certificate, as kubectl on the bastion does it. */
  const listPods = async (cluster: Record<string, string>, token: string) => {
    const request = get({
      ...{ host: '127.0.0.1', port: cli.sandbox.kubernetes.port, path: '/api/v1/namespaces/paragon/pods' },
      ...{ servername: cluster['tls-server-name'], headers: { authorization: `Bearer ${token}` } },
      ca: Buffer.from(cluster['certificate-authority-data'] ?? '', 'base64'),
    })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.resume()
    return response
  }
  const folders = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('pgctl-operator-'))

  it(
    'gives kubectl there a kubeconfig of the real cluster, and tokens of the operator',
    TIMEOUT,
    async () => {
      const before = await folders()
      await using person = sitDown()
      await person.sees(PROMPT)
      const { said: path } = await ask(person, 'printf %s "$KUBECONFIG"')
      assert.equal((await stat(path)).mode & 0o777, 0o600)
      const config = JSON.parse(await readFile(path, 'utf8'))
      const [{ cluster }] = config.clusters
      assert.match(cluster.server, /^https:\/\/[\w.-]+\.eks\.amazonaws\.com$/)
      assert.doesNotMatch(JSON.stringify(config), /k8s-aws-v1/)
      const { command, args } = config.users[0].user.exec
      const plugin = [command, ...args].map((word: string) => `'${word}'`).join(' ')
      const { said, status } = await ask(person, plugin)
      assert.equal(status, '0', said)
      const { token, expirationTimestamp } = JSON.parse(said).status
      assert.ok(Date.parse(expirationTimestamp) > Date.now())
      const again = await ask(person, `{ ${plugin}; ls -l "$(dirname "$KUBECONFIG")"/token.json; }`)
      assert.match(again.said, /-rw-------/)
      const pods = await listPods(cluster, token)
      assert.equal(pods.statusCode, 200)
      person.type('exit\r')
      assert.equal((await person.exit).exitCode, 0)
      assert.doesNotMatch(person.written, /k8s-aws-v1|7461/, 'nothing of it was ever on the screen')
      assert.deepEqual(await folders(), before, 'its folder is gone with the shell')
    },
  )

  it(
    'lets pgctl itself work there: no flag, no session of its own, no right of the machine',
    TIMEOUT,
    async () => {
      const etc = join(cli.home, 'etc')
      await mkdir(etc, { recursive: true })
      const { workspace, account, region } = ACME
      const own = { name: 'acme', workspace, region, account, product: 'paragon' }
      await writeFile(join(etc, 'installation.yaml'), formatInstallationFile(own))
      const names = join(cli.home, 'names.mjs')
      await writeFile(names, namesModule(cli.sandbox))
      const here = `PGCTL_ETC=${etc} NODE_OPTIONS="--import ${names}"`
      await using person = sitDown()
      await person.sees(PROMPT)
      const sessions = () => cli.sandbox.cloud.gateway.sessions().length
      const before = sessions()
      const logs = await ask(person, `${here} ${PGCTL} logs hermes --tail 2`)
      assert.equal(logs.status, '0', logs.said)
      assert.match(logs.said, /hermes/)
      // With no flag the authorities of RDS count, and the sandbox's is none of them.
      const refused = await ask(person, `${here} ${PGCTL} psql -- -Atc 'select 6 * 7'`)
      assert.equal(refused.status, '7', refused.said)
      assert.match(refused.said, /trusted are the authorities of RDS in eu-central-1, as pgctl carries them/)
      const itsOwn = `PGCTL_CA=${join(cli.home, 'authority.pem')}`
      const query = await ask(person, `${here} ${itsOwn} ${PGCTL} psql -- -Atc 'select 6 * 7'`)
      assert.match(query.said, /^42$/m, query.said)
      const status = await ask(person, `${here} ${PGCTL} status`)
      assert.match(status.said, /cannot be done on the bastion/)
      assert.equal(sessions(), before)
      person.type('exit\r')
      assert.equal((await person.exit).exitCode, 0)
    },
  )

  it('loses no key that is pressed before, while or after an answer is made', TIMEOUT, async () => {
    await using person = sitDown()
    await person.sees(PROMPT)
    const { said } = await ask(
      person,
      `echo $(${PGCTL} cluster-token --session "$(dirname "$KUBECONFIG")/session.json" | cut -c1-9)`,
    )
    assert.match(said, /\{"apiVer/)
    person.type(`${PGCTL} cluster-token --session "$(dirname "$KUBECONFIG")/session.json" | wc -l\r`)
    person.type('echo typed $((20 + 3)) ahead\r')
    await person.sees(/typed 23 ahead$/)
    person.type('exit\r')
    assert.equal((await person.exit).exitCode, 0)
  })

  it('answers nothing that a file says which is looked at', TIMEOUT, async () => {
    const hello = join(cli.home, 'hello.txt')
    await writeFile(hello, `before${encodeFarWord({ kind: 'hello', key: 'k'.repeat(43) })}after\n`)
    const before = cli.sandbox.cloud.calls.since().at(-1)?.number ?? 0
    await using person = sitDown()
    await person.sees(PROMPT)
    person.type(`cat ${hello}\r`)
    await person.sees(/beforeafter$/)
    person.type('exit\r')
    assert.equal((await person.exit).exitCode, 0)
    assert.doesNotMatch(person.written, /7461/)
    const calls = cli.sandbox.cloud.calls.since(before)
    assert.equal(calls.filter(({ action }) => action === 'DescribeCluster').length, 1, 'for the shell itself')
  })

  it(
    'says why there is none: an operator who gives none, no right, a job without a terminal',
    TIMEOUT,
    async () => {
      {
        await using person = sitDown('--no-token')
        await person.sees(PROMPT)
        const { said, status } = await ask(person, '{ echo "$KUBECONFIG"; cat why; }')
        assert.equal(status, '0', said)
        assert.match(said, /^\n[\s\S]*--no-token/)
        person.type('exit\r')
        await person.exit
      }
      turn({
        shellProfile: `${PGCTL} cluster-session 2> ${join(cli.home, 'why')}`,
        deny: ['eks:DescribeCluster'],
      })
      {
        await using person = sitDown()
        await eventually(async () =>
          /not allowed: eks:DescribeCluster/.test(
            await readFile(join(cli.home, 'why'), 'utf8').catch(() => ''),
          ),
        )
        person.type('exit\r')
        await person.exit
      }
      turn({})
      const { status, stderr } = await cli.run(['exec', '--', 'sh', '-c', `${PGCTL} cluster-session`])
      assert.equal(status, 1, stderr)
      assert.match(stderr, /there is no terminal/)
    },
  )
})

/** What the names and routes of its network do for a bastion: every host is found, where the sandbox has it. */
function namesModule({ world, kubernetes }: Sandbox): string {
  const stores = [...(world.datastores ?? [])].map(([host, { loopbackPort }]) => [host, loopbackPort])
  const places = Object.fromEntries([...stores, [ACME.cluster.host, kubernetes.port]])
  return `
    import { Socket } from 'node:net'
    const places = ${JSON.stringify(places)}
    const { connect } = Socket.prototype
    Socket.prototype.connect = function (...words) {
      const options = Array.isArray(words[0]) ? words[0][0] : words[0]
      const port = places[options?.host]
      if (port !== undefined) Object.assign(options, { host: '127.0.0.1', port })
      return connect.apply(this, words)
    }
  `
}
